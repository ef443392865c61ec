"""A model file whose columns change once rows are stored: what the table takes over, and what is refused unharmed."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from pydantic import ValidationError

from include.authoring.checks import table_faults
from include.config.schema import ModelConfig
from include.contracts import DayRange
from include.data import evolution, tables, windows
from include.errors import PermanentError
from include.validation.ingest import ingest

FIRST, SECOND, THIRD = date(2026, 3, 4), date(2026, 3, 5), date(2026, 3, 6)
KINDS = {
    "sold_on": "date",
    "order_id": "string",
    "price": "integer",
    "gift": "boolean",
    "due": "date",
    "note": "string",
    "returned": "integer",
    "stock": "integer",
}


def model(columns: dict[str, str], source: Path, **data: Any) -> ModelConfig:
    return ModelConfig.model_validate(
        {
            "name": "shop",
            "description": "d",
            "owner": "tests",
            "task": "binary",
            "data": {
                "source": {"kind": "files", "path": str(source), "format": "parquet"},
                "day": "sold_on",
                "key": ["order_id"],
                "label": "returned",
                "columns": columns,
                **data,
            },
            "features": {"numeric": ["stock"]},
            "validation": {"max_quarantined_share": 1},
            "training": {
                "train_days": 2,
                "validation_days": 1,
                "holdout_days": 1,
                "candidates": [{"name": "one", "estimator": "LogisticRegression"}],
            },
        }
    )


class Shop:
    """A file of orders, two a day, and the model that reads it."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "orders.parquet"

    def deliver(self, **columns: Any) -> None:
        days = [FIRST, FIRST, SECOND, SECOND, THIRD, THIRD]
        frame = pd.DataFrame(
            {"sold_on": days, "order_id": list("abcdef"), "returned": [0, 1] * 3, "stock": 1, **columns}
        )
        frame.to_parquet(self.source)

    def model(self, columns: dict[str, str], **data: Any) -> ModelConfig:
        return model(columns, self.source, **data)

    def stored(self, *columns: str, version: int | None = None) -> list[tuple[Any, ...]]:
        rows = tables.read("shop", windows.VALIDATED, ["row_key", *columns], version=version, exact=True)
        return [tuple(row)[1:] for row in sorted(rows.itertuples(index=False))]


def changed(name: str, kind: str) -> dict[str, str]:
    return {**KINDS, name: kind}


@pytest.fixture
def shop(state: Path, tmp_path: Path) -> Shop:
    """Two nights of whole prices are stored."""
    made = Shop(tmp_path)
    made.deliver(price=[10, 20, 30, 40, 0, 0], gift=[True, False] * 3, due=[SECOND] * 6, note=["x"] * 6)
    ingest(made.model(KINDS), FIRST, SECOND)
    return made


def test_an_integer_becomes_a_number_and_no_fraction_is_lost(shop: Shop) -> None:
    before = tables.table_version("shop", windows.VALIDATED)
    snapshots = windows.row_snapshots(shop.model(KINDS), DayRange(start=FIRST, end=SECOND))
    shop.deliver(price=[10, 20, 30, 40, 15.99, 16.5], gift=[True] * 6, due=[SECOND] * 6, note=["x"] * 6)
    now = shop.model(changed("price", "number"))
    assert table_faults(now) == []
    result = ingest(now, THIRD, THIRD)
    assert shop.stored("price") == [(10.0,), (20.0,), (30.0,), (40.0,), (15.99,), (16.5,)]
    assert ("column_widened:price", 4) in [(one.rule, one.failed) for one in result.failures]
    assert [one.rule for one in ingest(now, THIRD, THIRD).failures if one.rule.startswith("column_w")] == []
    # One commit wrote the table anew, one replaced the night, one the night again; the past reads as it was.
    assert tables.table_version("shop", windows.VALIDATED) == (before or 0) + 3
    assert shop.stored("price", version=before) == [(10,), (20,), (30,), (40,)]
    # What scores know their rows by is the same as before.
    after = windows.row_snapshots(now, DayRange(start=FIRST, end=SECOND))
    assert after == snapshots and len(after) == 2


@pytest.mark.parametrize(
    ("name", "kind", "stored"),
    [
        ("price", "string", ["10", "20", "30", "40"]),
        ("gift", "integer", [1, 0, 1, 0]),
        ("gift", "number", [1.0, 0.0, 1.0, 0.0]),
        ("gift", "string", ["true", "false", "true", "false"]),
        ("due", "timestamp", [datetime(2026, 3, 5)] * 4),
        ("due", "string", ["2026-03-05"] * 4),
    ],
)
def test_a_type_is_widened_by_one_commit_and_read_by_a_version_of_before(
    shop: Shop, name: str, kind: str, stored: list[Any]
) -> None:
    old, now = shop.model(KINDS), shop.model(changed(name, kind))
    read = {"days": DayRange(start=FIRST, end=SECOND), "as_of": THIRD, "columns": [name]}
    before, version = windows.read_rows(old, **read), tables.table_version("shop", windows.VALIDATED)
    assert len(evolution.evolve(now)) == 1 and evolution.evolve(now) == ()
    assert [row[0] for row in shop.stored(name)] == stored
    pd.testing.assert_frame_equal(windows.read_rows(old, **read), before, check_dtype=False)
    assert tables.table_version("shop", windows.VALIDATED) == (version or 0) + 1


def test_a_column_that_is_empty_so_far_may_have_any_type(shop: Shop) -> None:
    empty = {**KINDS, "discount": "string"}
    values = {"price": [1] * 6, "gift": [True] * 6, "due": [SECOND] * 6, "note": ["x"] * 6}
    shop.deliver(**values, discount=[None] * 6)
    ingest(shop.model(empty), FIRST, SECOND)
    shop.deliver(**values, discount=[1.5] * 6)
    ingest(shop.model({**empty, "discount": "number"}), THIRD, THIRD)
    assert [row[0] for row in shop.stored("discount")][4:] == [1.5, 1.5]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("note", "number"), ("note", "integer"), ("price", "boolean"), ("price", "date"), ("due", "boolean")],
)
def test_what_cannot_be_kept_is_refused_with_nothing_changed(shop: Shop, name: str, kind: str) -> None:
    before = {one: tables.table_version("shop", one) for one in ("validated", "quarantine", "ingests")}
    now = shop.model(changed(name, kind))
    (fault,) = table_faults(now)
    assert fault.startswith(f"data.columns.{name}: declared {kind}, but the stored rows hold {KINDS[name]}")
    with pytest.raises(PermanentError, match=f"{name}_{kind}, declared {kind}"):
        ingest(now, THIRD, THIRD)
    assert {one: tables.table_version("shop", one) for one in before} == before
    # The way on that the fault names is one.
    beside = shop.model({**KINDS, f"{name}_{kind}": kind})
    assert table_faults(beside) == []


def test_whole_numbers_beyond_a_floats_are_refused(shop: Shop) -> None:
    large = 2**53 + 1
    shop.deliver(price=[large] * 6, gift=[True] * 6, due=[SECOND] * 6, note=["x"] * 6)
    ingest(shop.model(KINDS), FIRST, FIRST)
    (fault,) = table_faults(shop.model(changed("price", "number")))
    assert str(large) in fault
    assert table_faults(shop.model(changed("price", "string"))) == []


def test_a_keys_type_stays_unless_its_text_does(state: Path, tmp_path: Path) -> None:
    kinds = {**KINDS, "order_id": "integer"}
    shop = Shop(tmp_path)
    rest = {"price": [1] * 6, "gift": [True] * 6, "due": [SECOND] * 6, "note": ["x"] * 6}
    shop.deliver(**rest, order_id=[1, 2, 3, 4, 5, 6])
    ingest(shop.model(kinds), FIRST, SECOND)
    (fault,) = table_faults(shop.model({**kinds, "order_id": "number"}))
    assert "data.key" in fault
    evolution.evolve(shop.model({**kinds, "order_id": "string"}))
    stored = tables.read("shop", windows.VALIDATED, ["row_key", "order_id"])
    assert stored["row_key"].tolist() == stored["order_id"].tolist() and set(stored["order_id"]) == set("1234")


def test_a_column_is_renamed_and_read_by_both_names_in_every_version(shop: Shop) -> None:
    old, before = shop.model(KINDS), tables.table_version("shop", windows.VALIDATED)
    kinds = {("price_cents" if name == "price" else name): kind for name, kind in KINDS.items()}
    now = shop.model(kinds, was={"price_cents": "price"})
    shop.deliver(price_cents=[1, 2, 3, 4, 50, 60], gift=[True] * 6, due=[SECOND] * 6, note=["x"] * 6)
    result = ingest(now, THIRD, THIRD)
    assert "column_renamed:price_cents" in [one.rule for one in result.failures]
    whole = [(10,), (20,), (30,), (40,), (50,), (60,)]
    assert shop.stored("price_cents") == shop.stored("price") == whole
    assert shop.stored("price_cents", version=before) == shop.stored("price", version=before) == whole[:4]
    assert "price" not in tables.columns_of("shop", windows.VALIDATED)
    days = DayRange(start=FIRST, end=THIRD)
    rows = windows.read_rows(old, days, date(2026, 3, 9), columns=["price"])
    assert rows["price"].tolist() == [10, 20, 30, 40, 50, 60]
    # A second name; and without data.was, the file goes on by the new name alone.
    third = {("cents" if name == "price_cents" else name): kind for name, kind in kinds.items()}
    evolution.evolve(shop.model(third, was={"cents": "price_cents"}))
    assert shop.stored("price") == shop.stored("price_cents") == shop.stored("cents") == whole
    assert shop.stored("cents", version=before) == whole[:4]
    assert table_faults(shop.model({**third})) == []
    # The first name is taken by what versions of before know; it can be given back.
    (fault,) = table_faults(shop.model({**third, "price": "integer"}))
    assert "'cents'" in fault and "data.was: {price: cents}" in fault
    evolution.evolve(shop.model(KINDS, was={"price": "cents"}))
    assert shop.stored("price") == shop.stored("cents") == whole


def test_columns_come_and_go_and_come_back(shop: Shop) -> None:
    without = {name: kind for name, kind in KINDS.items() if name != "note"}
    shop.deliver(price=[1] * 6, gift=[True] * 6, due=[SECOND] * 6, colour=["red"] * 6)
    ingest(shop.model({**without, "colour": "string"}), THIRD, THIRD)
    assert [(row[0], row[1]) for row in tables_of(shop, "note", "colour")] == [("x", None)] * 4 + [(None, "red")] * 2
    shop.deliver(price=[1] * 6, gift=[True] * 6, due=[SECOND] * 6, note=["y"] * 6)
    ingest(shop.model(KINDS), THIRD, THIRD)
    assert [row[0] for row in tables_of(shop, "note")] == ["x"] * 4 + ["y"] * 2


def tables_of(shop: Shop, *columns: str) -> list[tuple[Any, ...]]:
    rows = tables.read("shop", windows.VALIDATED, ["row_key", *columns]).sort_values("row_key")
    return [tuple(None if pd.isna(value) else value for value in row[1:]) for row in rows.itertuples(index=False)]


@pytest.mark.parametrize(
    ("was", "word"),
    [
        ({"price": "note"}, "is still in data.columns"),
        ({"nowhere": "was_there"}, "is not in data.columns"),
        ({"price": "a", "note": "a"}, "cannot become two columns"),
    ],
)
def test_names_that_cannot_be_meant_are_refused_by_the_file_alone(was: dict[str, str], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        model(KINDS, Path("x.parquet"), was=was)


def test_a_rename_from_a_column_that_was_never_there_is_refused(shop: Shop) -> None:
    kinds = {**{name: kind for name, kind in KINDS.items() if name != "note"}, "remark": "string"}
    (fault,) = table_faults(shop.model(kinds, was={"remark": "notes"}))
    assert fault.startswith("data.was.remark") and "note" in fault


def test_names_that_differ_by_case_alone_are_refused_before_delta_fails_on_them(shop: Shop) -> None:
    with pytest.raises(ValidationError, match="by case alone"):
        model({**KINDS, "Price": "number"}, shop.source)
    kinds = {("Note" if name == "note" else name): kind for name, kind in KINDS.items()}
    (fault,) = table_faults(shop.model(kinds))
    assert "data.was: {Note: note}" in fault
    evolution.evolve(shop.model(kinds, was={"Note": "note"}))
    assert shop.stored("Note") == shop.stored("note") == [("x",)] * 4


@pytest.mark.parametrize("write", ["append", "replace"])
def test_no_writer_casts_in_silence(state: Path, write: str) -> None:
    def put(kind: str, value: object) -> None:
        frame, schema = pd.DataFrame({"value": [value]}), tables.schema_for({"value": kind})  # type: ignore[dict-item]
        if write == "append":
            tables.append("model", "t", frame, schema)
        else:
            tables.replace_partition("model", "t", frame, {"day": "2026-03-04"}, schema)

    put("integer", 15)
    for kind, value in (("number", 15.99), ("string", "15"), ("boolean", True)):
        with pytest.raises(PermanentError, match=f"holds integer there, and {kind} is given"):
            put(kind, value)
    assert tables.read("model", "t")["value"].tolist() == [15]


def test_a_writer_that_comes_between_is_not_lost(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another task replaces a day while the table is written anew: both are there in the end."""
    read, between = evolution._changed, [True]

    def slow(rows: pa.Table, *rest: Any) -> pa.Table:
        if between.pop():
            between.append(False)
            ingest(shop.model(KINDS), THIRD, THIRD)
        else:
            between.append(False)
        return read(rows, *rest)

    monkeypatch.setattr(evolution, "_changed", slow)
    evolution.evolve(shop.model(changed("price", "number")))
    assert len(shop.stored("price")) == 6
    assert (
        str(DeltaTable(tables.table_uri("shop", "validated")).schema().fields[list(KINDS).index("price")].type.type)
        == "double"
    )

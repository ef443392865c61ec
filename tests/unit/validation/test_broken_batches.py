"""Broken batches through the real ingest: each fault is named, nothing is half written, no other error comes out."""

from __future__ import annotations

import gzip
import json
import os
import re
import sqlite3
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from include.config.schema import ModelConfig
from include.contracts import IngestResult
from include.data import tables
from include.data.sources import flights
from include.errors import PermanentError
from include.validation.ingest import ingest
from tests.unit.messages import machine_words

DAY, NEXT = date(2024, 3, 1), date(2024, 3, 2)
ROWS = 100
RULES = [
    {"expect": "ExpectColumnValuesToBeBetween", "args": {"column": "units", "min_value": 0, "max_value": 1000}},
    {"expect": "ExpectColumnValuesToNotBeNull", "args": {"column": "returned"}},
    {
        "expect": "ExpectTableRowCountToBeBetween",
        "args": {"min_value": 50, "max_value": 500},
        "on_failure": "refuse_day",
    },
    {"expect": "ExpectColumnMeanToBeBetween", "args": {"column": "price", "min_value": 0.5, "max_value": 5}},
]
SECTIONS = {"validation": {"max_quarantined_share": 0.05, "rules": RULES}}
Change = Callable[[pd.DataFrame], Any]


def good() -> pd.DataFrame:
    """Two days of sales; every column may hold anything."""
    parts = [
        pd.DataFrame({"sold_on": day.isoformat(), "shop": [f"shop{number}" for number in range(ROWS)]})
        for day in (DAY, NEXT)
    ]
    rows = pd.concat(parts, ignore_index=True)
    number = np.arange(len(rows)) % ROWS
    rows = rows.assign(units=number % 7, price=1.5 + number % 2, returned=number % 2)
    return rows.astype(object)


def put(column: str, *values: Any, whole_day: bool = False) -> Change:
    """Write the values into the first rows of DAY, or over and over into all of them."""

    def change(rows: pd.DataFrame) -> None:
        for row in range(ROWS if whole_day else len(values)):
            rows.at[row, column] = values[row % len(values)]

    return change


@pytest.fixture
def folder(state: Path) -> Path:
    """Both days are stored already, from a good file."""
    good().to_csv(state / "sales.csv", index=False)
    return state


@pytest.fixture
def before(folder: Path, sales: Callable[..., ModelConfig]) -> dict[str, Any]:
    result = ingest(
        sales({"kind": "files", "path": str(folder / "sales.csv")}, day="sold_on", sections=SECTIONS), DAY, NEXT
    )
    assert [one.validated for one in result.days] == [ROWS, ROWS]
    return stored()


def stored() -> dict[str, Any]:
    names = ("validated", "quarantine", "ingests")
    versions = {name: tables.table_version("sales", name) for name in names}
    return versions | {"days": tables.partition_snapshots("sales", "validated")}


def lose(column: str) -> Change:
    return lambda rows: rows.drop(columns=column)


def but_ten(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([rows.head(10), rows.tail(ROWS)], ignore_index=True)


def twice(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([rows, rows.head(ROWS)], ignore_index=True)


def sixfold(rows: pd.DataFrame) -> pd.DataFrame:
    more = [rows.head(ROWS).assign(shop=rows["shop"].head(ROWS) + f"-{copy}") for copy in range(5)]
    return pd.concat([rows, *more], ignore_index=True)


def other_names(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.rename(columns=str.upper)


REFUSED: dict[str, tuple[Change, str]] = {
    "a column is missing": (lose("price"), r"column missing from what the source delivered: price"),
    "columns are named otherwise": (other_names, r"5 columns missing .*sold_on"),
    "the label is null throughout": (
        put("returned", None, whole_day=True),
        r"ExpectColumnValuesToNotBeNull:returned 100",
    ),
    "words for numbers": (put("price", "cheap", whole_day=True), r"100\.0% of its rows.*column_type:price 100"),
    "mixed types": (put("units", 1, "two", 3.5, whole_day=True), r"column_type:units 66"),
    "decimal commas": (put("price", "1,5", whole_day=True), r"column_type:price 100"),
    "thousands separators": (put("units", "1,000", whole_day=True), r"column_type:units 100"),
    "amounts with a currency": (put("price", "1.50 EUR", whole_day=True), r"column_type:price 100"),
    "infinite numbers": (put("price", float("inf"), whole_day=True), r"column_type:price 100"),
    "numbers beyond int64": (put("units", 2**63, whole_day=True), r"column_type:units 100"),
    "negative counts": (put("units", -1, whole_day=True), r"ExpectColumnValuesToBeBetween:units 100"),
    "out of range": (put("units", 10**6, whole_day=True), r"ExpectColumnValuesToBeBetween:units 100"),
    "labels of no class": (put("returned", 2, whole_day=True), r"label_class 100"),
    "labels as words": (put("returned", "yes", "no", whole_day=True), r"column_type:returned 100"),
    "keys are null": (put("shop", None, whole_day=True), r"key_not_null 100"),
    "keys repeat": (put("shop", "shop1", whole_day=True), r"duplicate_key 99"),
    "the day came twice": (twice, r"duplicate_key 100"),
    "days in another form": (
        put("sold_on", "03/01/2024", whole_day=True),
        r"column_type:sold_on 100|no rows of 2024-03-01",
    ),
    "days with a time": (put("sold_on", "2024-03-01 10:30:00", whole_day=True), r"no rows of 2024-03-01"),
    "foreign days": (put("sold_on", "1999-12-31", whole_day=True), r"delivered no rows of 2024-03-01"),
    "days to come": (put("sold_on", "2050-01-01", whole_day=True), r"delivered no rows of 2024-03-01"),
    "day of year 0": (put("sold_on", "0000-01-01", whole_day=True), r"delivered no rows of 2024-03-01"),
    "day of year 9999": (put("sold_on", "9999-12-31", whole_day=True), r"delivered no rows of 2024-03-01"),
    "days are null": (put("sold_on", None, whole_day=True), r"delivered no rows of 2024-03-01"),
    "too few rows": (but_ten, r"ExpectTableRowCountToBeBetween: found 10, demanded min_value 50"),
    "too many rows": (sixfold, r"ExpectTableRowCountToBeBetween: found 600"),
    "an aggregate out of bounds": (
        put("price", 400.0, whole_day=True),
        r"ExpectColumnMeanToBeBetween:price: found 400",
    ),
    "e-mail addresses": (put("shop", *[f"p{n}@example.org" for n in range(ROWS)], whole_day=True), r"e-mail addresses"),
    "objects in cells": (put("shop", {"id": 1, "at": [1, 2]}, whole_day=True), r"duplicate_key 99"),
    "lists in cells": (put("units", [1, 2], whole_day=True), r"column_type:units 100"),
    "bytes in cells": (put("shop", b"\xff\xfe", whole_day=True), r"column_type:shop 100"),
    "words for a whole number's type": (put("units", True, "maybe", whole_day=True), r"column_type:units 50"),
    "complex numbers": (put("price", 1 + 2j, whole_day=True), r"column_type:price 100"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_broken_day_is_refused_by_name_and_leaves_what_was_there(
    before: dict[str, Any], sales: Callable[..., ModelConfig], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    change, says = REFUSED[name]
    rows = good()
    changed = change(rows)
    rows = rows if changed is None else changed
    result = deliver(rows, sales, monkeypatch)
    outcome = result.days[0]
    assert outcome.refused and outcome.validated == 0
    assert any(re.search(says, reason) for reason in outcome.reasons), outcome.reasons
    assert machine_words(said(result)) == []
    after = stored()
    assert after["days"]["2024-03-01"] == before["days"]["2024-03-01"]
    both = all("missing" in reason for one in result.days for reason in one.reasons)
    assert result.days[1].refused == both, "the other day is written, unless it lacks the column too"
    assert (after["days"]["2024-03-02"] != before["days"]["2024-03-02"]) == (not both)
    assert tables.read("sales", "validated")["row_key"].count() == 2 * ROWS


def deliver(rows: pd.DataFrame, sales: Callable[..., ModelConfig], monkeypatch: pytest.MonkeyPatch) -> IngestResult:
    """Ingest rows as a Python source would give them; only the answer of the source is replaced."""
    monkeypatch.setattr(flights, "read", lambda start, end: rows)
    return ingest(sales({"kind": "python", "module": "flights"}, day="sold_on", sections=SECTIONS), DAY, NEXT)


def said(result: IngestResult) -> list[str]:
    """Every sentence of an ingest."""
    return [*(text for day in result.days for text in day.reasons), *(one.detail for one in result.failures)]


ASIDE: dict[str, tuple[Change, str, int]] = {
    "a few null keys": (put("shop", None, None), "key_not_null", 2),
    "a few days of the future": (put("sold_on", "2050-01-01"), "day_asked", 1),
    "a few labels missing": (put("returned", None, None, None), "ExpectColumnValuesToNotBeNull:returned", 3),
    "a label of another class": (put("returned", 7), "label_class", 1),
    "a number out of range": (put("units", -5, 10**9), "ExpectColumnValuesToBeBetween:units", 2),
    "a number of another library": (put("units", np.int64(-5)), "ExpectColumnValuesToBeBetween:units", 1),
    "a time stamp for a price": (put("price", pd.Timestamp("2024-03-01"), date(2024, 3, 1)), "column_type:price", 2),
    "a list for a price": (put("price", [np.float64(1.5)], {"a": np.str_("b")}), "column_type:price", 2),
    "text for a price": (put("price", np.str_("x\ny"), b"x"), "column_type:price", 2),
    "half a surrogate": (put("shop", "\ud800"), "column_type:shop", 1),
    "not a number, as a word": (put("price", "NaN", "-inf"), "column_type:price", 2),
    "a key that repeats": (put("shop", "shop5"), "duplicate_key", 1),
}


@pytest.mark.parametrize("name", ASIDE)
def test_a_few_broken_rows_are_set_aside_by_name_and_the_day_is_written(
    before: dict[str, Any], sales: Callable[..., ModelConfig], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    change, rule, number = ASIDE[name]
    rows = good()
    change(rows)
    result = deliver(rows, sales, monkeypatch)
    assert not result.refused_days and result.days[0].quarantined == number
    assert machine_words(said(result)) == []
    aside = tables.read("sales", "quarantine")
    assert set(aside["rules"]) == {rule} and len(aside) == number
    assert [json.loads(row) for row in aside["row"]], "the values are kept as they came"
    assert len(tables.read("sales", "validated", where={"day": "2024-03-01"})) == ROWS - number


TAKEN: dict[str, Change] = {
    "booleans as words": put("returned", "1", True, 0.0),
    "very long text": put("shop", "x" * 1_000_000),
    "text with NUL and line breaks": put("shop", "a\x00b", "a\nb", "a\tb"),
    "numbers as text": put("units", "3", " 4 ", 5.0),
    "an unknown column more": lambda rows: rows.assign(**{"a new one": {"nested": [1]}.__repr__()}),
    "rows in another order": lambda rows: rows.iloc[::-1].reset_index(drop=True),
    "text of any script": put("shop", "Łódź", "東京", "🛒", "‮"),
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_only_looks_broken_is_taken(
    before: dict[str, Any], sales: Callable[..., ModelConfig], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    rows = good()
    changed = TAKEN[name](rows)
    result = deliver(rows if changed is None else changed, sales, monkeypatch)
    assert [(one.validated, one.quarantined) for one in result.days] == [(ROWS, 0), (ROWS, 0)]


def parquet(folder: Path) -> bytes:
    good().astype({"units": int, "price": float, "returned": int}).to_parquet(folder / "good.parquet")
    return (folder / "good.parquet").read_bytes()


def csv(folder: Path) -> bytes:
    return (folder / "sales.csv").read_bytes()


def lines(folder: Path) -> bytes:
    return good().to_json(orient="records", lines=True).encode()


FILES: dict[str, tuple[str, Callable[[Path], bytes], str]] = {
    "latin-1": (
        "s.csv",
        lambda folder: csv(folder).replace(b"shop7", "Café".encode("latin-1")),
        r"s\.csv: line 9 is no utf-8",
    ),
    "utf-16": ("s.csv", lambda folder: csv(folder).decode().encode("utf-16"), "line 1 is no utf-8"),
    "binary junk": ("s.csv", lambda folder: bytes(range(256)) * 40, "line 2 is no utf-8"),
    "a zip archive": ("s.csv", lambda folder: b"PK\x03\x04" + bytes([200, 201]) * 99, "line 1 is no utf-8"),
    "a cut gzip": ("s.csv.gz", lambda folder: gzip.compress(csv(folder))[:-40], "cannot be read as csv"),
    "no gzip": ("s.csv.gz", csv, "cannot be read as csv.*gzip"),
    "a damaged gzip": ("s.csv.gz", lambda folder: damaged(gzip.compress(csv(folder))), "cannot be read as csv"),
    "a cut parquet": ("s.parquet", lambda folder: parquet(folder)[:-200], "cannot be read as parquet"),
    "an empty parquet": ("s.parquet", lambda folder: b"", "cannot be read as parquet"),
    "csv named parquet": ("s.parquet", csv, "cannot be read as parquet"),
    "a damaged parquet": ("s.parquet", lambda folder: damaged(parquet(folder)), "cannot be read as parquet"),
    "a broken JSON line": ("s.jsonl", lambda folder: lines(folder)[:-20], "cannot be read as jsonl"),
    "a JSON document": ("s.jsonl", lambda folder: b"<html>502 Bad Gateway</html>", "cannot be read as jsonl"),
    "a column twice": (
        "s.csv",
        lambda folder: csv(folder).replace(b"units,price", b"price,price", 1),
        "has column price twice",
    ),
}


def damaged(content: bytes) -> bytes:
    middle = len(content) // 3
    return content[:middle] + b"\x00\xff" * 20 + content[middle + 40 :]


@pytest.mark.parametrize("name", FILES)
def test_a_broken_file_is_named_and_nothing_is_written(
    before: dict[str, Any], folder: Path, sales: Callable[..., ModelConfig], name: str
) -> None:
    file, made, says = FILES[name]
    (folder / file).write_bytes(made(folder))
    config = sales({"kind": "files", "path": str(folder / file)}, day="sold_on", sections=SECTIONS)
    with pytest.raises(PermanentError, match=says) as caught:
        ingest(config, DAY, NEXT)
    assert file in str(caught.value)
    assert machine_words([str(caught.value)]) == []
    assert stored() == before


@pytest.mark.parametrize(
    "line", [b"2024-03-01,a,1,1.5,0,surplus\n", b'2024-03-01,"a,1,1.5,0\n'], ids=["ragged", "open quote"]
)
def test_a_line_that_is_no_row_is_set_aside_by_its_number_and_the_days_are_written(
    before: dict[str, Any], folder: Path, sales: Callable[..., ModelConfig], line: bytes
) -> None:
    (folder / "s.csv").write_bytes(csv(folder) + line)
    config = sales({"kind": "files", "path": str(folder / "s.csv")}, day="sold_on", sections=SECTIONS)
    result = ingest(config, DAY, NEXT)
    assert [one.validated for one in result.days] == [ROWS, ROWS] and not result.refused_days
    [aside] = tables.read("sales", "quarantine", ["row"])["row"]
    assert f"line {2 * ROWS + 2}: " in aside and "fields, where the header has 5" in aside
    assert any(f"line {2 * ROWS + 2}" in sentence for sentence in said(result))


@pytest.mark.parametrize("content", ["", "sold_on,shop,units,price,returned\n", "\n\n"])
def test_a_file_without_rows_refuses_its_days(
    before: dict[str, Any], folder: Path, sales: Callable[..., ModelConfig], content: str
) -> None:
    (folder / "s.csv").write_text(content)
    config = sales({"kind": "files", "path": str(folder / "s.csv")}, day="sold_on", sections=SECTIONS)
    result = ingest(config, DAY, NEXT)
    assert [one.reasons for one in result.days] == [(f"the source delivered no rows of {day}",) for day in (DAY, NEXT)]
    assert stored()["days"] == before["days"]


def test_a_folder_in_place_of_a_file_is_named(
    before: dict[str, Any], folder: Path, sales: Callable[..., ModelConfig]
) -> None:
    (folder / "s.csv").mkdir()
    config = sales({"kind": "files", "path": str(folder / "s.csv")}, day="sold_on", sections=SECTIONS)
    with pytest.raises(PermanentError, match=r"no file matches .*s\.csv"):
        ingest(config, DAY, NEXT)
    assert stored() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_file_that_may_not_be_read_is_named(
    before: dict[str, Any], folder: Path, sales: Callable[..., ModelConfig]
) -> None:
    (folder / "sales.csv").chmod(0)
    config = sales({"kind": "files", "path": str(folder / "sales.csv")}, day="sold_on", sections=SECTIONS)
    with pytest.raises(PermanentError, match="may not be read by this user"):
        ingest(config, DAY, NEXT)
    assert stored() == before


def test_a_column_that_is_null_throughout_is_told(
    before: dict[str, Any], sales: Callable[..., ModelConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = good()
    rows.loc[rows["sold_on"] == DAY.isoformat(), "units"] = None
    told = {failure.rule: failure for failure in deliver(rows, sales, monkeypatch).failures}
    assert told["column_empty:units"].detail == "column 'units' is null in every row of 1 day (2024-03-01)"


def test_a_files_name_may_hold_any_sign(
    before: dict[str, Any], folder: Path, sales: Callable[..., ModelConfig]
) -> None:
    (folder / "sales.csv").rename(folder / "a #1?% b.csv")
    config = sales({"kind": "files", "path": str(folder / "a #1?% b.csv")}, day="sold_on", sections=SECTIONS)
    assert [one.validated for one in ingest(config, DAY, NEXT).days] == [ROWS, ROWS]


def test_a_table_that_is_gone_is_named(before: dict[str, Any], folder: Path, sales: Callable[..., ModelConfig]) -> None:
    sqlite3.connect(folder / "shop.db").close()
    (folder / "shop.db").touch()
    query = "select * from sales where sold_on >= :start and sold_on < :next_day"
    source = {"kind": "sql", "url": f"sqlite:///{folder}/shop.db", "query": query}
    with pytest.raises(PermanentError, match="no such table: sales"):
        ingest(sales(source, day="sold_on", sections=SECTIONS), DAY, NEXT)
    assert stored() == before


@pytest.mark.parametrize(
    ("answer", "says"),
    [(None, "gave NoneType"), ([{"shop": "a"}], "gave list"), ("rows", "gave str")],
)
def test_a_function_that_gives_no_rows_is_named(
    before: dict[str, Any],
    sales: Callable[..., ModelConfig],
    monkeypatch: pytest.MonkeyPatch,
    answer: Any,
    says: str,
) -> None:
    with pytest.raises(PermanentError, match=says):
        deliver(answer, sales, monkeypatch)
    assert stored() == before


def test_the_nights_after_a_broken_one_go_on(
    before: dict[str, Any], folder: Path, sales: Callable[..., ModelConfig]
) -> None:
    config = sales({"kind": "files", "path": str(folder / "{day}.csv")}, day="sold_on", sections=SECTIONS)
    rows = good()
    (folder / f"{DAY}.csv").write_bytes(b"\x00\xff" * 100)
    rows[rows["sold_on"] == NEXT.isoformat()].to_csv(folder / f"{NEXT}.csv", index=False)
    with pytest.raises(PermanentError, match=rf"{DAY}\.csv: line 1 is no utf-8"):
        ingest(config, DAY, DAY, DAY + timedelta(days=1))
    assert not ingest(config, NEXT, NEXT, NEXT + timedelta(days=1)).refused_days


def test_the_corpus_is_as_large_as_it_says() -> None:
    assert len(REFUSED) + len(ASIDE) + len(FILES) >= 50

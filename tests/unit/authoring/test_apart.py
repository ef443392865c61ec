"""A stranger's table whose columns have the names of our own: drafted, ingested, and stored as the source has them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml
from deltalake import write_deltalake

from include.authoring.checks import faults_of
from include.authoring.new_model import Wanted, new_model
from include.config.loader import load_model
from include.config.schema import ModelConfig
from include.contracts import DayRange
from include.data import tables, windows
from include.validation.ingest import ingest

DAY, NEXT = date(2024, 4, 2), date(2024, 4, 3)


@pytest.fixture(autouse=True)
def models(state: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = state / "models"
    folder.mkdir()
    monkeypatch.setenv("NIGHTSHIFT_MODELS", str(folder))
    return folder


def orders() -> pd.DataFrame:
    """Ten orders a day of forty days, without a column of a name of ours."""
    random = np.random.default_rng(0)
    days = pd.Timestamp("2024-03-01") + pd.to_timedelta(np.repeat(np.arange(40), 10), unit="D")
    price = random.gamma(3, 20, 400).round(2)
    return pd.DataFrame(
        {
            "order_id": [f"A-{number:06d}" for number in range(400)],
            "ordered_on": days,
            "price": price,
            "units": random.integers(1, 9, 400),
            "late": (random.random(400) < 0.2 + 0.5 * (price > 60)).astype(int),
        }
    )


def stored_as_the_source_has_it(config: ModelConfig, source: pd.DataFrame, when: str, key: str) -> None:
    """Ingest two days, and hold every declared column against the source's rows of those days."""
    result = ingest(config, DAY, NEXT)
    assert [(one.rows, one.validated, one.quarantined) for one in result.days] == [(10, 10, 0)] * 2
    stored = tables.read(config.name, "validated")
    here = config.data.in_source
    theirs = source[source[when].dt.date.isin([DAY, NEXT])].sort_values(key, ignore_index=True)
    ours = stored.sort_values(next(str(name) for name in stored if here(str(name)) == key), ignore_index=True)
    # The calendar day of a time is no column of the source's.
    declared = [name for name in config.data.columns if not (config.data.time and name == config.data.day)]
    for name in declared:
        wanted = theirs[here(name)]
        if config.data.columns[name] in ("date", "timestamp"):
            assert pd.to_datetime(ours[name]).tolist() == wanted.tolist(), name
        else:
            assert ours[name].tolist() == wanted.tolist(), name
    assert set(stored["day"].astype(str)) == {str(DAY), str(NEXT)}
    assert stored["row_key"].is_unique
    rows = windows.read_rows(config, DayRange(start=DAY, end=NEXT), NEXT + timedelta(days=1))
    assert len(rows) == 20 and set(config.features.names) <= set(rows.columns)


def csv(table: pd.DataFrame, folder: Path) -> dict[str, Any]:
    table.to_csv(folder / "orders.csv", index=False)
    return {"origin": str(folder / "orders.csv")}


def sqlite(table: pd.DataFrame, folder: Path) -> dict[str, Any]:
    with sqlite3.connect(folder / "orders.db") as database:
        table.to_sql("orders", database, index=False)
    query = "select * from orders where day >= :start and day < :next_day"
    return {"sql": query, "url": f"sqlite:///{folder}/orders.db"}


def delta(table: pd.DataFrame, folder: Path) -> dict[str, Any]:
    write_deltalake(str(folder / "orders"), pa.Table.from_pandas(table, preserve_index=False))
    return {"origin": str(folder / "orders")}


def stamped(table: pd.DataFrame) -> pd.DataFrame:
    """Each order's moment in `day`, and its name in `row_key`."""
    moments = table["ordered_on"] + pd.to_timedelta(table["units"], unit="h")
    return table.assign(day=moments, row_key=table["order_id"]).drop(columns=["ordered_on", "order_id"])


@pytest.mark.parametrize("written", [csv, sqlite, delta])
def test_time_stamps_named_day_date_the_rows_that_row_key_names(
    written: Callable[[pd.DataFrame, Path], dict[str, Any]], tmp_path: Path
) -> None:
    source = stamped(orders())
    path, found = new_model(Wanted("late", "late", time="day", key=("row_key",), **written(source, tmp_path)))
    assert faults_of([path]) == {path: []}
    config = load_model(path)
    assert config.data.named == {"source_day": "day", "source_row_key": "row_key"}
    assert (config.data.time, config.data.day, config.data.key) == ("source_day", "day", ("source_row_key",))
    assert any(note.startswith("day is named source_day here") for note in found.notes)
    assert not any("night" in note for note in found.notes), "the draft's own rows pass"
    stored_as_the_source_has_it(config, source, "day", "row_key")


def test_a_date_named_day_may_be_a_column_like_others(tmp_path: Path) -> None:
    table = orders()
    source = table.assign(day=table["ordered_on"] + pd.to_timedelta(table["units"], unit="D"), Row_Key=table["price"])
    path, _ = new_model(Wanted("late", "late", time="ordered_on", **csv(source.drop(columns="price"), tmp_path)))
    assert faults_of([path]) == {path: []}
    config = load_model(path)
    assert config.data.day == "ordered_on" and "source_Row_Key" in config.features.numeric
    assert config.data.columns["source_day"] == "date"
    stored_as_the_source_has_it(config, source, "ordered_on", "order_id")


def test_a_label_named_row_key_comes_from_files_of_a_day(tmp_path: Path) -> None:
    table = orders()
    source = table.assign(day=table["ordered_on"].dt.day, nightshift_price=table["price"], row_key=table["late"])
    source = source.drop(columns=["price", "late"])
    for day, rows in source.groupby(source["ordered_on"].dt.date):
        rows.to_parquet(tmp_path / f"{day}.parquet", index=False)
    path, _ = new_model(Wanted("late", "row_key", str(tmp_path / "*.parquet"), time="ordered_on"))
    drafted, files = path.read_text(), f"path: {tmp_path}/*.parquet"
    assert files in drafted
    path.write_text(drafted.replace(files, f"path: '{tmp_path}/{{day}}.parquet'"))
    assert faults_of([path]) == {path: []}
    config = load_model(path)
    assert config.data.label == "source_row_key" and "source_nightshift_price" in config.features.numeric
    stored_as_the_source_has_it(config, source, "ordered_on", "order_id")


def test_a_day_named_day_keeps_its_name_as_it_always_did(tmp_path: Path) -> None:
    source = orders().rename(columns={"ordered_on": "day"})
    path, _ = new_model(Wanted("late", "late", time="day", **csv(source, tmp_path)))
    content = yaml.safe_load(path.read_text())
    assert content["data"]["day"] == "day" and "named" not in content["data"]
    config = load_model(path)
    stored_as_the_source_has_it(config, source, "day", "order_id")

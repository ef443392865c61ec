from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from include.config.schema import ModelConfig
from include.data.sources import read_source
from include.errors import PermanentError, TransientError
from include.validation.runner import validate

DAY, NEXT = date(2024, 3, 1), date(2024, 3, 2)
DAYS = [date(2024, 2, 29), DAY, NEXT, date(2024, 3, 3), None]
STAMPED = {"sold_at": "timestamp", "shop": "string", "units": "integer", "price": "number", "returned": "integer"}
Sales = Callable[..., ModelConfig]


def write(path: Path, day: pa.Array, name: str = "sold_on", **how: Any) -> dict[str, str]:
    rows = {
        name: day,
        "shop": pa.array(["a", "b", "c", "d", "e"]),
        "units": pa.array([1, None, 2**53 + 1, 4, 5]),
        "price": pa.array([1.0, 2.0, 3.0, 4.0, 5.0]),
        "returned": pa.array([0, 1, 0, 1, 0]),
        "note": pa.array(["not declared"] * 5),
    }
    write_deltalake(str(path), pa.table(rows), **how)
    return {"kind": "delta", "path": str(path)}


VECTORS = {"configuration": {"delta.enableDeletionVectors": "true"}}


@pytest.mark.parametrize("how", [{}, {"partition_by": ["sold_on"]}, VECTORS, {**VECTORS, "partition_by": ["sold_on"]}])
@pytest.mark.parametrize("kind", [pa.date32(), pa.string()])
def test_rows_of_the_days_are_read_and_those_without_a_day_are_not_lost(
    sales: Sales, tmp_path: Path, kind: pa.DataType, how: dict[str, Any]
) -> None:
    source = write(tmp_path / "sales", pa.array(DAYS, pa.date32()).cast(kind), **how)
    config = sales(source, day="sold_on")
    rows = read_source(config, DAY, NEXT)
    assert sorted(rows["shop"]) == ["b", "c", "e"]
    assert set(rows.columns) == set(config.data.columns)
    assert rows["units"].dropna().tolist().count(2**53 + 1) == 1  # a float would be another number
    outcome = validate(config, rows, [DAY, NEXT])
    assert outcome.rows_read == {DAY: 1, NEXT: 1} and outcome.quarantine["rules"].tolist() == ["key_not_null; undated"]


def test_other_days_files_are_not_opened(sales: Sales, tmp_path: Path) -> None:
    source = write(tmp_path / "sales", pa.array(DAYS, pa.date32()), partition_by=["sold_on"])
    for file in (tmp_path / "sales" / "sold_on=2024-02-29").iterdir():
        file.write_bytes(b"junk")
    config = sales(source, day="sold_on")
    assert len(read_source(config, DAY, NEXT)) == 3
    with pytest.raises(PermanentError, match="cannot be read"):
        read_source(config, date(2024, 2, 29), NEXT)


@pytest.mark.parametrize(
    ("zone", "shops"), [("UTC", ["b"]), ("Europe/Berlin", ["a"]), ("America/New_York", ["b", "c"])]
)
def test_a_days_rows_are_those_of_the_models_own_clocks(
    sales: Sales, tmp_path: Path, zone: str, shops: list[str]
) -> None:
    stamps = [
        datetime(2024, 2, 29, 23, 30, tzinfo=UTC),
        datetime(2024, 3, 1, 23, 30, tzinfo=UTC),
        datetime(2024, 3, 2, 4, 0, tzinfo=UTC),
        datetime(2024, 3, 3, 12, 0, tzinfo=UTC),
        datetime(2024, 2, 1, 12, 0, tzinfo=UTC),
    ]
    source = write(tmp_path / "sales", pa.array(stamps, pa.timestamp("us", "UTC")), "sold_at")
    config = sales(source, zone=zone, time="sold_at", columns=STAMPED)
    rows = read_source(config, DAY, DAY)
    assert sorted(rows["shop"]) == shops
    outcome = validate(config, rows, [DAY])
    assert len(outcome.accepted) == len(shops), outcome.failures
    assert {stamp.date() for stamp in outcome.accepted["sold_at"]} == {DAY}


def test_stamps_without_a_zone_are_taken_as_local(sales: Sales, tmp_path: Path) -> None:
    stamps = [None if day is None else datetime(day.year, day.month, day.day, 23, 30) for day in DAYS]
    source = write(tmp_path / "sales", pa.array(stamps, pa.timestamp("us")), "sold_at")
    rows = read_source(sales(source, zone="Asia/Tokyo", time="sold_at", columns=STAMPED), DAY, NEXT)
    assert sorted(rows["shop"]) == ["b", "c", "e"]


def test_a_snapshot_is_the_whole_table(sales: Sales, tmp_path: Path) -> None:
    source = write(tmp_path / "sales", pa.array(DAYS, pa.date32()))
    columns = {name: kind for name, kind in STAMPED.items() if name != "sold_at"}
    rows = read_source(sales(source, columns=columns), DAY, DAY)
    assert len(rows) == 5 and set(rows.columns) == {*columns, "snapshot_day"}


def test_a_column_that_the_table_lacks_is_named_by_validation(sales: Sales, tmp_path: Path) -> None:
    source = write(tmp_path / "sales", pa.array(DAYS, pa.date32()))
    columns = {"sold_on": "date", "colour": "string"} | {
        name: kind for name, kind in STAMPED.items() if name != "sold_at"
    }
    config = sales(source, day="sold_on", columns=columns)
    outcome = validate(config, read_source(config, DAY, DAY), [DAY])
    assert not outcome.refused_days and [found.rule for found in outcome.failures][:1] == ["column_missing:colour"]


def test_a_table_that_is_not_there_is_named(sales: Sales, tmp_path: Path) -> None:
    config = sales({"kind": "delta", "path": str(tmp_path / "none")}, day="sold_on")
    with pytest.raises(PermanentError, match=r"data\.source\.path: there is no Delta table at .*none"):
        read_source(config, DAY, DAY)


def test_a_storage_that_is_away_is_worth_a_retry(sales: Sales, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_REGION": "eu-central-1",
        "OBJECT_STORE_RETRY_TIMEOUT": "1s",
        "AWS_MAX_RETRIES": "0",
        "MAX_RETRIES": "0",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(TransientError, match="a retry may help"):
        read_source(sales({"kind": "delta", "path": "s3://shop/sales"}, day="sold_on"), DAY, DAY)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_days_kept_as_midnights_of_a_zone_are_found_under_their_own_day(
    sales: Sales, tmp_path: Path, zone: str
) -> None:
    days = pa.array(DAYS, pa.date32()).cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    config = sales(write(tmp_path / "sales", days), day="sold_on", zone=zone)
    outcome = validate(config, read_source(config, DAY, NEXT), [DAY, NEXT])
    assert outcome.accepted[["sold_on", "shop"]].values.tolist() == [[NEXT, "c"], [DAY, "b"]][::-1]

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest

from include.config.schema import ModelConfig
from include.data.sources import read_source
from include.data.times import calendar_days, local
from include.validation.runner import validate

COLUMNS = {"sold_at": "timestamp", "shop": "string", "units": "integer", "price": "number", "returned": "integer"}


def test_stamps_with_a_zone_become_local_and_all_else_stays() -> None:
    given = [
        "2024-03-01T23:30:00Z",
        "2024-03-01 23:30:00+00:00",
        "2024-03-01T23:30:00.5+0530",
        "2024-03-01 23:30:00 UTC",
        "2024-03-01T23:30:00",
        "2024-03-01",
        "soon",
        "9999-12-31T23:30:00-12:00",
        None,
        datetime(2024, 7, 1, 12, tzinfo=UTC),
    ]
    night = datetime(2024, 3, 2, 0, 30)
    assert local(pd.Series(given, dtype=object), "Europe/Berlin").tolist() == [
        night,
        night,
        datetime(2024, 3, 1, 19, 0, 0, 500000),
        night,
        *given[4:8],
        None,
        datetime(2024, 7, 1, 14),
    ]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_files_stamps_are_dated_by_the_models_clocks(
    sales: Callable[..., ModelConfig], tmp_path: Path, suffix: str
) -> None:
    stamps = pd.to_datetime(["2024-02-29T23:30Z", "2024-03-01T22:30Z", "2024-03-01T23:30Z"]).as_unit("us")
    rows = pd.DataFrame({"sold_at": stamps, "shop": ["a", "b", "c"], "units": 1, "price": 1.0, "returned": 0})
    path = tmp_path / f"sales.{suffix}"
    rows.to_csv(path, index=False) if suffix == "csv" else rows.to_parquet(path)
    config = sales({"kind": "files", "path": str(path)}, zone="Europe/Berlin", time="sold_at", columns=COLUMNS)
    read = read_source(config, date(2024, 3, 1), date(2024, 3, 1))
    assert read["shop"].tolist() == ["a", "b"]
    assert read["day"].tolist() == [date(2024, 3, 1)] * 2


def test_the_hour_that_the_clocks_repeat_stays_within_its_day() -> None:
    """Local time has no name for the second of the two hours: both stamps come out the same, an hour apart in truth."""
    stamps = pd.Series(pd.to_datetime(["2024-10-27T00:30Z", "2024-10-27T01:30Z"]))
    assert set(local(stamps, "Europe/Berlin")) == {pd.Timestamp(2024, 10, 27, 2, 30)}


def test_a_row_whose_stamp_is_unreadable_is_set_aside_where_a_person_sees_it(
    sales: Callable[..., ModelConfig], tmp_path: Path
) -> None:
    stamps = ["2024-03-01T10:00Z"] * 50 + ["soon", None]
    rows = pd.DataFrame({"sold_at": stamps, "shop": range(52), "units": 1, "price": 1.0, "returned": 0})
    rows.to_csv(tmp_path / "sales.csv", index=False)
    config = sales({"kind": "files", "path": str(tmp_path / "sales.csv")}, time="sold_at", columns=COLUMNS)
    outcome = validate(config, read_source(config, date(2024, 3, 1), date(2024, 3, 1)), [date(2024, 3, 1)])
    assert len(outcome.accepted) == 50
    assert outcome.quarantine["rules"].tolist() == ["column_type:sold_at; key_not_null", "key_not_null"]


def test_days_with_and_without_a_zone_in_one_column_are_told_apart(
    sales: Callable[..., ModelConfig], tmp_path: Path
) -> None:
    """A date column that holds one stamp with a zone is that row's fault and nobody else's."""
    days = ["2024-03-01"] * 50 + ["2024-03-01T00:00:00Z", "2024-03-01T00:00:00+02:00"]
    rows = pd.DataFrame({"sold_on": days, "shop": range(52), "units": 1, "price": 1.0, "returned": 0})
    rows.to_csv(tmp_path / "sales.csv", index=False)
    config = sales({"kind": "files", "path": str(tmp_path / "sales.csv")}, day="sold_on")
    outcome = validate(config, read_source(config, date(2024, 3, 1), date(2024, 3, 1)), [date(2024, 3, 1)])
    assert len(outcome.accepted) == 50
    assert outcome.quarantine["rules"].tolist() == ["column_type:sold_on"] * 2
    far = pd.Series(["9999-12-31T23:30:00-12:00", "2024-03-01T10:00:00"], dtype=object)
    assert calendar_days(far).isna().tolist() == [True, False]

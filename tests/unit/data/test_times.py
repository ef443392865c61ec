from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest

from include.config.schema import ModelConfig
from include.data.newest import newest_night
from include.data.sources import read_source
from include.data.values import calendar_days, convert
from include.errors import DataRefused, PermanentError
from include.validation.runner import validate

COLUMNS = {"sold_at": "timestamp", "shop": "string", "units": "integer", "price": "number", "returned": "integer"}


def test_stamps_with_a_zone_become_local_and_all_else_stays() -> None:
    night, none = datetime(2024, 3, 2, 0, 30), pd.NaT
    given = {
        "2024-03-01T23:30:00Z": night,
        "2024-03-01 23:30:00+00:00": night,
        "2024-03-01 23:30+00": night,
        "2024-03-01T23:30:00.5+0530": datetime(2024, 3, 1, 19, 0, 0, 500000),
        "2024-03-01 23:30:00 UTC": night,
        " 2024-03-01T23:30:00": datetime(2024, 3, 1, 23, 30),
        "2024-03-01": datetime(2024, 3, 1),
        "soon": none,
        "2024-02-30": none,
        "9999-12-31T23:30:00-12:00": none,
        datetime(2024, 7, 1, 12, tzinfo=UTC): datetime(2024, 7, 1, 14),
        None: none,
    }
    text = {value: moment for value, moment in given.items() if isinstance(value, str)}
    for asked in (given, text):  # value by value, and at once
        made, faulty = convert(pd.Series(list(asked), dtype=object), "timestamp", "Europe/Berlin")
        assert made.tolist() == [pd.Timestamp(moment) for moment in asked.values()]
        assert faulty.tolist() == [value is not None and moment is none for value, moment in asked.items()]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati"])
@pytest.mark.parametrize("written", ["UTC", "Europe/Berlin", "America/New_York", None])
def test_a_midnight_is_the_day_that_it_is_written_as_in_every_zone(zone: str, written: str | None) -> None:
    """Columns of days that a program made time stamps with a zone: no day is lost, and none shifts."""
    midnights = pd.Series(pd.date_range("2024-03-28", periods=5, tz=written))
    for values in (midnights, midnights.astype(object), midnights.astype(str)):
        made, faulty = convert(values, "date", zone)
        assert made.tolist() == [date(2024, 3, 28 + step) for step in range(4)] + [date(2024, 4, 1)]
        assert not faulty.any()


def test_a_midnight_of_the_models_clocks_is_a_day_whatever_zone_it_is_stored_in() -> None:
    stored = pd.Series(pd.date_range("2024-03-28", periods=5, tz="Europe/Berlin")).dt.tz_convert("UTC")
    assert convert(stored, "date", "Europe/Berlin")[0].tolist()[0] == date(2024, 3, 28)
    assert convert(stored, "date", "Asia/Tokyo")[1].all(), "no midnight of UTC, nor of Tokyo"


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
    assert set(convert(stamps, "timestamp", "Europe/Berlin")[0]) == {pd.Timestamp(2024, 10, 27, 2, 30)}


def test_a_row_whose_stamp_is_unreadable_is_set_aside_where_a_person_sees_it(
    sales: Callable[..., ModelConfig], tmp_path: Path
) -> None:
    stamps = ["2024-03-01T10:00Z"] * 50 + ["soon", None]
    rows = pd.DataFrame({"sold_at": stamps, "shop": range(52), "units": 1, "price": 1.0, "returned": 0})
    rows.to_csv(tmp_path / "sales.csv", index=False)
    config = sales({"kind": "files", "path": str(tmp_path / "sales.csv")}, time="sold_at", columns=COLUMNS)
    outcome = validate(config, read_source(config, date(2024, 3, 1), date(2024, 3, 1)), [date(2024, 3, 1)])
    assert len(outcome.accepted) == 50
    assert outcome.quarantine["rules"].tolist() == [
        "column_type:sold_at; key_not_null; undated",
        "key_not_null; undated",
    ]


def test_a_moment_in_a_column_of_days_is_its_rows_fault_and_nobody_elses(
    sales: Callable[..., ModelConfig], tmp_path: Path
) -> None:
    days = ["2024-03-01"] * 50 + ["2024-03-01T00:00:00Z", "2024-03-01T00:00:00+02:00", "2024-03-01T08:00:00+02:00"]
    rows = pd.DataFrame({"sold_on": days, "shop": range(53), "units": 1, "price": 1.0, "returned": 0})
    rows.to_csv(tmp_path / "sales.csv", index=False)
    config = sales({"kind": "files", "path": str(tmp_path / "sales.csv")}, day="sold_on")
    outcome = validate(config, read_source(config, date(2024, 3, 1), date(2024, 3, 1)), [date(2024, 3, 1)])
    assert len(outcome.accepted) == 52
    assert outcome.quarantine["rules"].tolist() == ["column_type:sold_on; undated"]
    far = pd.Series(["9999-12-31T23:30:00-12:00", "2024-03-01T10:00:00", None], dtype=object)
    assert calendar_days(far).isna().tolist() == [True, False, True]


@pytest.mark.parametrize("days", [["", ""], ["n/a", None], ["06/03/2024", "06/03/2024"]])
def test_a_file_whose_days_are_all_unreadable_is_refused_in_words(
    sales: Callable[..., ModelConfig], tmp_path: Path, days: list[str | None]
) -> None:
    columns = {"sold_on": "date", "shop": "string", "units": "integer", "price": "number", "returned": "integer"}
    rows = pd.DataFrame({"sold_on": days, "shop": ["a", "b"], "units": 1, "price": 1.0, "returned": 0})
    rows.to_csv(tmp_path / "2024-03-06.csv", index=False)
    config = sales({"kind": "files", "path": str(tmp_path / "{day}.csv")}, day="sold_on", columns=columns)
    day = date(2024, 3, 6)
    try:
        outcome = validate(config, read_source(config, day, day), [day])
    except DataRefused as error:
        assert days[0] and days[0] in str(error)
    else:
        assert set(outcome.refused_days) == {day} and not len(outcome.accepted)
    with pytest.raises(DataRefused if days[0] == "06/03/2024" else PermanentError, match="day"):
        newest_night(config)

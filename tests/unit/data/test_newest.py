"""Which night a source is as of, on whichever day it is asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from include import clock
from include.config.schema import ModelConfig
from include.data.newest import Newest, find_newest
from include.errors import PermanentError

Sales = Callable[..., ModelConfig]
ENDS = date(2016, 8, 28)


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2028, 2, 29, 12, tzinfo=UTC))


def written(folder: Path, days: list[date]) -> dict[str, str]:
    """A CSV with a row a day."""
    pd.DataFrame({"sold_on": [str(day) for day in days], "shop": "a", "units": 1, "price": 1.0, "returned": 0}).to_csv(
        folder / "sales.csv", index=False
    )
    return {"kind": "files", "path": str(folder / "sales.csv")}


def daily(last: date, days: int = 60) -> list[date]:
    return [last - timedelta(days=back) for back in range(days)]


def test_a_source_with_rows_of_yesterday_is_as_of_tonight(sales: Sales, tmp_path: Path) -> None:
    config = sales(written(tmp_path, daily(date(2028, 2, 28))), day="sold_on")
    assert find_newest(config) == Newest(date(2028, 2, 29))


def test_rows_of_today_and_of_the_future_are_no_nights_yet(sales: Sales, tmp_path: Path) -> None:
    days = [*daily(date(2028, 2, 29)), date(2028, 3, 1), date(2099, 1, 1)]
    assert find_newest(sales(written(tmp_path, days), day="sold_on")) == Newest(date(2028, 2, 29))


def test_rows_of_the_future_do_not_make_a_source_that_ended_alive(sales: Sales, tmp_path: Path) -> None:
    config = sales(written(tmp_path, [*daily(ENDS), date(2099, 1, 1)]), day="sold_on")
    assert find_newest(config) == Newest(ENDS + timedelta(days=1))


@pytest.mark.parametrize("stray", [date(2016, 11, 3), date(2027, 12, 24), date(2028, 2, 28)])
def test_one_stray_late_row_is_named_and_left_out(sales: Sales, tmp_path: Path, stray: date) -> None:
    config = sales(written(tmp_path, [*daily(ENDS), stray]), day="sold_on")
    assert find_newest(config) == Newest(ENDS + timedelta(days=1), (stray,))


def test_days_off_at_the_end_and_a_short_history_keep_their_newest_day(sales: Sales, tmp_path: Path) -> None:
    weekdays = [day for day in daily(date(2028, 2, 25), 200) if day.weekday() < 5]
    assert find_newest(sales(written(tmp_path, weekdays), day="sold_on")).night == date(2028, 2, 26)
    assert find_newest(sales(written(tmp_path, daily(ENDS, 12)), day="sold_on")).night == ENDS + timedelta(days=1)


def test_a_source_without_a_day_is_refused(sales: Sales, tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="no rows of any day up to 2028-02-28"):
        find_newest(sales(written(tmp_path, [date(2099, 1, 1)]), day="sold_on"))


def test_tonight_is_the_timezones(sales: Sales, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the night that follows a change of clocks too: 02:30 does not exist on 14 March 2027 in New York."""
    monkeypatch.setattr(clock, "now", lambda: datetime(2027, 3, 15, 3, 30, tzinfo=UTC))
    config = sales(written(tmp_path, daily(date(2027, 3, 14))), "America/New_York", day="sold_on")
    assert find_newest(config).night == date(2027, 3, 14)
    assert clock.today("UTC") == date(2027, 3, 15)

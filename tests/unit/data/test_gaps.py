from __future__ import annotations

from datetime import date, timedelta

import pytest

from include.config.schema import ModelConfig
from include.contracts import DayRange
from include.data.gaps import find_gaps, require_days
from include.data.windows import training_windows
from include.errors import NotEnoughData

WINDOW = DayRange(start=date(2013, 3, 1), end=date(2013, 3, 20))
DAYS = [WINDOW.start + timedelta(days=step) for step in range(20)]


@pytest.mark.parametrize(
    ("missing", "bearable"),
    [((), True), ((0, 5), True), ((0, 5, 6), False), ((19,), False)],
    ids=["none", "a tenth", "more than a tenth", "the last"],
)
def test_a_tenth_of_the_days_may_be_missing_and_never_the_last(
    flight_delay: ModelConfig, missing: tuple[int, ...], bearable: bool
) -> None:
    gaps = find_gaps(flight_delay, WINDOW, [day for step, day in enumerate(DAYS) if step not in missing])
    assert gaps.days == tuple(DAYS[step] for step in missing)
    assert gaps.share == len(missing) / 20
    assert gaps.bearable is bearable
    assert gaps.stale is (19 in missing)


def test_days_outside_of_the_window_do_not_count(flight_delay: ModelConfig) -> None:
    assert find_gaps(flight_delay, WINDOW, [*DAYS[1:], date(2013, 2, 1)]).days == (DAYS[0],)


def test_a_night_that_trains_on_stale_rows_is_refused_by_the_day_and_the_key(flight_delay: ModelConfig) -> None:
    frozen = training_windows(flight_delay, date(2013, 6, 1))
    days = [frozen.whole.start + timedelta(days=step) for step in range(frozen.whole.days)]
    assert require_days(flight_delay, frozen, days).days == ()
    with pytest.raises(NotEnoughData, match=r"2013-05-31\. .*training\.max_missing_share") as caught:
        require_days(flight_delay, frozen, days[:-1])
    assert "flight_delay__ingest start=2013-05-31 end=2013-05-31" in str(caught.value)


def test_a_source_that_begins_inside_the_window_is_told_when_training_starts(flight_delay: ModelConfig) -> None:
    frozen = training_windows(flight_delay, date(2013, 6, 1))
    days = [frozen.whole.start + timedelta(days=step) for step in range(frozen.whole.days)]
    gaps = find_gaps(flight_delay, frozen.whole, days[50:])
    assert gaps.begins == days[50] and find_gaps(flight_delay, frozen.whole, days[:-1]).begins is None
    assert gaps.beyond == 42  # of 84 days 8.4 may be missing
    with pytest.raises(NotEnoughData, match=rf"begins on {days[50]}, .* once 42 more days .*train_days 60"):
        require_days(flight_delay, frozen, days[50:])

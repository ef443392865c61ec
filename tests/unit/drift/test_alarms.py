"""The verdict on made-up days that differ from each other and by weekday, as real ones do.

`benchmarks/drift.py` is the long form, on a year of flights.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from include.config.monitoring import DriftConfig
from include.contracts import DriftFinding
from include.drift import alarms as verdict
from include.drift import ordinary_days
from include.drift.distances import Kind, tally

START = date(2024, 1, 1)
REFERENCE_DAYS = 70
KINDS: dict[str, Kind] = {**{f"n{i}": "numeric" for i in range(8)}, **{f"c{i}": "categorical" for i in range(4)}}
RULES = DriftConfig()


def day_of(number: int, rows: int = 400, days_differ: bool = True) -> pd.DataFrame:
    """Numbers whose mean, and categories whose shares, differ from day to day and, for half of them, on weekends."""
    rng = np.random.default_rng(1000 + number)
    weekend = (START + timedelta(days=number)).weekday() >= 5
    frame = {}
    for name, kind in KINDS.items():
        moved = days_differ * (0.06 * rng.normal() + 0.4 * (weekend and int(name[1]) % 2))
        if kind == "numeric":
            frame[name] = rng.normal(moved, 1.0, rows)
        else:
            weights = np.exp(np.linspace(0, 2 + moved, 12))
            frame[name] = rng.choice([f"k{i}" for i in range(12)], rows, p=weights / weights.sum()).astype(object)
    return pd.DataFrame(frame)


class World:
    def __init__(self, days_differ: bool = True, rows: int = 400) -> None:
        frames = [day_of(number, rows, days_differ) for number in range(REFERENCE_DAYS)]
        days = np.repeat([START + timedelta(days=number) for number in range(REFERENCE_DAYS)], rows)
        frame = pd.concat(frames, ignore_index=True)
        sampled = np.random.default_rng(0).random(len(frame)) < 0.5
        found = ordinary_days.build(frame, days, sampled, KINDS, fewest_rows=100)
        assert found is not None
        self.null = found
        self.reference = {name: tally(kind, frame.loc[sampled, name]) for name, kind in KINDS.items()}

    def look(
        self, frames: list[pd.DataFrame], number: int, over: verdict.Over = "night", expected: tuple[str, ...] = ()
    ) -> list[DriftFinding]:
        weekday = (START + timedelta(days=number)).weekday()
        night_rows = len(frames[-1]) if over == "night" else None
        sample = verdict.Sample(over, pd.concat(frames, ignore_index=True), len(frames), weekday, night_rows)
        return verdict.judge(self.null, self.reference, sample, RULES, expected)


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def drawn() -> World:
    """Days that nothing but sampling tells apart."""
    return World(days_differ=False)


def alarmed(found: list[DriftFinding]) -> set[str]:
    return {one.column for one in found if one.alarm}


def test_ordinary_days_that_it_has_not_seen_do_not_alarm(world: World) -> None:
    """Evidently's 0.1 calls a column drifted on most of them: weekends alone move six columns."""
    beyond, alarms = 0, 0
    for number in range(REFERENCE_DAYS, REFERENCE_DAYS + 70):
        found = world.look([day_of(number)], number)
        alarms += bool(alarmed(found))
        beyond += any(one.value > 0.1 for one in found if one.measure == "distance")
    assert alarms <= 1 and beyond >= 40


@pytest.mark.parametrize("rows", [120, 400, 2000])
def test_rows_that_nothing_but_sampling_tells_apart_do_not_alarm(drawn: World, rows: int) -> None:
    alarms = 0
    for number in range(REFERENCE_DAYS, REFERENCE_DAYS + 35):
        found = drawn.look([day_of(number, rows, days_differ=False)], number)
        alarms += bool(alarmed(found) - {verdict.ROWS})
    assert alarms <= 1


def broken(fault: str, frame: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    first = np.arange(len(frame)) < len(frame) / 5
    return {
        "shift": ("n2", frame.assign(n2=frame["n2"] + 0.5)),
        "unit": ("n3", frame.assign(n3=frame["n3"] * 1.609 + 0.6)),
        "category": ("c1", frame.assign(c1=frame["c1"].where(~first, "k3"))),
        "new category": ("c2", frame.assign(c2=frame["c2"].where(~first, "never seen"))),
        "missing": ("c0", frame.assign(c0=frame["c0"].where(~first))),
        "outside": ("n0", frame.assign(n0=frame["n0"].where(~first, 99.0))),
    }[fault]


@pytest.mark.parametrize("fault", ["shift", "unit", "category", "new category", "missing", "outside"])
def test_a_fault_is_seen_within_two_nights_and_named(world: World, fault: str) -> None:
    seen = 0
    for first in range(REFERENCE_DAYS, REFERENCE_DAYS + 14, 2):
        nights = [(number, *broken(fault, day_of(number))) for number in (first, first + 1)]
        seen += any(column in alarmed(world.look([frame], number)) for number, column, frame in nights)
    assert seen == 7


def test_a_small_change_is_seen_in_the_block_of_a_week(world: World) -> None:
    for first in (70, 77, 84):
        frames = [day_of(number) for number in range(first, first + 7)]
        assert not alarmed(world.look(frames, first + 6, "recent"))
        moved = [frame.assign(n2=frame["n2"] + 0.25) for frame in frames]
        assert alarmed(world.look(moved, first + 6, "recent")) == {"n2"}


def test_what_is_expected_to_move_is_shown_and_never_alarms(world: World) -> None:
    found = world.look([day_of(71).assign(n1=9.0)], 71, expected=("n1",))
    shown = [one for one in found if one.column == "n1"]
    assert not alarmed(found) and {one.measure for one in shown} == {"distance", "missing", "outside"}
    assert all(one.expected and one.q is None for one in shown) and min(one.p for one in shown) < 1e-6


def test_a_sure_but_small_effect_is_no_alarm(drawn: World) -> None:
    frames = [day_of(number, days_differ=False) for number in range(70, 77)]
    found = drawn.look([frame.assign(n0=frame["n0"] + 0.11) for frame in frames], 76, "recent")
    moved = next(one for one in found if one.column == "n0" and one.measure == "distance")
    assert moved.q is not None and moved.q < 0.01 and moved.effect < moved.floor and not moved.alarm


@pytest.mark.parametrize(("rows", "alarm"), [(400, False), (330, False), (150, True), (900, True)])
def test_the_number_of_rows_is_held_against_ordinary_days(world: World, rows: int, alarm: bool) -> None:
    found = world.look([day_of(72, rows)], 72)
    assert (verdict.ROWS in alarmed(found)) is alarm


def test_p_values_are_ranks_up_to_the_largest_day_and_go_on_beyond_it() -> None:
    values = np.sqrt(np.random.default_rng(4).gamma(4.0, size=60))
    place = verdict.ordinary(values, np.arange(60) % 7, 0, 1, 0.0)
    assert place is not None and place.weekday is None
    ordered = np.sort(values)
    assert place.p_value(ordered[30]) >= 30 / 61
    assert 1 / 61 > place.p_value(ordered[-1] + 1.0) > place.p_value(ordered[-1] + 2.0) > 0


def test_a_weekly_column_is_held_against_its_weekday(world: World) -> None:
    def found(number: int) -> DriftFinding:
        look = world.look([day_of(number)], number)
        return next(one for one in look if one.column == "n1" and one.measure == "distance")

    sunday, monday = found(76), found(77)
    assert "ordinary Sundays" in sunday.sentence and "ordinary Mondays" in monday.sentence
    assert sunday.usual > 1.5 * monday.usual
    as_monday = next(one for one in world.look([day_of(76)], 77) if one.column == "n1" and one.measure == "distance")
    assert as_monday.p < 0.01 < sunday.p


def test_the_sentence_says_how_far_and_how_far_ordinary_days_are(world: World) -> None:
    found = world.look([day_of(73).assign(n0=lambda frame: frame["n0"] + 1)], 73)
    said = verdict.told(found, REFERENCE_DAYS)
    assert said[0].startswith("DRIFT ALARM on 1 of 13 columns and counts watched, against 70 ordinary days")
    assert said[1].startswith("n0: distance 1.0") and "on 95% of ordinary days at most 0.1" in said[1]
    assert verdict.told([one for one in found if not one.alarm], 70)[0].startswith("No drift alarm")

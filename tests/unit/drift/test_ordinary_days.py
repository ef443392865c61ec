from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

from include.drift import ordinary_days
from include.drift.ordinary_days import Null

DAYS = [date(2024, 1, 1) + timedelta(days=number) for number in range(14)]
KINDS = {"weight": "numeric", "depot": "categorical", "never": "numeric"}


def rows() -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    days = np.repeat(DAYS, rng.integers(80, 120, len(DAYS)))
    of_day = np.searchsorted(DAYS, days)
    weight = rng.normal(size=len(days)) + rng.normal(scale=0.2, size=len(DAYS))[of_day]
    depot = np.where(rng.random(len(days)) < rng.uniform(0.1, 0.6, len(DAYS))[of_day], "a", "b")
    frame = pd.DataFrame({"weight": weight, "depot": depot})
    return frame.assign(never=np.nan), days, rng.random(len(days)) < 0.6


@pytest.fixture(scope="module")
def built() -> Null:
    frame, days, sampled = rows()
    found = ordinary_days.build(frame, days, sampled, KINDS, fewest_rows=50)
    assert found is not None
    return found


@pytest.mark.parametrize("block", [1, 7])
def test_every_block_is_compared_with_the_sampled_rows_of_the_other_days(built: Null, block: int) -> None:
    frame, days, sampled = rows()
    weight, depot = [], []
    for first in range(len(DAYS) - block + 1):
        inside = np.isin(days, DAYS[first : first + block])
        rest, block_rows = frame[~inside & sampled], frame[inside]
        weight.append(wasserstein_distance(rest["weight"], block_rows["weight"]) / rest["weight"].std(ddof=0))
        shares = [side["depot"].value_counts(normalize=True).sort_index() for side in (rest, block_rows)]
        depot.append(jensenshannon(*shares))
    for column, expected in (("weight", weight), ("depot", depot)):
        profile = built.profile(column, "distance", block, 10_000)
        assert profile is not None and profile.block == block
        assert profile.values == pytest.approx(np.array(expected), rel=1e-6)


def test_days_that_follow_a_timetable_count_as_far_as_chance_alone_would_bring_them() -> None:
    """Each depot once a day: no day is unlike another, and one whose rows came by chance would be an alarm."""
    days = np.repeat(DAYS, 60)
    frame = pd.DataFrame({"depot": [f"depot {number}" for number in range(60)] * len(DAYS)})
    found = ordinary_days.build(frame, days, np.ones(len(days), dtype=bool), {"depot": "categorical"}, fewest_rows=50)
    assert found is not None
    profile = found.profile("depot", "distance", 1, 60)
    drawn = np.random.default_rng(5).choice(frame["depot"], (200, 60))
    even = np.full(60, 1 / 60)
    of_drawn = [jensenshannon((row[:, None] == frame["depot"][:60].to_numpy()).mean(axis=0), even) for row in drawn]
    assert profile is not None
    assert profile.values.mean() == pytest.approx(np.mean(of_drawn), rel=0.05)


def test_fewer_rows_are_held_against_days_of_no_more_rows(built: Null) -> None:
    few, many = built.profile("weight", "distance", 1, 30), built.profile("weight", "distance", 1, 1000)
    assert few is not None and many is not None and few.rows <= 30 < many.rows
    assert few.values.mean() > 1.1 * many.values.mean()
    assert built.profile("weight", "distance", 1, 5) is None
    between = built.profile("weight", "distance", 4, 1000)
    assert between is not None and between.block == 1  # a block of 4 days is closer than a day: errs towards silence


def test_it_is_kept_as_text_for_the_settings_that_it_was_made_with(built: Null) -> None:
    text = ordinary_days.to_json(built, "reference_rows=1000")
    again = ordinary_days.from_json(text, "reference_rows=1000")
    assert again is not None and again.days == built.days and again.blocks == built.blocks == (1, 7)
    for column, by_measure in built.profiles.items():
        for measure, profiles in by_measure.items():
            for ours, kept in zip(profiles, again.profiles[column][measure], strict=True):
                assert (kept.block, kept.rows) == (ours.block, ours.rows)
                assert kept.values == pytest.approx(ours.values, rel=1e-4)
    assert ordinary_days.from_json(text, "reference_rows=2000") is None
    assert (
        ordinary_days.from_json(text.replace(f'"schema": {ordinary_days.SCHEMA}', '"schema": 0'), "reference_rows=1000")
        is None
    )


def test_a_column_without_a_value_and_too_few_days_have_no_null(built: Null) -> None:
    frame, days, sampled = rows()
    assert "never" not in built.profiles and built.profile("never", "distance", 1, 100) is None
    short = np.isin(days, DAYS[: ordinary_days.FEWEST_DAYS - 1])
    assert ordinary_days.build(frame[short], days[short], sampled[short], KINDS, 50) is None


def test_the_same_rows_give_the_same_null(built: Null) -> None:
    frame, days, sampled = rows()
    again = ordinary_days.build(frame, days, sampled, KINDS, fewest_rows=50)
    assert again is not None and ordinary_days.to_json(again, "") == ordinary_days.to_json(built, "")

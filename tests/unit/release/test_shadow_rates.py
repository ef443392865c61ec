"""A short form of `python -m benchmarks.shadow`: the promised rates, as closely as a few hundred trials can see."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scipy import stats

from benchmarks.shadow import ALIKE, OWN, UNLIKE, WEEKDAYS, Setting, live, shipped_plan
from include.evidence.confidence_sequence import FUTILE, PROMOTE

TRIALS, NIGHTS = 120, 60
ALPHA = 0.05  # 0.01 takes thousands of trials to see
PLAN = replace(shipped_plan(NIGHTS), alpha=ALPHA)


@pytest.mark.parametrize("setting", [OWN, UNLIKE, WEEKDAYS], ids=lambda setting: setting.name)
def test_equal_models_looked_at_every_night_are_promoted_no_more_often_than_stated(setting: Setting) -> None:
    found = live(setting, TRIALS, plan=PLAN)
    assert stats.binomtest(int((found.ends == PROMOTE).sum()), TRIALS, ALPHA, "greater").pvalue > 0.001
    # the same nights, judged by a test that is meant for one look
    assert stats.binomtest(int(found.naive.sum()), TRIALS, ALPHA, "greater").pvalue < 1e-3


def test_a_better_model_is_promoted_and_an_equal_one_given_up_within_weeks() -> None:
    better = live(replace(ALIKE, lead=0.02), TRIALS, plan=PLAN)
    assert better.share(PROMOTE) > 0.95 and better.median(PROMOTE) <= 28
    equal = live(ALIKE, TRIALS, plan=PLAN)
    assert equal.share(FUTILE) > 0.6 and equal.share(PROMOTE) < 0.05


def test_the_simulated_lead_is_the_true_one() -> None:
    for setting in (replace(OWN, lead=0.02), replace(UNLIKE, lead=0.01), WEEKDAYS):
        drawn = setting.draw(20, 3, 70)
        assert drawn.mean() == pytest.approx(setting.lead, abs=4 * drawn.std() / drawn.size**0.5)

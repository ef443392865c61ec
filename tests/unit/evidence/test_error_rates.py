"""A short form of `python -m benchmarks.evidence`: the promised rates, as closely as a few hundred trials can see."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from benchmarks.evidence import CLUSTERED, COVERED_METRICS, DELONG, covered, smallest_lead, trial
from benchmarks.simulated import INDEPENDENT, MANY_DAYS, SHARED_DAYS, Setting

TRIALS = 250
ALPHA = 0.05  # 0.01 takes thousands of trials to see
RESAMPLES = 200


@pytest.fixture(scope="module", params=[INDEPENDENT, SHARED_DAYS], ids=lambda setting: setting.name)
def judged(request):
    """A setting, and the verdicts on equal models in it."""
    judge = partial(trial, request.param, 0.0, ALPHA, RESAMPLES, rules=(CLUSTERED, DELONG))
    return request.param, [judge(seed) for seed in range(TRIALS)]


def test_equal_models_are_promoted_no_more_often_than_stated_unless_shared_days_are_forgotten(judged):
    setting, verdicts = judged
    promoted = {rule: sum(one.promoted[rule] for one in verdicts) for rule in verdicts[0].promoted}
    assert stats.binomtest(promoted[CLUSTERED], TRIALS, ALPHA, "greater").pvalue > 0.001
    assert 0.4 < promoted[">="] / TRIALS < 0.6
    forgotten = stats.binomtest(promoted[DELONG], TRIALS, ALPHA, "greater").pvalue
    assert forgotten < 1e-6 if setting.strength else forgotten > 0.001


def test_a_true_lead_of_the_stated_size_is_seen_four_times_in_five(judged):
    setting, verdicts = judged
    lead = smallest_lead(CLUSTERED, verdicts)
    seen = [trial(setting, lead, ALPHA, RESAMPLES, seed, (CLUSTERED,)).promoted[CLUSTERED] for seed in range(TRIALS)]
    assert stats.binomtest(sum(seen), TRIALS, 0.8, "less").pvalue > 0.001
    assert sum(seen) < 0.92 * TRIALS  # a size that is nearly always seen would not be the smallest


@pytest.mark.parametrize("setting", [SHARED_DAYS, MANY_DAYS], ids=lambda setting: f"{setting.days} days")
def test_intervals_hold_the_truth_as_often_as_they_say(setting: Setting):
    held = [covered(setting, RESAMPLES, seed) for seed in range(TRIALS)]
    assert len(held[0]) == 2 * len(COVERED_METRICS)
    for name in held[0]:
        assert stats.binomtest(sum(one[name] for one in held), TRIALS, 0.95).pvalue > 0.001, name


@pytest.mark.parametrize("metric", COVERED_METRICS)
def test_the_stated_truth_is_that_of_very_many_rows(metric):
    large = Setting("large", 4_000, (50, 50), SHARED_DAYS.strength, SHARED_DAYS.level, SHARED_DAYS.prevalence_spread)
    rows = large.draw(0, challenger=0.75)
    function = {"roc_auc": sk.roc_auc_score, "log_loss": sk.log_loss, "brier_score": sk.brier_score_loss}[metric]
    assert function(rows.y, rows.challenger) == pytest.approx(large.truth(metric, 0.75), rel=0.01)
    assert function(rows.y, rows.champion) == pytest.approx(large.truth(metric), rel=0.01)
    assert len(np.unique(rows.day)) == 4_000

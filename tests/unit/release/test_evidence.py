"""Evidence against a known example, brute force, and simulated truth."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy import stats

from include.release.evidence import EvidenceError, metric_interval, paired_difference

OVARIAN = """
3.0 5.8 10 0 3.2 6.3 5 1 3.9 6.8 3 1 2.8 4.8 6 0 3.2 5.8 3 1 0.9 4.0 5 0 2.5 5.7 8 0 1.6 5.6 5 1 3.8 5.7 5 1
3.7 6.7 6 1 3.2 5.4 4 1 3.8 6.6 6 1 4.1 6.6 5 1 3.6 5.7 5 1 4.3 7.0 4 1 3.6 6.7 4 0 2.3 4.4 6 1 4.2 7.6 4 0
4.0 6.6 6 0 3.5 5.8 6 1 3.8 6.8 7 1 3.0 4.7 8 0 4.5 7.4 5 1 3.7 7.4 5 1 3.1 6.6 6 1 4.1 8.2 6 1 4.3 7.0 5 1
4.3 6.5 4 1 3.2 5.1 5 1 2.6 4.7 6 1 3.3 6.8 6 0 1.7 4.0 7 0 3.7 6.1 5 1 3.3 6.3 7 1 4.2 7.7 6 1 3.5 6.2 5 1
2.9 5.7 9 0 2.1 4.8 7 1 2.8 6.2 8 0 4.0 7.0 7 1 3.3 5.7 6 1 3.7 6.9 5 1 3.6 6.6 5 1
"""
"""Albumin, total protein, K-G score, benefit of surgery: the data of DeLong et al. (1988), as SAS/STAT documents them
(PROC LOGISTIC, "Comparing Receiver Operating Characteristic Curves")."""


def _days(seed: int, days: int = 14, a_day: int = 60, noise: tuple[float, float] = (0.9, 0.9)):
    """Two models on rows whose days have a level of their own, which each model tracks by chance on some days."""
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), a_day)
    level = rng.normal(-1.0, 0.6, days)[day]
    signal = rng.normal(0, 0.8, len(day))
    y = (rng.random(len(day)) < 1 / (1 + np.exp(-(level + signal)))).astype(float)
    scores = [
        1 / (1 + np.exp(-(signal + rng.normal(0, spread, len(day)) + level * rng.normal(0.5, 0.3, days)[day])))
        for spread in noise
    ]
    return y, scores[0], scores[1], day


def test_delong_on_its_own_example():
    table = np.array(OVARIAN.split(), dtype=float).reshape(-1, 4)
    y, albumin, protein, score = table[:, 3], table[:, 0], table[:, 1], 10 - table[:, 2]
    pairs = {"albumin": (albumin, score), "protein": (protein, score), "between": (albumin, protein)}
    found = {name: paired_difference("roc_auc", y, *pair, method="delong", alpha=0.025) for name, pair in pairs.items()}
    assert found["albumin"].challenger == pytest.approx(0.7366, abs=5e-5)
    assert found["protein"].challenger == pytest.approx(0.6478, abs=5e-5)
    assert found["albumin"].champion == pytest.approx(0.7258, abs=5e-5)
    # The joint test, chi-square 2.5340 with 2 degrees of freedom, p 0.2817, needs all three variances.
    variance = {name: one.standard_error**2 for name, one in found.items()}
    shared = (variance["albumin"] + variance["protein"] - variance["between"]) / 2
    matrix = np.array([[variance["albumin"], shared], [shared, variance["protein"]]])
    differences = np.array([found["albumin"].difference, found["protein"].difference])
    statistic = differences @ np.linalg.solve(matrix, differences)
    assert statistic == pytest.approx(2.5340, abs=5e-5)
    assert stats.chi2.sf(statistic, 2) == pytest.approx(0.2817, abs=5e-5)


def test_delong_is_the_brute_force_of_its_definition_with_ties():
    y, first, second, _ = _days(1, days=4)
    first, second = np.round(first, 1), np.round(second, 1)
    components = []
    for score in (first, second):
        positive, negative = score[y == 1], score[y == 0]
        wins = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
        components.append((wins.mean(axis=1), wins.mean(axis=0)))
    by_positive = components[0][0] - components[1][0]
    by_negative = components[0][1] - components[1][1]
    error = np.sqrt(by_positive.var(ddof=1) / len(by_positive) + by_negative.var(ddof=1) / len(by_negative))
    found = paired_difference("roc_auc", y, first, second, method="delong")
    assert found.difference == pytest.approx(by_positive.mean())
    assert found.standard_error == pytest.approx(error)


def test_delong_and_the_bootstrap_of_rows_agree_on_independent_rows():
    rng = np.random.default_rng(4)
    y = rng.integers(0, 2, 3000).astype(float)
    first, second = 1 / (1 + np.exp(-(y + rng.normal(size=(2, 3000)))))
    delong = paired_difference("roc_auc", y, first, second, method="delong")
    rows = paired_difference("roc_auc", y, first, second, resamples=1000)
    assert rows.standard_error == pytest.approx(delong.standard_error, rel=0.1)


@pytest.mark.parametrize("metric", ["log_loss", "brier_score"])
def test_the_sign_makes_higher_better(metric):
    y = np.tile([0.0, 1.0], 50)
    good, bad = 0.1 + 0.8 * y, np.full(100, 0.5)
    found = paired_difference(metric, y, good, bad, clusters=np.repeat(np.arange(5), 20), resamples=200)
    assert found.difference > 0
    assert found.challenger < found.champion


@pytest.mark.parametrize("margin", [0.0, 0.02])
@pytest.mark.parametrize("method", ["bootstrap", "delong"])
def test_the_bound_and_the_p_value_say_the_same(method, margin):
    verdicts = set()
    for seed in range(12):
        y, first, second, day = _days(seed, noise=(0.6, 1.0))
        clusters = day if method == "bootstrap" else None
        found = paired_difference(
            "roc_auc", y, first, second, clusters=clusters, method=method, alpha=0.05, margin=margin, resamples=200
        )
        assert (found.low > -margin) == (found.p_value < 0.05)
        assert found.confidence == pytest.approx(0.9)
        verdicts.add(found.low > -margin)
    assert verdicts == {True, False}


def test_equal_models_pass_at_the_stated_rate_only_when_days_are_kept_whole():
    """200 pairs of equally good models at alpha 0.05: about 10 may pass; taking rows as independent lets many more."""
    whole = independent = covered = 0
    for seed in range(200):
        y, first, second, day = _days(seed, a_day=120)
        shared = {"alpha": 0.05, "seed": seed}
        clustered = paired_difference("roc_auc", y, first, second, clusters=day, resamples=200, **shared)
        whole += clustered.low > 0
        covered += clustered.low <= 0 <= clustered.high
        independent += paired_difference("roc_auc", y, first, second, method="delong", **shared).low > 0
    assert whole <= 18
    assert 170 <= covered <= 190
    assert independent >= 2 * whole


def test_smallest_detectable_is_seen_in_four_of_five_trials():
    """Normal daily differences of a known error: a true lead of `smallest_detectable` should pass about 80 %."""
    y, first, second, day = _days(0)
    found = paired_difference("roc_auc", y, first, second, clusters=day, alpha=0.05)
    freedom = found.clusters - 1
    error = found.standard_error
    rng = np.random.default_rng(0)
    estimates = found.smallest_detectable + error * rng.normal(size=20_000)
    errors = error * np.sqrt(rng.chisquare(freedom, 20_000) / freedom)
    assert np.mean(estimates - stats.t.isf(0.05, freedom) * errors > 0) == pytest.approx(0.8, abs=0.03)


def test_the_same_predictions_are_no_gain():
    y, first, _, day = _days(0)
    found = paired_difference("roc_auc", y, first, first, clusters=day)
    assert (found.difference, found.low, found.p_value) == (0, 0, 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"y": np.zeros(6)}, "one class"),
        ({"y": np.array([0, 1, 0, 1, 0, np.nan])}, "missing"),
        ({"y": np.array([0, 1, 0, 1, 0, 2])}, "neither 0 nor 1"),
        ({"challenger": np.array([0.1, 0.2, np.nan, 0.4, 0.5, 0.6])}, "missing"),
        ({"champion": np.zeros(5)}, "shape"),
        ({"clusters": [1, 1, 1, 2, 2, 2]}, "of 2 days"),
        ({"clusters": [1, 2, 3]}, "3 cluster names for 6 rows"),
        ({"clusters": [1, 1, 2, 2, 3, 3], "y": np.array([0, 0, 0, 0, 1, 1])}, "undefined on"),
    ],
)
def test_rows_that_cannot_answer_are_refused(change, said):
    given = {
        "y": np.array([0, 1, 0, 1, 0, 1]),
        "challenger": np.linspace(0.1, 0.6, 6),
        "champion": np.linspace(0.6, 0.1, 6),
        **change,
    }
    with pytest.raises(EvidenceError, match=said):
        paired_difference("roc_auc", **given)


def test_an_interval_covers_the_truth_and_stays_in_range():
    big = _days(99, days=3000, a_day=60)
    truth = metric_interval("roc_auc", big[0], big[1], clusters=big[3], resamples=2).value
    inside = 0
    for seed in range(100):
        y, score, _, day = _days(seed)
        found = metric_interval("roc_auc", y, score, clusters=day, resamples=200)
        inside += found.low <= truth <= found.high
    assert 82 <= inside <= 97
    y = np.tile([0.0, 1.0], 50)
    perfect = metric_interval("roc_auc", y, y, clusters=np.repeat(np.arange(5), 20), resamples=200)
    assert (perfect.low, perfect.value, perfect.high) == (1, 1, 1)


def test_two_thousand_resamples_of_whole_days_take_under_three_seconds():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 12_000).astype(float)
    first, second = rng.random((2, 12_000))
    started = time.process_time()  # of this process: other work on the host does not count
    paired_difference("roc_auc", y, first, second, clusters=np.repeat(np.arange(15), 800), resamples=2000)
    assert time.process_time() - started < 3

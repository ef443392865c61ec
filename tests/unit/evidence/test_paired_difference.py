"""Two models compared: against published examples, brute force, and simulated truth."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar

from include.evidence.paired_difference import EvidenceError, paired_difference
from include.evidence.paired_tests import detectable_errors, mcnemar, smallest_detectable


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


def test_delong_gives_a_published_examples_figures():
    """Worked by hand, and checked with R's pROC, on
    https://glassboxmedicine.com/2020/02/04/comparing-aucs-of-machine-learning-models-with-delongs-test/"""
    y = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1])
    first = np.array([0.1, 0.2, 0.05, 0.3, 0.1, 0.6, 0.6, 0.7, 0.8, 0.99, 0.8, 0.67, 0.5])
    second = np.array([0.3, 0.6, 0.2, 0.1, 0.1, 0.9, 0.23, 0.7, 0.9, 0.4, 0.77, 0.3, 0.89])
    found = paired_difference("roc_auc", y, first, second, method="delong")
    assert (found.challenger, found.champion) == (pytest.approx(0.96428571), pytest.approx(0.73809524))
    assert 2 * found.p_value == pytest.approx(0.09452572880558979)
    smaller = [[0, 0, 1, 1, 1], [0.1, 0.2, 0.6, 0.7, 0.8], [0.3, 0.6, 0.2, 0.7, 0.9]]
    assert 2 * paired_difference("roc_auc", *smaller, method="delong").p_value == pytest.approx(0.3173, abs=5e-5)


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


def _right(both: int, wins: int, losses: int, neither: int):
    counts = [both, wins, losses, neither]
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


@pytest.mark.parametrize(("wins", "losses"), [(30, 12), (12, 30), (200, 170), (3, 0)])
def test_mcnemar_without_a_margin_is_statsmodels(wins, losses):
    found = mcnemar(*_right(500, wins, losses, 80), alpha=0.025, margin=0.0)
    expected = reference_mcnemar([[500, wins], [losses, 80]], exact=False, correction=False).pvalue
    assert 2 * min(found.p_value, 1 - found.p_value) == pytest.approx(expected)
    assert (found.low > 0) == (found.p_value < 0.025)


@pytest.mark.parametrize("margin", [0.03, 0.10])
def test_mcnemar_with_a_margin_is_the_score_test_whose_nuisance_is_found_by_brute_force(margin):
    both, wins, losses, neither = 300, 20, 28, 40
    rows = both + wins + losses + neither

    def unlikely(share: float) -> float:
        return -(
            wins * np.log(share - margin) + losses * np.log(share) + (both + neither) * np.log(1 - 2 * share + margin)
        )

    edges = (margin + 1e-9, (1 + margin) / 2 - 1e-9)
    share = optimize.minimize_scalar(unlikely, bounds=edges, method="bounded", options={"xatol": 1e-12}).x
    variance = (2 * share - margin - margin**2) / rows
    expected = stats.norm.sf(((wins - losses) / rows + margin) / np.sqrt(variance))
    assert mcnemar(*_right(both, wins, losses, neither), 0.01, margin).p_value == pytest.approx(expected, rel=1e-5)


def test_mcnemar_sees_no_gain_where_no_row_is_called_differently():
    y = np.tile([0.0, 1.0], 50)
    found = paired_difference("accuracy", y, 0.2 + 0.6 * y, 0.1 + 0.8 * y, method="mcnemar")
    assert (found.difference, found.standard_error) == (0, 0)
    assert found.low < 0 < found.high
    assert found.p_value == 0.5


@pytest.mark.parametrize("metric", ["log_loss", "brier_score", "expected_calibration_error"])
def test_the_sign_makes_higher_better(metric):
    y = np.tile([0.0, 1.0], 50)
    good, bad = 0.1 + 0.8 * y, np.where(np.arange(100) % 4 < 2, 0.9, 0.1)
    found = paired_difference(metric, y, good, bad, clusters=np.repeat(np.arange(5), 20), resamples=200)
    assert found.difference > 0
    assert found.challenger < found.champion


@pytest.mark.parametrize("margin", [0.0, 0.02])
@pytest.mark.parametrize("method", ["bootstrap", "delong", "mcnemar"])
def test_the_bound_and_the_p_value_say_the_same(method, margin):
    verdicts = set()
    metric = "accuracy" if method == "mcnemar" else "roc_auc"
    for seed in range(30):
        y, first, second, day = _days(seed, noise=(0.6, 1.0))
        clusters = day if method == "bootstrap" else None
        found = paired_difference(
            metric, y, first, second, clusters=clusters, method=method, alpha=0.05, margin=margin, resamples=200
        )
        assert (found.low > -margin) == (found.p_value < 0.05)
        assert found.low <= found.difference <= found.high
        assert found.confidence == pytest.approx(0.9)
        verdicts.add(found.low > -margin)
    assert verdicts == {True, False}


def test_several_classes_and_amounts_are_compared_by_the_same_rule():
    rng = np.random.default_rng(2)
    day, codes = np.repeat(np.arange(14), 50), rng.integers(0, 3, 700)
    sharp, dull = (np.eye(3)[codes] * weight + rng.dirichlet([2, 2, 2], 700) for weight in (1.0, 0.3))
    sharp, dull = (one / one.sum(axis=1, keepdims=True) for one in (sharp, dull))
    for metric in ("roc_auc_ovr", "log_loss", "accuracy", "f1_macro"):
        found = paired_difference(metric, codes, sharp, dull, clusters=day, resamples=300)
        assert found.low > 0 and found.p_value < 0.01, metric
    assert paired_difference("accuracy", codes, sharp, dull, method="mcnemar").low > 0
    amount = rng.gamma(2.0, 10.0, 700)
    near, far = (amount + spread * rng.normal(size=700) for spread in (1.0, 4.0))
    for metric in ("mean_absolute_error", "root_mean_squared_error", "r2", "mean_pinball_loss"):
        found = paired_difference(metric, amount, near, far, clusters=day, resamples=300, quantile=0.8)
        assert found.low > 0 and found.p_value < 0.01, metric


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


@pytest.mark.parametrize("alpha", [0.05, 0.01, 1e-4])
@pytest.mark.parametrize("freedom", [2, 13, 59, 1e6, np.inf])
def test_smallest_detectable_is_seen_in_four_of_five_trials(freedom, alpha):
    """Normal estimates, their error estimated too: a true lead of that size passes in 80 %, be days few or many."""
    rng = np.random.default_rng(0)
    errors = np.sqrt(rng.chisquare(freedom, 200_000) / freedom) if np.isfinite(freedom) else 1.0
    estimates = detectable_errors(alpha, freedom) + rng.normal(size=200_000)
    assert np.mean(estimates > stats.t.isf(alpha, freedom) * errors) == pytest.approx(0.8, abs=0.005)


@pytest.mark.parametrize("freedom", [2, 13, 1e6, np.inf])
def test_smallest_detectable_is_right_on_average_though_its_error_is_estimated(freedom):
    rng = np.random.default_rng(0)
    errors = np.sqrt(rng.chisquare(freedom, 100_000) / freedom) if np.isfinite(freedom) else 1.0
    stated = smallest_detectable(1.0, 0.05, freedom) * np.mean(errors)
    assert stated == pytest.approx(detectable_errors(0.05, freedom), rel=0.01)


def test_smallest_detectable_is_stated_in_the_metrics_own_unit():
    y, first, second, day = _days(0)
    found = paired_difference("roc_auc", y, first, second, clusters=day, alpha=0.05)
    assert found.smallest_detectable == smallest_detectable(found.standard_error, 0.05, 13)
    assert 2.5 < found.smallest_detectable / found.standard_error < 2.8


def test_days_of_very_different_size_do_not_make_the_error_too_small():
    """Two of ten days hold most rows: the spread of estimates, over many such samples, must not exceed the error."""
    estimates, errors = [], []
    sizes = np.array([400, 300, *[40] * 8])
    for seed in range(300):
        rng = np.random.default_rng(seed)
        day = np.repeat(np.arange(10), sizes)
        y = rng.integers(0, 2, len(day)).astype(float)
        first, second = (y + rng.normal(0, 1.0, len(day)) + rng.normal(0, 0.6, 10)[day] * y for _ in range(2))
        found = paired_difference("roc_auc", y, first, second, clusters=day, resamples=100, seed=seed)
        estimates.append(found.difference)
        errors.append(found.standard_error)
    assert np.sqrt(np.mean(np.square(errors))) >= 0.95 * np.std(estimates)


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
        ({"challenger": np.linspace(0.5, 1.5, 6), "metric": "brier_score"}, "not a probability"),
        ({"metric": "r2_score"}, "there is no metric r2_score; the metrics are roc_auc, "),
        ({"metric": "recall"}, "recall is a rate"),
        ({"metric": "f1", "method": "mcnemar"}, "McNemar's test is for accuracy, not f1"),
        ({"metric": "roc_auc_ovr"}, r"a metric of multiclass models, and the scores are \(6,\)"),
        ({"challenger": np.full((6, 2), 0.5), "champion": np.full((6, 2), 0.5)}, "a metric of binary models"),
        ({"clusters": [1, 1, 1, 2, 2, 2]}, "the rows are of 2 days; how much days differ takes 3"),
        ({"clusters": list("aaabbb"), "cluster_name": "customer"}, "of 2 customers; how much customers differ"),
        ({"clusters": ["a", "b", None, "c", "d", "e"], "cluster_name": "customer"}, "1 of 6 rows have no customer"),
        ({"clusters": [1, 2, 3]}, "3 cluster names for 6 rows"),
        ({"clusters": [1, 1, 2, 2, 3, 3], "y": np.array([0, 0, 0, 0, 1, 1])}, "undefined on"),
    ],
)
def test_rows_that_cannot_answer_are_refused(change, said):
    given = {
        "metric": "roc_auc",
        "y": np.array([0, 1, 0, 1, 0, 1]),
        "challenger": np.linspace(0.1, 0.6, 6),
        "champion": np.linspace(0.6, 0.1, 6),
        **change,
    }
    with pytest.raises(EvidenceError, match=said):
        paired_difference(**given)


@pytest.mark.parametrize(
    ("metric", "y", "score", "said"),
    [
        ("log_loss", [0, 1, 3], np.full((3, 3), 1 / 3), "not one of the 3 classes, 0 to 2"),
        ("roc_auc_ovr", [0, 1, 1], np.full((3, 3), 1 / 3), "the rows have 2 of the 3 classes"),
        ("accuracy", [1, 1, 1], np.full((3, 3), 1 / 3), "one class only"),
        ("f1_macro", [0, 1, 2], np.full((3, 3), 1 / 2), "sum to 1"),
        ("r2", [5, 5, 5], [1, 2, 3], "all values are the same"),
        ("mean_absolute_error", [5, np.inf, 5], [1, 2, 3], "not finite"),
        ("mean_absolute_error", [], [], "no rows"),
    ],
)
def test_rows_of_other_tasks_that_cannot_answer_are_refused(metric, y, score, said):
    with pytest.raises(EvidenceError, match=said):
        paired_difference(metric, np.array(y, dtype=float), score, score)


def test_the_method_names_what_was_kept_whole():
    y, first, second, day = _days(0, days=4)
    names = {
        paired_difference("roc_auc", y, first, second, **given, resamples=200).method
        for given in ({"clusters": day}, {"clusters": day, "cluster_name": "customer"}, {}, {"method": "delong"})
    }
    assert names == {
        "paired bootstrap of whole days, t interval",
        "paired bootstrap of whole customers, t interval",
        "paired bootstrap of rows, t interval",
        "paired DeLong test, rows taken as independent",
    }


def test_two_thousand_resamples_of_whole_days_take_under_three_seconds():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 12_000).astype(float)
    first, second = rng.random((2, 12_000))
    started = time.process_time()  # of this process: other work on the host does not count
    paired_difference("roc_auc", y, first, second, clusters=np.repeat(np.arange(15), 800), resamples=2000)
    assert time.process_time() - started < 3

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score

from include.evidence.metrics import METRICS
from include.monitoring import calibration
from include.monitoring.calibration import Estimate, chances, check, estimate, fit

DAYS, ROWS = 40, 300


def world(
    days: int, rng: np.random.Generator, level: float = 0.5, slope: float = 0.3, change: float = 1.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, labels and days: scores too bold (their log odds twice the truth's), days of a level of their own."""
    day = np.repeat(np.arange(days), ROWS)
    odds = rng.normal(-1.0, 0.8, len(day))
    own_level, own_slope = rng.normal(0, level, days)[day], rng.normal(1, slope, days)[day]
    truth = expit(own_level - 1 + own_slope * change * (odds + 1))
    return expit(2 * (odds + 1) - 1), (rng.random(len(day)) < truth).astype(float), day


def test_metrics_of_drawn_labels_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    scores = np.sort(np.round(rng.random(500), 2))  # ties
    labels = rng.random((3, 500)) < scores
    for name, values in calibration._metrics(labels, scores):
        assert values == pytest.approx([METRICS[name][0](row.astype(int), scores) for row in labels], abs=1e-12), name


def test_the_map_finds_how_bold_the_scores_are_and_how_far_days_are_apart() -> None:
    found = fit(*world(200, np.random.default_rng(2)))
    assert found is not None
    assert found.mean[1] == pytest.approx(0.5, abs=0.04)  # log odds were doubled
    assert np.sqrt(np.diag(found.spread)) == pytest.approx([0.5, 0.15], abs=0.06)
    scores, labels, _ = world(200, np.random.default_rng(3))
    said = chances(found, scores)
    for low, high in ((0, 0.1), (0.1, 0.3), (0.3, 0.6), (0.6, 1)):
        inside = (scores >= low) & (scores < high)
        assert said[inside].mean() == pytest.approx(labels[inside].mean(), abs=0.03)


def test_estimates_meet_the_truth_and_their_intervals_hold_it() -> None:
    """60 weeks of other days: no bias, and about 95 of 100 intervals hold the metric, by days and not by rows."""
    rng = np.random.default_rng(4)
    held: dict[str, list[bool]] = {name: [] for name in calibration.ESTIMATED}
    errors: dict[str, list[float]] = {name: [] for name in calibration.ESTIMATED}
    for _ in range(60):
        fitted = fit(*world(DAYS, rng))
        scores, labels, days = world(7, rng)
        assert fitted is not None
        for name, guess in estimate(fitted, scores, days).items():
            truth = float(METRICS[name][0](labels.astype(int), scores))
            held[name].append(guess.low <= truth <= guess.high)
            errors[name].append(guess.value - truth)
    for name in calibration.ESTIMATED:
        assert 0.85 <= np.mean(held[name]) <= 1, name
        assert abs(np.mean(errors[name])) < 3 * np.std(errors[name]) / np.sqrt(60), name


def test_the_same_rows_give_the_same_estimate_and_many_rows_are_sampled() -> None:
    fitted = fit(*world(DAYS, np.random.default_rng(5)))
    assert fitted is not None
    scores, _, days = world(100, np.random.default_rng(6))
    assert len(scores) > calibration.MOST_ROWS
    assert estimate(fitted, scores, days) == estimate(fitted, scores, days)


def test_few_days_or_one_class_give_no_map() -> None:
    scores, labels, days = world(9, np.random.default_rng(7))
    assert fit(scores, labels, days) is None
    scores, labels, days = world(20, np.random.default_rng(7))
    assert fit(scores, np.ones_like(labels), days) is None


def test_a_changed_concept_is_said_once_its_labels_are_there_and_never_before() -> None:
    rng = np.random.default_rng(8)
    fitted = fit(*world(DAYS, rng))
    assert fitted is not None

    def errors(weeks: int, change: float) -> list[tuple[Estimate, float]]:
        made = [world(7, rng, change=change) for _ in range(weeks)]
        return [
            (estimate(fitted, scores, days)["roc_auc"], float(roc_auc_score(labels, scores)))
            for scores, labels, days in made
        ]

    changed = errors(4, 0.2)
    assert all(abs(guess.value - 0.5) > 0.1 for guess, _ in changed)  # the estimate itself sees nothing of it
    assert check(changed).state == "suspected" and "cannot be used" in check(changed).sentence
    assert check(changed[:1]).state == "unchecked"
    false = sum(check(errors(4, 1.0)).state == "suspected" for _ in range(25))
    assert false <= 2


def test_rows_beyond_what_the_map_has_seen_are_counted() -> None:
    fitted = fit(*world(DAYS, np.random.default_rng(9)))
    assert fitted is not None
    assert fitted.outside(np.array([fitted.low, 0.5, fitted.high, expit(logit(fitted.high) + 1)])) == 0.25

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest

from include.config.release import SliceMetric, ThresholdMetric
from include.config.schema import ModelConfig
from include.config.section import METRICS_OF, Task
from include.errors import PermanentError
from include.evidence.baselines import baseline_metrics, constant_of, constants
from include.evidence.metrics import (
    CATALOGUE,
    LOGGED,
    METRICS,
    compute,
    evaluate,
    expected_calibration_error,
    greater_is_better,
    metrics_of,
)
from tests.unit.training.tasks import config_of, rows_of

Y = np.array([0, 0, 1, 1])
SCORE = np.array([0.1, 0.6, 0.4, 0.9])


def test_every_metric_that_a_model_file_may_name_is_there_for_its_task() -> None:
    assert set(METRICS) == set(METRICS_OF["binary"])
    for task, names in METRICS_OF.items():
        assert set(names) <= {name for name, facts in CATALOGUE.items() if task in facts.tasks}


def test_the_catalogue_knows_what_a_release_section_may_name_and_what_a_run_logs() -> None:
    named = {name for annotation in (ThresholdMetric, SliceMetric) for name in _names(annotation)}
    assert named | set(LOGGED) <= CATALOGUE.keys()
    assert {name: better for name, (_, better) in LOGGED.items()} == {name: greater_is_better(name) for name in LOGGED}


def _names(annotation: object) -> set[str]:
    return {name for part in get_args(annotation) for name in ([part] if isinstance(part, str) else _names(part))}


def test_a_rate_has_no_better_side() -> None:
    with pytest.raises(ValueError, match="recall is a rate"):
        greater_is_better("recall")


def test_calibration_error_by_hand() -> None:
    rates = np.repeat([0.1, 0.3], 10)
    y_true = np.concatenate([np.eye(10)[0], np.eye(10)[:4].sum(axis=0)])  # 1 of 10 and 4 of 10 are 1
    assert expected_calibration_error(y_true, rates) == pytest.approx(0.5 * 0.0 + 0.5 * 0.1)


def test_calibration_error_of_a_calibrated_model_is_what_chance_leaves() -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(50):
        rates = rng.beta(2, 8, 12_000)
        found.append(expected_calibration_error(rng.random(12_000) < rates, rates))
    assert np.mean(found) == pytest.approx(np.sqrt(10) * 0.8 * np.sqrt(0.2 * 0.8 / 12_000), rel=0.1)


def test_values_by_hand() -> None:
    values = compute(METRICS, Y, SCORE)
    assert values == {
        "roc_auc": pytest.approx(3 / 4),  # of the four pairs, (0.4, 0.6) alone is in the wrong order
        "average_precision": pytest.approx(0.5 * 1 + 0.5 * 2 / 3),
        "log_loss": pytest.approx(-np.log([0.9, 0.4, 0.4, 0.9]).mean()),
        "brier_score": pytest.approx(np.mean([0.01, 0.36, 0.36, 0.01])),
        "accuracy": pytest.approx(0.5),
        "f1": pytest.approx(0.5),
    }
    assert all(type(value) is float for value in values.values())


def test_frames_columns_serve_as_well() -> None:
    labels, scores = pd.Series(Y, dtype="float64", index=[5, 5, 7, 8]), pd.Series(SCORE)
    assert compute(METRICS, labels, scores) == compute(METRICS, Y, SCORE)


def test_only_the_metrics_asked_for_are_computed() -> None:
    assert list(compute(["f1", "roc_auc"], Y, SCORE)) == ["f1", "roc_auc"]


@pytest.mark.parametrize("metric", METRICS)
def test_the_better_scores_are_better_in_the_stated_direction(metric: str) -> None:
    good, bad = (compute([metric], Y, score)[metric] for score in (np.array([0.1, 0.2, 0.8, 0.9]), SCORE))
    assert (good > bad) is greater_is_better(metric)
    assert good != bad


def test_a_score_of_just_the_threshold_counts_as_one() -> None:
    assert compute(["accuracy"], np.array([0, 1]), np.array([0.2, 0.5])) == {"accuracy": 1.0}


@pytest.mark.parametrize("metric", LOGGED)
@pytest.mark.parametrize(
    ("y_true", "y_score", "said"),
    [
        ([], [], "no rows"),
        ([0, 0, 0], [0.1, 0.2, 0.3], "all 3 labels are 0; both classes are needed"),
        ([1, 1], [0.1, 0.2], "all 2 labels are 1"),
        ([0, 1, np.nan], [0.1, 0.2, 0.3], "1 of 3 labels are missing"),
        ([0, 1, 2], [0.1, 0.2, 0.3], "a label is 2; labels are 0 and 1"),
        ([0, 1], [0.1, np.nan], "1 of 2 scores are not numbers"),
        ([0, 1], [np.inf, 0.2], "1 of 2 scores are not numbers"),
        ([0, 1], [-0.1, 1.2], "outside [0, 1]"),
        ([0, 1, 1], [0.1, 0.2], "3 labels and 2 scores"),
    ],
)
def test_what_cannot_be_measured_is_refused_by_name_and_never_a_number(
    metric: str, y_true: list[float], y_score: list[float], said: str
) -> None:
    with pytest.raises(PermanentError) as refused:
        compute([metric], np.array(y_true), np.array(y_score))
    assert metric in str(refused.value)
    assert said in str(refused.value)


def test_the_baseline_is_a_constant_prediction(flight_delay: ModelConfig) -> None:
    y_true = np.array([0, 0, 0, 1])
    values = baseline_metrics(flight_delay, y_true, {"rate": 0.3})
    assert values["roc_auc"] == 0.5
    assert values["average_precision"] == pytest.approx(0.25)
    assert values["brier_score"] == pytest.approx((3 * 0.09 + 0.49) / 4)
    assert values["log_loss"] == pytest.approx(-(3 * np.log(0.7) + np.log(0.3)) / 4)
    assert (values["accuracy"], values["f1"]) == (0.75, pytest.approx(2 * 0.25 / 1.25))


CODES = np.array([0, 1, 2, 2])
SHARES = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0.2, 0.2, 0.6], [0.5, 0.1, 0.4]])
VALUES, PREDICTED = np.array([1.0, 2.0, 3.0, 10.0]), np.array([1.5, 2.0, 2.0, 8.0])


def test_metrics_of_classes_by_hand() -> None:
    values = compute(METRICS_OF["multiclass"], CODES, SHARES, task="multiclass")
    assert values["log_loss"] == pytest.approx(-np.log([0.7, 0.3, 0.6, 0.4]).mean())
    assert values["accuracy"] == pytest.approx(2 / 4)  # rows 0 and 2
    # Precision and recall: class 0 1/2 and 1, class 1 0, class 2 1/2 and 1/2.
    assert values["f1_macro"] == pytest.approx((2 / 3 + 0 + 1 / 2) / 3)
    # Class 0 above all others; class 1 above two of three; class 2 ties once and wins three of four pairs.
    assert values["roc_auc_ovr"] == pytest.approx((3 / 3 + 3 / 3 + 3.5 / 4) / 3)


def test_metrics_of_values_by_hand() -> None:
    values = compute(METRICS_OF["regression"], VALUES, PREDICTED, task="regression", quantile=0.9)
    error = VALUES - PREDICTED
    assert values == {
        "mean_absolute_error": pytest.approx(3.5 / 4),
        "root_mean_squared_error": pytest.approx(np.sqrt(5.25 / 4)),
        "mean_squared_error": pytest.approx(5.25 / 4),
        "r2": pytest.approx(1 - 5.25 / ((VALUES - 4) ** 2).sum()),
        "mean_pinball_loss": pytest.approx(np.where(error > 0, 0.9 * error, -0.1 * error).mean()),
    }


@pytest.mark.parametrize(
    ("task", "y_true", "y_score", "said"),
    [
        ("multiclass", [0, 1, 3], SHARES[:3], "a label is 3; labels are 0 to 2"),
        ("multiclass", [1, 1, 1], SHARES[:3], "at least two classes"),
        ("multiclass", [0, 1, 2], SHARES[:3, 0], r"have shape \(3,\)"),
        ("multiclass", [0, 1, 2], 2 * SHARES[:3], "outside"),
        ("multiclass", [0, 1, 2], SHARES[:3] / 2, "3 of 3 rows do not sum to 1"),
        ("multiclass", [0, 1, 2], SHARES[:3] * [[1], [np.nan], [1]], "1 of 3 scores are not numbers"),
        ("multiclass", [0, 0, 2], SHARES[:3], "roc_auc_ovr: 1 of the 3 classes have no row"),
        ("regression", [1.0, np.nan], [1.0, 2.0], "1 of 2 labels are missing"),
        ("regression", [1.0, 2.0], [1.0, np.inf], "1 of 2 scores are not numbers"),
        ("regression", [2.0, 2.0], [1.0, 2.0], "r2: all 2 values are 2"),
        ("regression", [], [], "no rows"),
    ],
)
def test_what_cannot_be_measured_of_other_tasks_is_refused_too(
    task: Task, y_true: Any, y_score: Any, said: str
) -> None:
    names = [name for name in METRICS_OF[task] if name != "mean_pinball_loss"]
    with pytest.raises(PermanentError, match=said):
        compute(names, np.array(y_true), np.asarray(y_score), task=task)


def test_a_metric_of_another_task_is_refused_by_name() -> None:
    with pytest.raises(PermanentError, match="brier_score is no metric of task multiclass; its metrics are log_loss"):
        compute(["brier_score"], CODES, SHARES, task="multiclass")
    with pytest.raises(PermanentError, match="mean_pinball_loss is no metric"):
        compute(["mean_pinball_loss"], VALUES, PREDICTED, task="regression")


def test_what_the_rows_do_not_define_is_left_out_of_a_models_metrics() -> None:
    config = config_of("multiclass")
    assert set(evaluate(config, CODES, SHARES)) == set(METRICS_OF["multiclass"])
    assert set(METRICS_OF["multiclass"]) - set(evaluate(config, np.array([0, 0, 2, 2]), SHARES)) == {"roc_auc_ovr"}
    plain, quantile = config_of("regression"), config_of("regression", training={"quantile": 0.9})
    assert "mean_pinball_loss" not in evaluate(plain, VALUES, PREDICTED)
    assert evaluate(quantile, VALUES, PREDICTED)["mean_pinball_loss"] == pytest.approx((0.9 * 3 + 0.1 * 0.5) / 4)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_no_constant_does_better_than_the_one_that_is_the_baseline(task: Task) -> None:
    """Of the metrics that a constant can be best at by itself; what ranks rows gives any constant the same."""
    config = config_of(task, training={"quantile": 0.8} if task == "regression" else None)
    labels = rows_of(task)[config.data.label].to_numpy()
    best = baseline_metrics(config, labels, constants(config, labels))
    assert set(best) == set(metrics_of(config))
    shape = (3,) if task == "multiclass" else ()
    for step in np.linspace(-0.1, 0.1, 5):
        for name in set(best) - {"f1_macro"}:
            constant = constant_of(name, constants(config, labels))
            other = np.asarray(constant) * (1 + step)
            other = other / other.sum() if task == "multiclass" else other if task == "regression" else other.clip(0, 1)
            everywhere = np.broadcast_to(other + step * (np.arange(3) - 1) if shape else other, (len(labels), *shape))
            value = compute([name], labels, everywhere, task=task, quantile=0.8)[name]
            assert (value <= best[name] + 1e-9) if greater_is_better(name) else (value >= best[name] - 1e-9), name

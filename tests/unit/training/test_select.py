from __future__ import annotations

import math

import pytest

from include.config.schema import MetricName, ModelConfig
from include.contracts import CandidateResult
from include.errors import PermanentError
from include.training.select import select


def result(name: str, index: int, **metrics: float) -> CandidateResult:
    return CandidateResult(
        name=name, index=index, mlflow_run_id=name, model_uri=f"models:/{name}", metrics=metrics, fit_seconds=1.0
    )


def by(config: ModelConfig, metric: MetricName) -> ModelConfig:
    training = config.training.model_copy(update={"select_by": metric})
    return config.model_copy(update={"training": training})


def test_the_best_on_validation_is_chosen_and_not_the_best_on_train(flight_delay: ModelConfig) -> None:
    results = [
        result("linear", 0, train_roc_auc=0.71, validation_roc_auc=0.70),
        result("forest", 1, train_roc_auc=0.99, validation_roc_auc=0.69),
        result("boosting", 2, train_roc_auc=0.80, validation_roc_auc=0.7212),
    ]
    chosen = select(flight_delay, results)
    assert chosen.chosen == results[2]
    assert chosen.metric == "validation_roc_auc"
    assert chosen.ranking == (("boosting", 0.7212), ("linear", 0.70), ("forest", 0.69))
    assert chosen.reason == "boosting has the best validation_roc_auc, 0.7212; next is linear with 0.7000."


def test_of_a_loss_the_lowest_is_best(flight_delay: ModelConfig) -> None:
    results = [result("a", 0, validation_log_loss=0.6), result("b", 1, validation_log_loss=0.5)]
    assert select(by(flight_delay, "log_loss"), results).chosen.name == "b"


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss"])
def test_of_equals_the_one_listed_first_is_chosen_in_whatever_order_they_finish(
    metric: MetricName, flight_delay: ModelConfig
) -> None:
    results = [result(name, index, **{f"validation_{metric}": 0.7}) for index, name in enumerate("abc")]
    for order in (results, results[::-1]):
        assert select(by(flight_delay, metric), order).chosen.name == "a"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("metric", ["roc_auc", "log_loss"])
def test_a_figure_that_is_no_number_is_never_chosen(
    metric: MetricName, value: float, flight_delay: ModelConfig
) -> None:
    name = f"validation_{metric}"
    results = [result("broken", 0, **{name: value}), result("absent", 1), result("sound", 2, **{name: 0.1})]
    chosen = select(by(flight_delay, metric), results)
    assert chosen.chosen.name == "sound"
    assert chosen.ranking == (("sound", 0.1),)
    assert "broken, absent" in chosen.reason


def test_without_a_usable_figure_nothing_is_chosen(flight_delay: ModelConfig) -> None:
    with pytest.raises(PermanentError, match=r"no candidate has a finite validation_roc_auc \(trained: a\)"):
        select(flight_delay, [result("a", 0, validation_roc_auc=math.nan)])
    with pytest.raises(PermanentError, match="trained: none"):
        select(flight_delay, [])

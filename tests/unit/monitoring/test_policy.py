from __future__ import annotations

import pytest

from include.config.schema import RetrainRequest
from include.monitoring.policy import decide

AT_LEAST = RetrainRequest(metric="roc_auc", min=0.6, nights=7, min_rows=500)
AT_MOST = RetrainRequest(metric="log_loss", max=0.5, nights=7, min_rows=500)


@pytest.mark.parametrize(
    ("rule", "value", "asked"),
    [(AT_LEAST, 0.59, True), (AT_LEAST, 0.6, False), (AT_MOST, 0.51, True), (AT_MOST, 0.5, False)],
)
def test_retraining_is_asked_for_when_the_live_metric_passes_its_bound(
    rule: RetrainRequest, value: float, asked: bool
) -> None:
    decision = decide(rule, {rule.metric: value}, 500)
    assert decision.request_retrain is asked
    assert f"live {rule.metric} {value:.4f} on 500 rows of the last 7 matured nights" in decision.reason


def test_too_few_rows_are_no_evidence_of_harm() -> None:
    decision = decide(AT_LEAST, {"roc_auc": 0.1}, 499)
    assert not decision.request_retrain
    assert decision.reason.startswith("Insufficient evidence") and "499" in decision.reason and "500" in decision.reason


def test_a_metric_that_could_not_be_computed_asks_for_nothing() -> None:
    for measured in ({"log_loss": 3.0}, {"roc_auc": float("nan")}):
        decision = decide(AT_LEAST, measured, 900)
        assert not decision.request_retrain and "roc_auc could not be computed" in decision.reason


def test_a_model_without_a_rule_asks_for_nothing() -> None:
    decision = decide(None, {"roc_auc": 0.1}, 900)
    assert not decision.request_retrain and "monitoring.retrain_request" in decision.reason

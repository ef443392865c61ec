"""The gates on scores of classes and of values: what is no probability, number or class must be a named refusal."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from include.config.schema import ModelConfig
from include.contracts import GateDecision, GateResult
from include.evidence.baselines import constants
from include.evidence.metrics import CATALOGUE, evaluate
from include.evidence.paired_nights import paired_nights
from include.gates.decide import decide, parity_gate
from include.gates.inputs import WORDS, Facts, HoldoutScores, Replay, score_fault
from include.gates.thresholds import intervals
from include.release.gather import classes_of_today, live_of
from include.training.plots import STYLES
from tests.unit.training.tasks import CLASSES, config_of

DAYS = 10
RANDOM = np.random.default_rng(2)


def test_every_metric_has_words_for_a_person() -> None:
    assert CATALOGUE.keys() <= WORDS.keys()
    assert len(STYLES) == 2


def configured(task: str, training: dict[str, Any] | None = None, **release: Any) -> ModelConfig:
    config = config_of(task, training=training)
    return ModelConfig.model_validate(
        {
            **config.model_dump(),
            "release": {**config.release.model_dump(), "resamples": 300, "min_holdout_rows": 100, **release},
        }
    )


def classes_scored(noise: float = 1.0, champion: float = 3.0, a_day: int = 100) -> HoldoutScores:
    y = RANDOM.integers(0, 3, DAYS * a_day)

    def model(spread: float) -> np.ndarray:
        raw = np.exp(2 * np.eye(3)[y] + RANDOM.normal(0, spread, (len(y), 3)))
        return raw / raw.sum(axis=1, keepdims=True)

    return _holdout(y.astype(float), model(noise), model(champion))


def values_scored(noise: float = 5.0, champion: float = 15.0, a_day: int = 100) -> HoldoutScores:
    y = RANDOM.normal(1000, 40, DAYS * a_day)
    return _holdout(y, y + RANDOM.normal(0, noise, len(y)), y + RANDOM.normal(0, champion, len(y)))


def _holdout(y: np.ndarray, challenger: np.ndarray, champion: np.ndarray) -> HoldoutScores:
    day = np.repeat(np.datetime64("2026-01-01", "D") + np.arange(DAYS), len(y) // DAYS)
    return HoldoutScores(y, day, challenger, champion)


def judged(config: ModelConfig, rows: HoldoutScores, replay: Replay | None = None) -> GateDecision:
    golden = replay or Replay(np.array([0.5, 0.7]), np.array([0.5, 0.7]))
    return decide(config, 4, 3, rows, golden, Facts())


def gate(decision: GateDecision, name: str) -> GateResult:
    return next(gate for gate in decision.gates if gate.name == name)


@pytest.mark.parametrize("metric", ["log_loss", "accuracy", "f1_macro", "roc_auc_ovr"])
@pytest.mark.parametrize("rows", ["clustered", "independent"])
def test_better_classes_are_promoted_and_worse_ones_refused(metric: str, rows: str) -> None:
    config, scored = configured("multiclass", rows=rows, against_champion={"metric": metric}), classes_scored()
    won = judged(config, scored)
    assert won.verdict == "promote", won.reasons
    value = evaluate(config, scored.y, scored.challenger)[metric]
    assert won.evidence[0].challenger == pytest.approx(value)
    exact = metric == "accuracy" and rows == "independent"
    assert won.evidence[0].method.startswith("paired McNemar" if exact else "paired bootstrap")
    lost = judged(config, replace(scored, challenger=scored.champion, champion=scored.challenger))
    assert lost.verdict == "refuse" and lost.evidence[0].high < 0


@pytest.mark.parametrize(
    ("metric", "quantile"),
    [("mean_absolute_error", None), ("root_mean_squared_error", None), ("r2", None), ("mean_pinball_loss", 0.5)],
)
@pytest.mark.parametrize("rows", ["clustered", "independent"])
def test_better_values_are_promoted_and_worse_ones_refused(metric: str, quantile: float | None, rows: str) -> None:
    config = configured("regression", {"quantile": quantile}, rows=rows, against_champion={"metric": metric})
    scored = values_scored()
    won = judged(config, scored)
    assert won.verdict == "promote", won.reasons
    assert len(won.evidence) == 1 and won.evidence[0].method.startswith("paired bootstrap")
    lost = judged(config, replace(scored, challenger=scored.champion, champion=scored.challenger))
    assert lost.verdict == "refuse" and lost.evidence[0].high < 0


def test_a_quantile_is_judged_as_that_quantile() -> None:
    """By the pinball loss of the median, the better 90 % quantile would lose."""
    y = RANDOM.normal(0, 1, 3000)
    rows = _holdout(y, np.full(3000, 1.28), np.zeros(3000))
    config = configured("regression", {"quantile": 0.9})
    assert config.release.against_champion.metric == "mean_pinball_loss"
    decision = judged(config, rows)
    assert decision.verdict == "promote"
    assert decision.evidence[0].challenger == pytest.approx(sk.mean_pinball_loss(y, rows.challenger, alpha=0.9))
    assert intervals(config, rows)["mean_pinball_loss"].value == decision.evidence[0].challenger


def test_skill_is_measured_against_the_constant_that_suits_the_metric() -> None:
    y = RANDOM.gamma(1, 100, 3000)
    median, mean = float(np.median(y)), float(y.mean())
    asked = [{"metric": metric, "min_skill": 0.05} for metric in ("mean_absolute_error", "mean_squared_error")]
    config = configured("regression", thresholds=asked)
    rows = replace(_holdout(y, np.full(3000, mean), np.full(3000, mean)), baseline=constants(config, y))
    decision = judged(config, rows)
    by_median = 1 - np.abs(y - mean).mean() / np.abs(y - median).mean()
    assert gate(decision, "mean_absolute_error_skill").value == pytest.approx(by_median) and by_median < 0
    assert gate(decision, "mean_squared_error_skill").value == pytest.approx(0, abs=1e-9)
    lost = judged(config, replace(rows, baseline={}))
    assert "what a constant would predict is not known" in gate(lost, "mean_absolute_error_skill").sentence
    classes = configured("multiclass", thresholds=[{"metric": "log_loss", "min_skill": 0.1}])
    scored = classes_scored()
    known = replace(scored, baseline=constants(classes, scored.y))
    assert gate(judged(classes, known), "log_loss_skill").judged > 0.1


@pytest.mark.parametrize(
    ("task", "scores", "said"),
    [
        ("multiclass", np.array([[0.5, 0.5, 0.0], [0.9, 0.9, 0.0]]), "no probabilities that sum to 1 for 1 of 2 rows"),
        ("multiclass", np.array([[np.nan, 0.5, 0.5], [-0.5, 1.0, 0.5]]), "for 2 of 2 rows"),
        ("multiclass", np.array([[0.2, 0.3, 0.5]]), ""),
        ("regression", np.array([1.0, np.inf, np.nan]), "gave no number for 2 of 3 rows"),
        ("regression", np.array([-5.0, 1e9]), ""),
        ("binary", np.array([0.5, 1.1]), "no probability between 0 and 1 for 1 of 2 rows"),
    ],
)
def test_scores_that_are_none_are_a_named_refusal(task: Any, scores: np.ndarray, said: str) -> None:
    found = score_fault(scores, "", task)
    assert (found == "") if not said else (said in found)


def test_labels_that_are_none_are_a_named_refusal() -> None:
    config, rows = configured("multiclass"), classes_scored()
    assert "All 3 classes are there" in gate(judged(config, rows), "holdout_labels").sentence
    two = replace(rows, y=np.where(rows.y == 1, 0, rows.y))
    assert gate(judged(config, two), "holdout_labels").sentence.startswith("2 of the 3 classes are there")
    for y, said in (
        (np.full(1000, 2.0), "one class only"),
        (np.where(rows.y == 1, 7, rows.y), "none of the 3 classes"),
    ):
        refusal = gate(judged(config, replace(rows, y=y)), "holdout_labels")
        assert not refusal.passed and said in refusal.sentence
    values, config = values_scored(), configured("regression")
    assert "1,000 values" in gate(judged(config, values), "holdout_labels").sentence
    for y, said in ((np.full(1000, 3.0), "one value only"), (np.where(values.y > 1000, np.nan, values.y), "no number")):
        refusal = gate(judged(config, replace(values, y=y)), "holdout_labels")
        assert not refusal.passed and said in refusal.sentence


def test_parity_of_values_is_by_their_size() -> None:
    """A value of millions is rounded by more than a probability: that is no other model."""
    large = np.array([4e6, 5e6])
    assert parity_gate(1, Replay(large, large + 1e-3), "regression").passed
    assert not parity_gate(1, Replay(large, large + 100), "regression").passed
    small = np.array([4e-9, 5e-9])
    assert not parity_gate(1, Replay(small, small * 1.01), "regression").passed, "nor is one of billionths the same"
    assert not parity_gate(1, Replay(np.eye(3), np.eye(3) * 0.999), "multiclass").passed
    assert parity_gate(1, Replay(np.eye(3), np.eye(3)), "multiclass").passed


def test_an_earlier_version_is_compared_by_the_names_of_its_classes() -> None:
    config = configured("multiclass")
    before = config.model_copy(update={"data": config.data.model_copy(update={"classes": ("high", "low")})})
    found = classes_of_today(config, before, np.array([[0.7, 0.3]]))
    np.testing.assert_array_equal(found, [[0.3, 0.0, 0.7]])
    assert config.data.classes == CLASSES
    gone = config.model_copy(update={"data": config.data.model_copy(update={"classes": (*CLASSES, "extreme")})})
    with pytest.raises(Exception, match=r"data\.classes no longer has: extreme"):
        classes_of_today(config, gone, np.zeros((1, 4)))
    with pytest.raises(Exception, match="trained for task regression, and the model file's is now multiclass"):
        classes_of_today(config, configured("regression"), np.zeros(1))


def test_nights_of_classes_and_of_values_are_paired() -> None:
    scored, values = classes_scored(), values_scored()
    for metric, rows, lists in (("log_loss", scored, True), ("mean_absolute_error", values, False)):
        given = {"champion": rows.champion, "challenger": rows.challenger}
        frame = pd.DataFrame({"day": rows.days.astype(str), "label": rows.y})
        frame = frame.assign(**{name: one.tolist() if lists else one for name, one in given.items()})
        nights, waiting = paired_nights(metric, frame, 50)
        assert (len(nights), waiting) == (DAYS, 0)
        assert all(night.difference > 0 for night in nights)
    quantile, _ = paired_nights("mean_pinball_loss", frame, 50, quantile=0.9)
    first = frame[frame["day"] == "2026-01-01"]
    wanted = sk.mean_pinball_loss(first["label"], first["challenger"], alpha=0.9)
    assert quantile[0].challenger == pytest.approx(wanted)


def test_a_champions_live_classes_are_measured_by_all_of_their_probabilities() -> None:
    scored, config = classes_scored(), configured("multiclass")
    frame = pd.DataFrame({"day": scored.days.astype(str), "label": scored.y, "score": scored.challenger.max(axis=1)})
    live = live_of(config, 0.1, frame.assign(probabilities=scored.challenger.tolist()))
    assert live is not None
    assert live.since.value == pytest.approx(evaluate(config, scored.y, scored.challenger)["log_loss"])
    assert (live.first, live.rows) == (date(2026, 1, 1), len(frame))

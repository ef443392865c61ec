"""A first release: surely better than no model, in the metric of later comparisons, or refused by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from include.config.schema import ModelConfig
from include.contracts import GateDecision, GateResult
from include.evidence.baselines import constants
from include.gates.decide import decide
from include.gates.first_release import GATE, sure_skills
from include.gates.inputs import Facts, HoldoutScores, Replay
from tests.unit.training.tasks import config_of

GOLDEN = Replay(np.array([0.5, 0.7]), np.array([0.5, 0.7]))
DAYS, A_DAY = 10, 60
DAY = np.repeat(np.datetime64("2026-01-01", "D") + np.arange(DAYS), A_DAY)


def config_with(task: Any, metric: str = "", training: dict[str, Any] | None = None, **release: Any) -> ModelConfig:
    config = config_of(task, training=training)
    asked = {**config.release.model_dump(), "resamples": 300, "min_holdout_rows": 100, "thresholds": [], **release}
    asked |= {"against_champion": {"metric": metric}} if metric else {}
    return ModelConfig.model_validate({**config.model_dump(), "release": asked})


def rows_of(config: ModelConfig, signal: float, seed: int = 0) -> HoldoutScores:
    """Rows whose label the scores know as well as `signal` says; 0 is chance."""
    rng, count = np.random.default_rng(seed), DAYS * A_DAY
    if config.task == "multiclass":
        y = rng.integers(0, 3, count)
        raw = np.exp(signal * np.eye(3)[y] + rng.normal(0, 0.5, (count, 3)))
        scores = raw / raw.sum(axis=1, keepdims=True)
    elif config.task == "binary":
        hidden = rng.normal(size=count)
        y = rng.random(count) < 1 / (1 + np.exp(1 - signal * hidden))
        scores = 1 / (1 + np.exp(1 - signal * hidden - rng.normal(0, 0.1, count)))
    else:
        y = rng.normal(100, 10, count)
        scores = y.mean() + signal / 2 * (y - y.mean()) + rng.normal(0, 1, count)
    y = np.asarray(y, dtype=float)
    return HoldoutScores(y, DAY, scores, baseline=constants(config, y))


def judged(config: ModelConfig, rows: HoldoutScores, champion: int | None = None) -> GateDecision:
    return decide(config, 1, champion, rows, GOLDEN, Facts(anchor_version=champion))


def gate_of(decision: GateDecision) -> GateResult:
    return next(gate for gate in decision.gates if gate.name == GATE)


METRICS = [
    *(("binary", metric) for metric in ("roc_auc", "average_precision", "log_loss", "brier_score", "accuracy", "f1")),
    *(("multiclass", metric) for metric in ("log_loss", "roc_auc_ovr", "accuracy", "f1_macro")),
    *(("regression", metric) for metric in ("mean_absolute_error", "root_mean_squared_error", "r2")),
    ("regression", "mean_pinball_loss"),
]


@pytest.mark.parametrize(("task", "metric"), METRICS)
def test_skill_is_released_and_none_is_refused_by_every_metric(task: str, metric: str) -> None:
    config = config_with(task, metric, {"quantile": 0.5} if metric == "mean_pinball_loss" else None)
    good = judged(config, rows_of(config, signal=2.0))
    assert (good.verdict, gate_of(good).passed) == ("promote", True), good.reasons
    assert 0 < gate_of(good).judged < gate_of(good).value <= 1
    bad = judged(config, rows_of(config, signal=0.0))
    assert bad.verdict == "refuse" and bad.first_release
    assert [gate.name for gate in bad.gates if not gate.passed] == [GATE]


@pytest.mark.parametrize(("task", "metric"), METRICS)
def test_a_constant_is_no_better_than_itself(task: str, metric: str) -> None:
    """Its skill is 0 on every resample, with no doubt at all: a demand of at least 0 would let it through."""
    from include.evidence.baselines import constant_of

    config = config_with(task, metric, {"quantile": 0.5} if metric == "mean_pinball_loss" else None)
    rows = rows_of(config, signal=1.0)
    constant = np.asarray(constant_of(metric, rows.baseline))
    same = replace(rows, challenger=np.broadcast_to(constant, (len(rows.y), *constant.shape)).copy())
    gate = gate_of(judged(config, same))
    assert not gate.passed
    assert gate.value == pytest.approx(0, abs=1e-9) or metric == "f1_macro"  # where even guessing does better


def test_the_gate_is_there_whatever_the_file_bounds_and_gone_once_there_is_a_champion() -> None:
    config = config_with("binary", "roc_auc", thresholds=[{"metric": "roc_auc", "min": 0.5}])
    rows = rows_of(config, signal=2.0)
    names = [gate.name for gate in judged(config, rows).gates]
    assert {GATE, "roc_auc_min"} <= set(names) and "against_champion" not in names
    later = judged(config, replace(rows, champion=rows.challenger), champion=3)
    assert GATE not in [gate.name for gate in later.gates]


def test_an_absolute_bound_holds_for_the_first_release_too() -> None:
    config = config_with("binary", "roc_auc", thresholds=[{"metric": "brier_score", "max": 0.01}])
    decision = judged(config, rows_of(config, signal=2.0))
    assert [gate.name for gate in decision.gates if not gate.passed] == ["brier_score_max"]
    assert gate_of(decision).passed


def test_a_season_of_many_cases_moves_the_figures_and_not_the_verdict() -> None:
    """The rate doubles from training rows to holdout: probabilities are off by far, the order is as good as ever."""
    config = config_with("binary", "roc_auc")
    rows = rows_of(config, signal=2.0)
    shifted = replace(rows, challenger=rows.challenger * 0.3, baseline={"rate": rows.y.mean() * 0.3})
    assert gate_of(judged(config, shifted)).value == pytest.approx(gate_of(judged(config, rows)).value)
    assert judged(config, shifted).verdict == "promote"


def test_weights_that_spoil_probabilities_are_told_from_a_model_that_knows_nothing() -> None:
    config = config_with("binary", "log_loss")
    rows = rows_of(config, signal=1.0)
    odds = rows.challenger / (1 - rows.challenger)
    balanced = replace(rows, challenger=9 * odds / (1 + 9 * odds))
    assert gate_of(judged(config, balanced)).value < 0
    assert "roc_auc" in [skill.metric for skill in sure_skills(config, balanced)]
    assert sure_skills(config, rows_of(config, signal=0.0)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"baseline": {}}, "by the training rows, is not known"),
        ({"challenger": None, "challenger_fault": "no column x"}, "could not score the rows (no column x)"),
        ({"challenger": np.full(DAYS * A_DAY, np.nan)}, "gave no probability between 0 and 1"),
        ({"y": np.ones(DAYS * A_DAY)}, "one class only"),
        ({"days": np.full(DAYS * A_DAY, np.datetime64("2026-01-01", "D"))}, "of 1 day"),
    ],
)
def test_what_cannot_be_judged_is_refused_by_name(change: dict[str, Any], said: str) -> None:
    config = config_with("binary", "log_loss")
    gate = gate_of(judged(config, replace(rows_of(config, signal=2.0), **change)))
    assert not gate.passed and gate.value is None
    assert said in gate.sentence


def test_a_refusal_says_by_how_much() -> None:
    config = config_with("binary", "roc_auc")
    weak = next(
        gate
        for seed in range(30)
        if (gate := gate_of(judged(config, rows_of(config, 0.15, seed)))).value > 0 > gate.judged
    )
    assert weak.margin == weak.judged and f"{-weak.judged:.4f} short" in weak.sentence

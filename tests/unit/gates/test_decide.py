"""Every way in which a gate can say no has its own words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from include.config.schema import ModelConfig
from include.contracts import GateDecision, GateResult
from include.gates.decide import Facts, HoldoutScores, Replay, decide

GOLDEN = Replay(np.array([0.1, 0.7]), np.array([0.1, 0.7]))


def _rows(
    days: int = 10, a_day: int = 80, challenger: float = 0.5, champion: float = 0.5, seed: int = 0
) -> HoldoutScores:
    """Two models that see the same signal through noise of these sizes."""
    rng = np.random.default_rng(seed)
    count = days * a_day
    signal = rng.normal(size=count)
    y = (rng.random(count) < 1 / (1 + np.exp(-signal))).astype(float)
    first, second = (1 / (1 + np.exp(-(signal + rng.normal(0, noise, count)))) for noise in (challenger, champion))
    day = np.repeat(np.datetime64("2024-01-01", "D") + np.arange(days), a_day)
    return HoldoutScores(y, day, first, second, baseline={"rate": 0.5})


def _config(config: ModelConfig, **release: object) -> ModelConfig:
    return ModelConfig.model_validate({**config.model_dump(), "release": {**config.release.model_dump(), **release}})


def _judge(
    config: ModelConfig, holdout: HoldoutScores, replay: Replay = GOLDEN, champion: int | None = 3
) -> GateDecision:
    return decide(config, 4, champion, holdout, replay, Facts(anchor_version=champion))


def _gate(decision: GateDecision, name: str) -> GateResult:
    return next(gate for gate in decision.gates if gate.name == name)


def test_clearly_better_is_promoted_with_all_gates_named(config):
    decision = _judge(config, _rows(challenger=0.2, champion=2.0))
    assert decision.verdict == "promote"
    assert decision.reasons == ()
    assert [gate.name for gate in decision.gates] == [
        "holdout_rows",
        "holdout_labels",
        "holdout_uses",
        "parity",
        "brier_score_max",
        "against_champion",
    ]
    sentence = _gate(decision, "against_champion").sentence
    assert sentence.startswith("Better than version 3: ROC AUC 0.")
    assert "800 rows of 10 days" in sentence
    assert "98% interval" in sentence


def test_a_champion_that_misses_a_column_is_compared_and_said_to_miss_it(config):
    rows = replace(_rows(challenger=0.2, champion=2.0), champion_lacks=("queue", "the wind"))
    sentence = _gate(_judge(config, rows), "against_champion").sentence
    assert "Version 3 was trained with 'queue', 'the wind', which none of these rows has" in sentence


def test_worse_insufficient_and_same_have_different_words(config):
    worse = _judge(config, _rows(challenger=2.0, champion=0.2))
    unclear = _judge(config, _rows(challenger=0.5, champion=0.5))
    rows = _rows()
    same = _judge(config, replace(rows, champion=rows.challenger))
    openings = ["Worse than version 3:", "Insufficient evidence that it is better than version 3:", "Nothing gained:"]
    for decision, opening in zip((worse, unclear, same), openings, strict=True):
        assert decision.verdict == "refuse"
        assert _gate(decision, "against_champion").sentence.startswith(opening)
    assert "would be seen four times in five" in _gate(unclear, "against_champion").sentence


def test_non_inferiority_lets_an_equal_model_through_and_no_worse_one(config):
    rule = {"metric": "roc_auc", "rule": "non_inferiority", "margin": 0.05, "alpha": 0.05}
    tolerant = _config(config, against_champion=rule)
    equal = _judge(tolerant, _rows(days=20, challenger=0.5, champion=0.5))
    assert equal.verdict == "promote"
    assert _gate(equal, "against_champion").bound == -0.05
    assert "Not worse than version 3 by more than 0.05" in _gate(equal, "against_champion").sentence
    worse = _judge(tolerant, _rows(days=20, challenger=3.0, champion=0.2))
    assert worse.verdict == "refuse"
    assert _gate(worse, "against_champion").sentence.startswith("Worse than version 3 by more than 0.05")
    few = _judge(tolerant, _rows(days=3, a_day=70, challenger=0.8, champion=0.8, seed=1))
    assert few.verdict == "refuse"
    assert _gate(few, "against_champion").sentence.startswith("Insufficient evidence that it is not worse")


def test_independent_rows_are_judged_by_delong(config):
    rows = _config(config, rows="independent")
    decision = _judge(rows, _rows(challenger=0.2, champion=2.0))
    assert [found.method for found in decision.evidence] == ["paired DeLong test, rows taken as independent"]


def test_clustered_rows_show_delong_beside_but_do_not_judge_by_it(config):
    decision = _judge(config, _rows())
    assert [found.clusters for found in decision.evidence] == [10, None]
    assert _gate(decision, "against_champion").value == decision.evidence[0].difference


def test_another_metric_is_compared_by_that_metric(config):
    losses = _config(config, against_champion={"metric": "log_loss"})
    decision = _judge(losses, _rows(challenger=0.2, champion=2.0))
    assert decision.evidence[0].metric == "log_loss"
    assert decision.evidence[1].metric == "roc_auc"
    assert "log loss" in _gate(decision, "against_champion").sentence


def test_first_release_needs_every_absolute_gate(config):
    alone = replace(_rows(challenger=0.2), champion=None)
    assert _judge(config, alone, champion=None).verdict == "promote"
    assert _judge(config, alone, champion=None).first_release
    strict = _config(config, thresholds=[{"metric": "roc_auc", "min": 0.99}])
    refused = _judge(strict, alone, champion=None)
    assert refused.verdict == "refuse"
    assert refused.first_release
    assert refused.reasons[0].startswith("Not good enough: ROC AUC")


def test_a_threshold_must_hold_with_confidence(config):
    rows = replace(_rows(challenger=0.2), champion=None)
    estimate = _gate(
        _judge(_config(config, thresholds=[{"metric": "roc_auc", "min": 0.5}]), rows, champion=None), "roc_auc_min"
    )
    close = _config(config, thresholds=[{"metric": "roc_auc", "min": round(estimate.value - 0.003, 4)}])
    decision = _judge(close, rows, champion=None)
    assert decision.reasons[0].startswith("Insufficient evidence that it is good enough: ROC AUC")


@pytest.mark.parametrize(
    ("change", "gate", "said"),
    [
        ({"challenger": np.full(800, np.nan)}, "against_champion", "the challenger gave no probability"),
        ({"challenger": np.full(800, np.nan)}, "brier_score_max", "the challenger gave no probability"),
        ({"challenger": np.full(800, 1.5)}, "brier_score_max", "between 0 and 1 for 800 of 800"),
        (
            {"challenger": None, "challenger_fault": "no column x"},
            "against_champion",
            "could not score the rows (no column x)",
        ),
        ({"champion": None, "champion_fault": "KeyError: 'queue'"}, "against_champion", "KeyError: 'queue'"),
        (
            {"champion": np.full(800, np.nan)},
            "against_champion",
            "the champion (version 3) is possible: it gave no probability",
        ),
        ({"y": np.ones(800)}, "holdout_labels", "one class only"),
        ({"y": np.ones(800)}, "against_champion", "one class only"),
        ({"y": np.full(800, np.nan)}, "holdout_labels", "missing or neither"),
        ({"days": np.full(800, np.datetime64("2024-01-01", "D"))}, "against_champion", "the rows are of 1 day;"),
        ({"days": np.full(800, np.datetime64("2024-01-01", "D"))}, "brier_score_max", "cannot be judged"),
    ],
)
def test_what_cannot_be_judged_is_refused_by_name(config, change, gate, said):
    decision = _judge(config, replace(_rows(), **change))
    assert decision.verdict == "refuse"
    assert not _gate(decision, gate).passed
    assert said in _gate(decision, gate).sentence
    assert GateDecision.from_json(decision.to_json()) == decision


def test_too_few_rows_and_none_at_all_are_refused(config):
    few = _judge(config, _rows(days=2, a_day=50))
    assert "Too few rows to judge on: 100 rows of 2 days, at least 200" in few.reasons[0]
    empty = HoldoutScores(np.empty(0), np.empty(0, dtype="datetime64[D]"), np.empty(0), np.empty(0))
    decision = _judge(config, empty)
    assert decision.verdict == "refuse"
    assert all(not gate.passed for gate in decision.gates if gate.name not in ("parity", "holdout_uses"))


@pytest.mark.parametrize(
    ("replay", "said"),
    [
        (Replay(np.array([0.1, 0.7]), np.array([0.1, 0.700002])), "not the model that was trained"),
        (Replay(np.array([0.1, 0.7]), np.array([0.1, np.nan])), "missing probability"),
        (Replay(np.array([0.1, 0.7]), np.array([0.1])), "no golden rows to compare (2 recorded, 1 replayed)"),
        (Replay(np.empty(0), np.empty(0)), "no golden rows"),
        (Replay(np.empty(0), None, "OSError: gone"), "cannot be replayed from the registry: OSError: gone"),
    ],
)
def test_parity_fails_closed(config, replay, said):
    decision = _judge(config, _rows(challenger=0.2, champion=2.0), replay)
    assert decision.verdict == "refuse"
    assert [gate.name for gate in decision.gates if not gate.passed] == ["parity"]
    assert said in decision.reasons[0]


def test_parity_lets_rounding_pass(config):
    rounded = Replay(np.array([0.1, 0.7]), np.array([0.1, 0.7 + 1e-9]))
    assert _judge(config, _rows(challenger=0.2, champion=2.0), rounded).verdict == "promote"

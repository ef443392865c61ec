"""What is said after a refused first release: a change that ends the situation, never the same command again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from include.gates.first_release import GATE
from include.gates.next_steps import next_step
from include.release.gather import counted, same_answer
from include.tracking.judgements import Judgement
from tests.unit.gates.test_first_release import config_with, gate_of, judged, rows_of


def test_nothing_is_next_where_nothing_was_refused_or_a_champion_serves() -> None:
    config = config_with("binary", "roc_auc")
    rows = rows_of(config, signal=2.0)
    assert judged(config, rows).next_step == ""
    refused = judged(config, replace(rows, champion=rows.challenger), champion=3)
    assert (refused.verdict, refused.next_step) == ("refuse", "")


def test_skill_that_is_there_but_unsure_asks_for_the_days_that_would_do() -> None:
    """The days that are named do: errors shrink with their root."""
    config = config_with("binary", "roc_auc")
    weak = next(
        rows
        for seed in range(40)
        if (gate := gate_of(judged(config, rows := rows_of(config, 0.2, seed)))).value > -gate.judged > 0
    )
    decision = judged(config, weak)
    gate = gate_of(decision)
    days = int(np.ceil(10 * ((gate.value - gate.judged) / gate.value) ** 2))
    assert f"on about {days} days: training.holdout_days" in decision.next_step
    often = -(-days // 10) + 1
    more = replace(
        weak,
        y=np.tile(weak.y, often),
        challenger=np.tile(weak.challenger, often),
        days=np.concatenate([weak.days + np.timedelta64(10 * step, "D") for step in range(often)]),
    )
    assert judged(config, more).verdict == "promote"


@pytest.mark.parametrize(
    ("task", "metric", "training", "said"),
    [
        ("binary", "roc_auc", None, "features that move with the label"),
        ("multiclass", "log_loss", None, "fewer, larger classes"),
        ("regression", "mean_absolute_error", None, "features that move with the label"),
    ],
)
def test_no_skill_at_all_asks_for_other_features(task: str, metric: str, training: None, said: str) -> None:
    config = config_with(task, metric, training)
    decision = judged(config, rows_of(config, signal=0.0, seed=3))
    assert said in decision.next_step
    assert f"./nightshift try {config.name}, then ./nightshift demo {config.name}" in decision.next_step
    assert "NEXT: " + decision.next_step in [line.text for line in decision.summary()]


def test_a_model_that_ranks_well_by_spoilt_probabilities_is_told_so() -> None:
    config = config_with("binary", "log_loss", {"class_weight": "balanced"})
    rows = rows_of(config, signal=1.0)
    odds = rows.challenger / (1 - rows.challenger)
    balanced = replace(rows, challenger=9 * odds / (1 + 9 * odds))
    told = judged(config, balanced).next_step
    assert "training.class_weight" in told and "release.against_champion: {metric: roc_auc}" in told
    judged_so = config_with("binary", "roc_auc", {"class_weight": "balanced"})
    assert judged(judged_so, balanced).verdict == "promote"


def test_what_is_fitted_to_the_mean_and_judged_by_the_median_is_told_so() -> None:
    config = config_with("regression", "mean_absolute_error")
    rng = np.random.default_rng(0)
    rows = rows_of(config, signal=1.0)
    there = rng.random(len(rows.y)) < 0.3
    y = np.where(there, 100.0, 0.0)
    mean = np.where(there, 40.0, 26.0)
    told = judged(config, replace(rows, y=y, challenger=mean, baseline={"median": 0.0, "mean": 30.0})).next_step
    assert "loss: absolute_error" in told and "root_mean_squared_error" in told


def test_each_other_refusal_names_its_own_key() -> None:
    config = config_with("binary", "roc_auc", thresholds=[{"metric": "brier_score", "max": 0.01}])
    rows = rows_of(config, signal=2.0)
    assert "brier_score_max" in judged(config, rows).next_step
    few = config_with("binary", "roc_auc", min_holdout_rows=10_000)
    assert "release.min_holdout_rows" in judged(few, rows).next_step
    one_day = replace(rows, days=np.full(len(rows.y), rows.days[0]))
    assert "three days at least: training.holdout_days" in judged(config_with("binary"), one_day).next_step


def test_the_same_scores_of_the_same_rows_are_one_look() -> None:
    config = config_with("binary", "roc_auc")
    rows = replace(rows_of(config, signal=0.0), name="a..b")
    at = datetime(2026, 1, 1, tzinfo=UTC)
    repeats = [Judgement(f"run/{version}", at, "a..b", False, rows.answer) for version in (6, 5, 4)]
    others = [
        Judgement(f"run/{version}", at, "a..b", False, answer) for version, answer in ((3, "x"), (2, "x"), (1, ""))
    ]
    assert counted([*repeats, *others], "a..b", at, rows.answer) == (2, 0)
    assert counted([*repeats, *others], "a..b", at, "new") == (3, 0)
    assert same_answer([*repeats, *others], rows) == 6
    assert same_answer([*repeats, *others], replace(rows, name="b..c")) is None
    assert replace(rows, challenger=rows.challenger + 1e-13).answer == rows.answer
    assert replace(rows, challenger=rows.challenger[::-1]).answer != rows.answer


def test_a_failed_gate_without_words_of_its_own_still_names_the_file() -> None:
    config = config_with("binary", "roc_auc")
    rows = rows_of(config, signal=2.0)
    parity = next(gate for gate in judged(config, rows).gates if gate.name == "parity")
    told = next_step(config, [parity.model_copy(update={"passed": False})], rows)
    assert f"include/models/{config.name}.yaml" in told
    assert GATE not in told

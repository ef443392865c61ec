"""What the judge reads beside the scores: age, anchor, earlier judgements, live performance, cost, slices."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from include.config.schema import ModelConfig
from include.contracts import GateDecision, GateResult
from include.data import tables, windows
from include.release import judge, ledger
from include.scoring import batch
from include.tracking import registry, runs
from include.tracking.judgements import judgements

MODEL = "parcels"
Changed = Callable[..., ModelConfig]


@pytest.fixture
def changed(config, monkeypatch) -> Changed:
    """Judge by a changed section `release`, as if the nights had been opened with it."""

    def change(**release: object) -> ModelConfig:
        other = config.model_dump() | {"release": config.release.model_dump() | release}
        model = ModelConfig.model_validate(other)
        monkeypatch.setattr(runs, "load_config", lambda run_id: model)
        return model

    return change


def _gate(decision: GateDecision, name: str) -> GateResult:
    return next(gate for gate in decision.gates if gate.name == name)


def test_a_champion_of_yesterday_is_fresh_and_one_of_last_month_is_stale(world, changed):
    changed(stale_champion={"after_days": 30, "margin": 0.05})
    registry.set_champion(MODEL, 2, None)
    context, registered = world.night(3, 2)
    assert judge.evaluate_gates(context, registered).rule == "superiority"
    later = context.model_copy(update={"as_of": context.as_of + timedelta(days=30), "airflow_run_id": "later"})
    decision = judge.evaluate_gates(later, registered)
    assert decision.rule == "non_inferiority"
    assert "version 2 is 31 nights old" in _gate(decision, "against_champion").sentence


def test_the_anchor_is_scored_on_the_same_rows(world, changed, event):
    """Version 2 replaced version 1 by not being worse, so version 3 is held against version 1 too."""
    changed(stale_champion={"after_days": 1, "margin": 0.05})
    ledger.append(event(event="promoted", version=1, champion_before=None, champion_after=1, rule="first_release"))
    ledger.append(event(event="promoted", version=2, rule="non_inferiority", airflow_run_id="run-2b"))
    registry.set_champion(MODEL, 2, 1)
    decision = judge.evaluate_gates(*world.night(3, 2))
    assert decision.anchor_version == 1
    assert _gate(decision, "against_anchor").passed
    assert "against 0.5000" in _gate(decision, "against_anchor").sentence
    assert decision.evidence[-1].champion == pytest.approx(0.5)


def test_another_version_on_the_same_holdout_counts_and_a_retry_does_not(world, changed):
    changed(max_holdout_uses=2)
    context, registered = world.night(2, None)
    for _ in range(2):
        assert _gate(judge.evaluate_gates(context, registered), "holdout_uses").value == 1
    other = world.night(3, None)[1]
    assert _gate(judge.evaluate_gates(context, other), "holdout_uses").value == 2
    third = judge.evaluate_gates(context, world.night(1, None)[1])
    assert third.verdict == "refuse"
    assert "use 3 of 2" in _gate(third, "holdout_uses").sentence
    next_night, version = world.night(3, None)
    assert _gate(judge.evaluate_gates(next_night, version), "holdout_uses").value == 1
    assert len(judgements(MODEL)) == 4


def test_only_comparisons_spend_the_years_budget(world, changed):
    changed(against_champion={"metric": "roc_auc", "alpha_per_year": 0.1})
    judge.evaluate_gates(*world.night(1, None))
    registry.set_champion(MODEL, 1, None)
    decision = judge.evaluate_gates(*world.night(2, 1))
    assert _gate(decision, "alpha_budget").value == 1
    assert decision.alpha == pytest.approx(0.1 / 366, rel=0.01)
    assert _gate(judge.evaluate_gates(*world.night(3, 1)), "alpha_budget").value == 2


def test_cost_is_measured_on_the_registrys_copy(world, changed):
    changed(max_scoring_ms_per_1000_rows=10_000, max_model_mb=1)
    decision = judge.evaluate_gates(*world.night(2, None))
    assert decision.verdict == "promote", decision.reasons
    assert 0 < _gate(decision, "scoring_latency").value < 10_000
    assert 0 < _gate(decision, "model_size").value < 1
    changed(max_model_mb=1e-6)
    assert not _gate(judge.evaluate_gates(*world.night(2, None)), "model_size").passed


def test_slices_come_from_the_holdout_rows_and_small_ones_ask_a_person(world, changed):
    changed(slices=[{"column": "number", "metric": "roc_auc", "max_gap": 0.3}], approval="automatic")
    decision = judge.evaluate_gates(*world.night(2, None))
    assert decision.verdict == "promote"
    assert len(decision.slices) == 480
    assert decision.ask_person[0].startswith("No value of number has enough rows")
    page = runs.load_text(world.night(2, None)[1].mlflow_run_id, "gates/report.html")
    assert "A person has to agree first" in page


def test_slices_and_clusters_are_read_that_the_model_never_sees(world, changed):
    slices = [{"column": "depot", "metric": "roc_auc", "max_gap": 0.5, "min_rows": 50}]
    changed(slices=slices, cluster_by="number", resamples=300)
    decision = judge.evaluate_gates(*world.night(2, None))
    assert {found.value for found in decision.slices} == {"north", "south"}
    assert all(found.protected and found.high is not None for found in decision.slices)


@pytest.mark.parametrize(
    ("skilled", "rule"), [(False, "non_inferiority"), (True, "superiority")], ids=["fallen", "as released"]
)
def test_a_champion_that_does_badly_live_is_stale_before_its_time(world, changed, skilled, rule):
    """Served scores of the days before the holdout, which the comparison does not look at."""
    config = changed(
        stale_champion={"after_days": 300, "live_loss": 0.05, "margin": 0.05}, min_holdout_rows=200, resamples=300
    )
    registry.set_champion(MODEL, 2, None)
    context, registered = world.night(3, 2)
    first = context.windows.holdout.start - timedelta(days=9)
    days = context.windows.holdout.model_copy(update={"start": first, "end": first + timedelta(days=8)})
    rows = windows.read_rows(config, days, context.as_of)
    rng = np.random.default_rng(0)
    noise = rng.random(len(rows))
    served = pd.DataFrame(
        {
            "row_key": rows["row_key"],
            "version": 2,
            "score": np.where(rows["late"] == 1, 0.3 + 0.7 * noise, 0.7 * noise) if skilled else noise,
            "error": None,
            "night": context.as_of,
            "snapshot": "now",
        }
    )
    schema, asked = tables.schema_for(batch.PREDICTION_COLUMNS), sorted(set(rows["sent"].dt.date))
    tables.replace_days(
        MODEL, batch.PREDICTIONS, served, rows["sent"].dt.date, asked, schema, within={"role": "champion"}
    )
    assert judge.evaluate_gates(context, registered).rule == rule

"""Judging a registered version with the real registry, tables and models."""

from __future__ import annotations

import json
import time
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from include.contracts import GateDecision
from include.data import tables
from include.errors import TransientError
from include.release import judge, ledger, promotion
from include.tracking import models, registry, runs

MODEL = "parcels"


def _gate(decision: GateDecision, name: str):
    return next(gate for gate in decision.gates if gate.name == name)


def test_first_release_is_judged_by_absolute_gates(world):
    decision = judge.evaluate_gates(*world.night(2, None))
    assert (decision.verdict, decision.first_release, decision.champion_version) == ("promote", True, None)
    assert _gate(decision, "parity").value == 0
    assert _gate(decision, "brier_score_max").passed
    assert ledger.history(MODEL) == []


def test_a_better_version_is_let_through_and_its_report_is_kept_in_three_runs(world):
    registry.set_champion(MODEL, 1, None)
    context, registered = world.night(2, 1)
    decision = judge.evaluate_gates(context, registered)
    assert decision.verdict == "promote", decision.reasons
    assert [found.clusters for found in decision.evidence] == [8, None]
    assert decision.evidence[0].difference > 0.2
    client = MlflowClient()
    release = client.search_runs([client.get_experiment_by_name(f"{MODEL}/releases").experiment_id])
    assert len(release) == 1
    assert release[0].data.metrics["difference"] == pytest.approx(decision.evidence[0].difference)
    for run_id in (registered.mlflow_run_id, context.mlflow_run_id, release[0].info.run_id):
        assert GateDecision.from_json(runs.load_json(run_id, "gates/decision.json")) == decision
        assert runs.run_metrics(run_id)[1]["verdict"] == "promote"
        page = runs.load_text(run_id, "gates/report.html")
        assert "<svg" in page
        assert "may be promoted" in page
        assert "may be promoted" in runs.load_text(run_id, "gates/report.md")


def test_a_retry_decides_the_same_and_doubles_nothing(world):
    registry.set_champion(MODEL, 2, None)
    context, registered = world.night(3, 2)
    first = judge.evaluate_gates(context, registered)
    assert first.verdict == "refuse"
    assert judge.evaluate_gates(context, registered) == first
    client = MlflowClient()
    assert len(client.search_runs([client.get_experiment_by_name(f"{MODEL}/releases").experiment_id])) == 1
    assert [event.event for event in ledger.history(MODEL)] == ["refused"]
    assert ledger.history(MODEL)[0].champion_after == 2


def test_worse_is_called_worse_and_refused(world):
    registry.set_champion(MODEL, 2, None)
    decision = judge.evaluate_gates(*world.night(1, 2))
    assert decision.verdict == "refuse"
    assert "Worse than version 2" in _gate(decision, "against_champion").sentence


def test_champion_that_changed_meanwhile_is_a_named_refusal(world):
    registry.set_champion(MODEL, 2, None)
    decision = judge.evaluate_gates(*world.night(3, 1))
    assert decision.verdict == "refuse"
    assert [gate.name for gate in decision.gates] == ["champion_unchanged"]
    assert "version 1 when it opened, version 2 now" in decision.reasons[0]
    assert ledger.history(MODEL)[-1].event == "refused"


def test_a_judged_version_that_was_promoted_meanwhile_keeps_its_decision(world, passed):
    context, registered = world.night(2, None)
    decision = judge.evaluate_gates(context, registered)
    promotion.promote(context, decision, "schedule")
    assert judge.evaluate_gates(context, registered) == decision
    assert [event.event for event in ledger.history(MODEL)] == ["intended", "promoted"]


def test_a_champion_whose_files_are_gone_is_a_named_refusal(world, monkeypatch):
    registry.set_champion(MODEL, 1, None)
    load = registry.load_pipeline

    def broken(model: str, version: int):
        if version == 1:
            return models.load_pipeline_by_uri("models:/m-00000000000000000000000000000000")
        return load(model, version)

    monkeypatch.setattr(registry, "load_pipeline", broken)
    decision = judge.evaluate_gates(*world.night(2, 1))
    assert decision.verdict == "refuse"
    assert "could not score the rows" in _gate(decision, "against_champion").sentence
    assert "rollback" in _gate(decision, "against_champion").sentence


def test_a_tampered_model_fails_parity(world, monkeypatch):
    context, registered = world.night(2, None)
    load = registry.load_pipeline

    def other_model(model: str, version: int):
        pipeline = load(model, version)
        pipeline[-1].intercept_ = pipeline[-1].intercept_ + 0.01
        return pipeline

    monkeypatch.setattr(registry, "load_pipeline", other_model)
    decision = judge.evaluate_gates(context, registered)
    assert decision.verdict == "refuse"
    assert "not the model that was trained" in _gate(decision, "parity").sentence


def test_mlflow_being_down_is_no_verdict(world, monkeypatch):
    def down(model: str, version: int):
        raise TransientError("MLflow does not answer")

    monkeypatch.setattr(registry, "load_pipeline", down)
    with pytest.raises(TransientError):
        judge.evaluate_gates(*world.night(2, None))
    assert ledger.history(MODEL) == []


def test_the_holdout_is_read_at_the_frozen_version(world, config):
    context, registered = world.night(2, None)
    before = judge.evaluate_gates(context, registered)
    day = context.windows.holdout.start
    schema = tables.schema_for(config.data.columns)
    rows = tables.read(MODEL, "validated", schema.names).iloc[:0]
    tables.replace_partition(MODEL, "validated", rows.assign(row_key=[]), {"day": day.isoformat()}, schema)
    after = judge.evaluate_gates(context, registered)
    assert _gate(after, "holdout_rows").value == _gate(before, "holdout_rows").value == 480


class _Resources(HTMLParser):
    """Collects scripts and every address that a browser would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [tag] if tag in ("script", "link", "img", "iframe") else []
        self.found += [
            str(value) for name, value in attrs if name in ("src", "href") and not str(value).startswith("#")
        ]


def test_the_page_fetches_nothing_and_escapes_what_it_shows(world, config, tmp_path: Path):
    from include.gates import decide
    from include.release import report

    hostile = "<script>alert(1)</script>"
    decision = decide.refuse(MODEL, 2, 1, hostile, f"because {hostile}")
    parser = _Resources()
    page = report.page(decision, config, None)
    parser.feed(page)
    assert parser.found == []
    assert "&lt;script&gt;" in page
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 400).astype(float)
    days = np.repeat(np.datetime64("2024-01-01", "D") + np.arange(4), 100)
    holdout = decide.HoldoutScores(y, days, rng.random(400), rng.random(400))
    drawn = report.page(decision, config, holdout)
    parser.feed(drawn)
    assert parser.found == []
    assert drawn == report.page(decision, config, holdout)
    assert len(drawn) < 300_000


def test_a_judgement_is_quick(world):
    registry.set_champion(MODEL, 1, None)
    started = time.process_time()
    judge.evaluate_gates(*world.night(2, 1))
    assert time.process_time() - started < 4


def test_decision_json_is_plain(world):
    decision = judge.evaluate_gates(*world.night(2, None))
    assert json.loads(json.dumps(decision.to_json(), allow_nan=False))["verdict"] == "promote"

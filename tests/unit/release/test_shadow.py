"""A trial's whole life with the real registry, tables and models: begun, looked at, ended for a reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from mlflow import MlflowClient

from include.contracts import GateDecision
from include.data import tables
from include.evidence import confidence_sequence
from include.release import judge, ledger, promotion, rollback, shadow, trials
from include.scoring import batch
from include.tracking import naming, registry, runs

MODEL = "parcels"
SINCE = date(2024, 3, 3)
EARLY, SURE, LATE = SINCE + timedelta(days=5), SINCE + timedelta(days=15), SINCE + timedelta(days=46)


def _events() -> list[tuple[str, int]]:
    return [(event.event, event.version) for event in ledger.history(MODEL)]


def _on_trial(world, trial_config, champion: int, until: date = SURE):
    """Version 3 on trial against `champion`, both having scored the days until the night `until`."""
    registry.set_champion(MODEL, champion, None)
    context, registered = world.night(3, champion)
    decision = judge.evaluate_gates(context, registered)
    assert decision.verdict == "trial", decision.reasons
    batch.score(trial_config, until, SINCE, until)
    return context, registered, decision


def _looks() -> list:
    client = MlflowClient()
    experiment = client.get_experiment_by_name(f"{MODEL}/releases").experiment_id
    return [run for run in client.search_runs([experiment]) if run.data.tags["nightshift.kind"] == "trial"]


def test_a_first_release_needs_no_trial(trial_world):
    decision = judge.evaluate_gates(*trial_world.night(2, None))
    assert (decision.verdict, decision.first_release) == ("promote", True)
    assert trials.current(MODEL) is None


def test_a_version_that_fails_an_absolute_gate_goes_on_no_trial(trial_world):
    registry.set_champion(MODEL, 2, None)
    context, registered = trial_world.night(3, 2)
    day = context.windows.holdout.start
    decision = judge.evaluate_gates(context.model_copy(update={"windows": _without_holdout(context, day)}), registered)
    assert decision.verdict == "refuse"
    assert _events() == [("refused", 3)]


def _without_holdout(context, day: date):
    holdout = context.windows.holdout.model_copy(update={"start": day, "end": day})
    return context.windows.model_copy(update={"holdout": holdout})


def test_a_better_version_earns_its_place(trial_world, trial_config):
    context, registered, admitted = _on_trial(trial_world, trial_config, champion=1)
    assert [gate.name for gate in admitted.gates if "against" in gate.name] == ["against_champion"]
    assert not admitted.evidence, "the holdout does not compare"
    assert _events() == [("trial", 3)]

    early = shadow.judge_shadow(MODEL, EARLY)
    assert (
        early.decision.verdict == "trial" and "On trial since 2024-03-03, 5 of 40 nights" in early.decision.reasons[0]
    )
    assert promotion.promote(context, early.decision, "schedule").event == "refused", "nobody promotes it by mistake"

    judge.evaluate_gates(context, registered)  # begun again after that refusal
    look = shadow.judge_shadow(MODEL, SURE)
    assert (look.run_context, look.registered) == (context, registered)
    decision = look.decision
    assert decision.verdict == "promote", decision.reasons
    assert [gate.name for gate in decision.gates][:3] == ["shadow", "shadow_nights", "parity"]
    [found] = decision.evidence
    assert found.clusters == 15 and found.rows == 900 and found.low > 0 and found.p_value < 0.01
    assert found.challenger - found.champion > 0.2 and found.difference == pytest.approx(0.05)

    event = promotion.promote(look.run_context, decision, "airflow:parcels__shadow")
    assert event.event == "promoted" and registry.champion_version(MODEL) == 3
    promotion.verify_champion(MODEL, 3)
    assert _events()[-3:] == [("trial", 3), ("intended", 3), ("promoted", 3)]
    assert shadow.judge_shadow(MODEL, SURE) is None and "Version 3 was promoted" in trials.last_ending(MODEL)


def test_a_look_is_kept_once_and_says_the_same_again(trial_world, trial_config):
    _, registered, _ = _on_trial(trial_world, trial_config, champion=1)
    first = shadow.judge_shadow(MODEL, EARLY)
    assert shadow.judge_shadow(MODEL, EARLY) == first
    shadow.judge_shadow(MODEL, SURE)
    assert shadow.judge_shadow(MODEL, EARLY) == first, "an earlier night sees no more than it saw"
    assert len(_looks()) == 2 and _events() == [("trial", 3)]
    assert GateDecision.from_json(runs.load_json(first.mlflow_run_id, "shadow/decision.json")) == first.decision
    page = runs.load_text(first.mlflow_run_id, "shadow/report.html")
    assert "<svg" in page and "2024-03-07" in page and "2024-03-08" not in page and "<script" not in page
    assert "| 2024-03-07 | 60 |" in runs.load_text(first.mlflow_run_id, "shadow/report.md")
    figures, tags = runs.run_metrics(first.mlflow_run_id)
    assert figures["nights"] == 5 and tags["verdict"] == "trial"
    assert runs.run_metrics(registered.mlflow_run_id)[1]["verdict"] == "promote", "the later look let it through"


def test_differences_that_last_for_days_are_put_before_a_person(trial_world, trial_config):
    """A season looks like a lead while it lasts; the sequence cannot tell, and says so."""
    _on_trial(trial_world, trial_config, champion=1)
    trial = trials.load(MODEL, 3)
    config = runs.load_config(trial.context.mlflow_run_id)
    plan = shadow.plan_of(config, trial)
    seen = shadow.see(config, trial, SURE)
    alternating, lasting = [0.02, 0.04] * 12, [0.02] * 12 + [0.04] * 12
    for differences, asked in ((alternating, False), (lasting, True)):
        nights = [replace(seen.nights[0], difference=difference) for difference in differences]
        found = confidence_sequence.sequence(np.array(differences), plan)
        decision = shadow.decide(config, trial, replace(seen, nights=nights), found, plan)
        assert decision.verdict == "promote"
        assert bool(decision.ask_person) is asked
    assert "may be a season and no lead" in decision.ask_person[0]


def test_labels_that_come_late_count_as_if_they_had_come_in_time(trial_world, trial_config):
    _on_trial(trial_world, trial_config, champion=1)
    in_time = shadow.judge_shadow(MODEL, EARLY).decision
    rows = tables.read(MODEL, "validated", None, (SINCE, SINCE))
    _write(trial_config, rows.assign(late=None))
    without = shadow.judge_shadow(MODEL, EARLY).decision
    assert without.evidence[0].clusters == in_time.evidence[0].clusters - 1
    _write(trial_config, rows.assign(late=1 - rows["late"]))
    wrong = shadow.judge_shadow(MODEL, EARLY).decision
    assert wrong.evidence[0].clusters == in_time.evidence[0].clusters
    assert wrong.evidence[0].difference < in_time.evidence[0].difference
    _write(trial_config, rows)
    assert shadow.judge_shadow(MODEL, EARLY).decision == in_time


def _write(config, rows) -> None:
    import pyarrow as pa

    schema = tables.schema_for(config.data.columns).append(pa.field("row_key", pa.string()))
    tables.replace_days(MODEL, "validated", rows, rows["sent"], [SINCE], schema)


def test_an_equal_version_is_given_up_and_the_next_night_trains_again(trial_world, trial_config):
    _, registered, _ = _on_trial(trial_world, trial_config, champion=2, until=LATE)
    assert trials.on_trial(trial_config).version == 3
    look = shadow.judge_shadow(MODEL, LATE)
    assert look.decision.verdict == "refuse"
    assert "No lead over version 2 that is worth a release" in look.decision.reasons[0]
    assert _events() == [("trial", 3), ("refused", 3)]
    assert runs.run_metrics(registered.mlflow_run_id)[1]["verdict"] == "refuse"
    assert trials.on_trial(trial_config) is None


def test_a_trial_without_comparable_nights_ends_in_time_all_the_same(trial_world, trial_config):
    registry.set_champion(MODEL, 1, None)
    judge.evaluate_gates(*trial_world.night(3, 1))  # and nothing scores
    waiting = shadow.judge_shadow(MODEL, SURE).decision
    assert waiting.verdict == "trial" and "no night's labels" in waiting.reasons[0] and not waiting.evidence
    over = shadow.judge_shadow(MODEL, LATE).decision
    assert over.verdict == "refuse" and "40 nights are over" in over.reasons[0]


def test_a_rollback_ends_the_trial_with_its_reason(trial_world, trial_config, passed):
    context, _ = trial_world.night(1, None)
    promotion.promote(context, passed(1, None), "schedule")
    promotion.promote(trial_world.night(2, 1)[0], passed(2, 1), "schedule")
    judge.evaluate_gates(*trial_world.night(3, 2))
    rollback.rollback(MODEL, 1, "wrong prices", "ann", "by hand")
    assert shadow.judge_shadow(MODEL, SURE) is None
    last = ledger.history(MODEL)[-1]
    assert (last.event, last.version, last.champion_after) == ("refused", 3, 1)
    assert "champion changed from version 2 to version 1" in last.reason
    assert shadow.judge_shadow(MODEL, SURE) is None and ledger.history(MODEL)[-1] == last


def test_a_person_recalls_the_trial(trial_world, trial_config):
    _on_trial(trial_world, trial_config, champion=1)
    trials.recall(MODEL, "the sensor was broken", "ann")
    assert shadow.judge_shadow(MODEL, SURE) is None
    assert ledger.history(MODEL)[-1].actor == "ann"
    assert "Recalled by ann: the sensor was broken" in trials.last_ending(MODEL)
    assert trials.recall(MODEL, "again", "ann") is None and len(_events()) == 2


def test_an_interrupted_promotion_ends_no_trial(trial_world, trial_config, event):
    context, _, _ = _on_trial(trial_world, trial_config, champion=1)
    same = {"version": 3, "airflow_run_id": context.airflow_run_id, "champion_before": 1, "champion_after": 3}
    ledger.append(event(**same))  # a worker was killed here
    promotion.repair(MODEL)
    assert _events() == [("trial", 3), ("intended", 3), ("refused", 3)]
    look = shadow.judge_shadow(MODEL, SURE)
    assert promotion.promote(look.run_context, look.decision, "schedule").event == "promoted"


def test_no_other_version_takes_the_place_of_the_one_on_trial(trial_world, trial_config):
    _on_trial(trial_world, trial_config, champion=1)
    decision = judge.evaluate_gates(*trial_world.night(2, 1))
    assert [gate.name for gate in decision.gates] == ["no_other_trial"]
    assert "Version 3 is on trial against version 1 since" in decision.reasons[0]
    assert registry.alias_version(MODEL, naming.CHALLENGER) == 3 == trials.current(MODEL).version


def test_another_challenger_ends_the_trial(trial_world, trial_config):
    _on_trial(trial_world, trial_config, champion=1)
    MlflowClient().set_registered_model_alias(MODEL, naming.CHALLENGER, "2")
    assert shadow.judge_shadow(MODEL, SURE) is None
    assert "version 3 is not the challenger any more (version 2 is)" in trials.last_ending(MODEL)


def test_a_challenger_that_leaves_rows_out_is_refused(trial_world, trial_config):
    _on_trial(trial_world, trial_config, champion=1)
    where = {"role": naming.CHALLENGER}
    rows = tables.read(MODEL, batch.PREDICTIONS, None, (SINCE, SINCE), where=where)
    rows["score"] = rows["score"].where(np.arange(len(rows)) >= 20)
    schema = tables.schema_for(batch.PREDICTION_COLUMNS)
    of_day = rows["day"].map(date.fromisoformat)
    tables.replace_days(MODEL, batch.PREDICTIONS, rows, of_day, [SINCE], schema, within=where)
    decision = shadow.judge_shadow(MODEL, SURE).decision
    assert decision.verdict == "refuse"
    assert "could not score 20 of 900 rows" in " ".join(decision.reasons)

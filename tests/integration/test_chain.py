"""The whole chain in Airflow's own task runner, on real flights, in the order of a model's life."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.utils.state import DagRunState, TaskInstanceState

from include.alerts import tell
from include.config import environment
from include.contracts import GateDecision, IngestResult, MonitorResult, ScoreResult
from include.data import tables
from include.data.sources import flights
from include.release import ledger
from include.tracking import registry

MODEL = "flight_delay"
FIRST, LAST, NIGHT = date(2013, 3, 1), date(2013, 3, 31), date(2013, 4, 1)


def run(suffix: str, **conf: Any) -> Any:
    """Run a DAG to its end and return the finished DagRun."""
    bag = DagBag(dag_folder=environment.REPOSITORY / "dags")
    assert not bag.import_errors
    dag = bag.dags[f"{MODEL}__{suffix}"]
    dag.deadline = None  # this runner fails on one where the run succeeds (apache/airflow issue 73428)
    for task in dag.tasks:
        task.retries = 0  # this runner waits out a retry's delay in a busy loop
    return dag.test(run_conf=conf)


def states(finished: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for task in finished.get_task_instances():
        found.setdefault(task.task_id, []).append(str(task.state))
    return found


def result(finished: Any, task_id: str) -> Any:
    return finished.get_task_instance(task_id).xcom_pull(task_ids=task_id)


@pytest.fixture(scope="module")
def history(world: Path) -> IngestResult:
    finished = run("ingest", start=FIRST.isoformat(), end=LAST.isoformat())
    assert finished.state == DagRunState.SUCCESS
    return IngestResult.from_json(result(finished, "ingest_day"))


@pytest.fixture(scope="module")
def first_release(history: IngestResult) -> Any:
    return run("retrain", as_of=NIGHT.isoformat())


def test_a_range_of_days_is_loaded_in_one_run(history: IngestResult) -> None:
    assert [outcome.day for outcome in history.days][::30] == [FIRST, LAST]
    stored = tables.read(MODEL, "validated", ["day"])
    assert len(stored) == sum(outcome.validated for outcome in history.days) > 25_000
    assert stored["day"].nunique() == 31


def test_the_first_version_is_released_when_the_absolute_gates_hold(first_release: Any) -> None:
    assert first_release.state == DagRunState.SUCCESS
    assert states(first_release) == {
        "open_run": ["success"],
        "validate_data": ["success"],
        "train_candidate": ["success"] * 3,
        "select_candidate": ["success"],
        "evaluate_holdout": ["success"],
        "register_model": ["success"],
        "evaluate_gates": ["success"],
        "approve_release": ["success"],
        "promote_model": ["success"],
        "verify_champion": ["success"],
    }
    decision = GateDecision.from_json(result(first_release, "evaluate_gates"))
    assert decision.verdict == "promote" and decision.first_release
    assert registry.champion_version(MODEL) == decision.version == 1


def test_a_second_night_like_the_first_is_refused_with_reasons_and_stays_green(first_release: Any) -> None:
    again = run("retrain", as_of=NIGHT.isoformat())
    assert again.state == DagRunState.SUCCESS
    found = states(again)
    assert found["promote_model"] == found["verify_champion"] == ["skipped"]
    decision = GateDecision.from_json(result(again, "evaluate_gates"))
    assert decision.verdict == "refuse" and decision.version == 2
    assert any("ROC AUC" in reason for reason in decision.reasons)
    assert registry.champion_version(MODEL) == 1
    assert ledger.history(MODEL)[-1].event == "refused"


def test_the_champion_scores_what_is_not_scored_and_only_once(first_release: Any) -> None:
    finished = run("score", start="2013-03-29", end="2013-03-31")
    assert finished.state == DagRunState.SUCCESS
    scored = ScoreResult.from_json(result(finished, "score_batch"))
    assert [day.day for day in scored.scored_days] == [29, 30, 31]
    predictions = tables.read(MODEL, "predictions", where={"role": "champion"})
    validated = tables.read(MODEL, "validated", ["row_key"], (date(2013, 3, 29), date(2013, 3, 31)))
    assert sorted(predictions["row_key"]) == sorted(validated["row_key"])
    assert predictions["score"].between(0, 1).all()
    run("score", start="2013-03-29", end="2013-03-31")
    assert len(tables.read(MODEL, "predictions", where={"role": "champion"})) == len(predictions)


def test_the_night_is_compared_and_measured(first_release: Any) -> None:
    finished = run("monitor", night=NIGHT.isoformat())
    assert finished.state == DagRunState.SUCCESS
    looked = MonitorResult.from_json(result(finished, "detect_drift"))
    assert looked.champion_version == 1 and looked.columns == 20
    assert 0.4 < looked.performance["roc_auc"] < 0.9
    assert states(finished)["request_retrain"] == ["skipped"]


def test_harm_asks_for_retraining_until_it_was_done(
    first_release: Any, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bound that no model keeps stands in for a champion that has decayed."""
    shipped = (world / "models/flight_delay.yaml").read_text()
    demanding = shipped.replace("min: 0.55, nights: 7, min_rows: 2000", "min: 0.99, nights: 7, min_rows: 100")
    demanding = demanding.replace("min_new_rows: 2000", "min_new_rows: 500")  # one day came since the first release
    assert demanding.count("min: 0.99") == demanding.count("min_new_rows: 500") == 1
    (world / "demanding").mkdir()
    (world / "demanding/flight_delay.yaml").write_text(demanding)
    monkeypatch.setenv("NIGHTSHIFT_MODELS", str(world / "demanding"))
    run("ingest", start="2013-04-01")
    run("score", start="2013-04-01")
    asked = run("monitor", night="2013-04-02")
    assert states(asked)["request_retrain"] == ["success"]
    assert "0.99" in " ".join(result(asked, "request_retrain"))
    doubled = run("monitor", night="2013-04-02")
    assert states(doubled)["request_retrain"] == ["skipped"], "one night asks once, however often it is looked at"
    assert [alarm.key for alarm in tell.open_alarms(MODEL)] == ["harm:roc_auc"]
    run("retrain", as_of="2013-04-02")
    again = run("monitor", night="2013-04-02")
    assert states(again)["request_retrain"] == ["skipped"]


def test_a_refused_day_is_red_and_keeps_what_was_stored(first_release: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that breaks: a column is gone."""
    before = tables.read(MODEL, "validated", ["row_key"], (LAST, LAST))
    intact = flights.read
    monkeypatch.setattr(flights, "read", lambda start, end: intact(start, end).drop(columns="distance"))
    finished = run("ingest", start=LAST.isoformat())
    assert finished.state == DagRunState.FAILED
    assert finished.get_task_instance("ingest_day").state == TaskInstanceState.FAILED
    assert tables.read(MODEL, "validated", ["row_key"], (LAST, LAST)).equals(before)
    aside = tables.read(MODEL, "quarantine", ["rules"], (LAST, LAST))
    assert len(aside) == len(before) and aside["rules"].str.contains("distance").all()


def test_rolling_back_with_nothing_to_return_to_says_so_and_changes_nothing(first_release: Any) -> None:
    finished = run("rollback", reason="trying it out")
    assert finished.state == DagRunState.FAILED
    assert states(finished)["rollback_model"] == ["failed"]
    assert registry.champion_version(MODEL) == 1


def test_a_form_without_a_reason_is_refused_before_a_run_exists(first_release: Any) -> None:
    with pytest.raises(Exception, match="reason"):
        run("rollback", version=1)


def test_a_window_without_data_fails_once_and_names_the_command(first_release: Any) -> None:
    finished = run("retrain", as_of="2013-09-01")
    assert finished.state == DagRunState.FAILED
    opened = finished.get_task_instance("open_run")
    assert opened.state == TaskInstanceState.FAILED and opened.try_number == 1

"""A version on trial in Airflow's own task runner, on real flights: begun, looked at, recalled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.utils.state import DagRunState

from include.config import environment
from include.contracts import GateDecision
from include.release import ledger
from include.release.shadow import Look
from include.tracking import naming, registry

MODEL = "flight_delay"
NIGHT, LOOK = date(2013, 4, 1), date(2013, 4, 11)


def run(suffix: str, **conf: Any) -> Any:
    """Run a DAG to its end and return the finished DagRun."""
    bag = DagBag(dag_folder=environment.REPOSITORY / "dags")
    assert not bag.import_errors
    dag = bag.dags[f"{MODEL}__{suffix}"]
    dag.deadline = None  # this runner fails on one where the run succeeds (apache/airflow issue 73428)
    for task in dag.tasks:
        task.retries = 0  # this runner waits out a retry's delay in a busy loop
    finished = dag.test(run_conf=conf)
    assert finished.state == DagRunState.SUCCESS
    return finished


def states(finished: Any) -> dict[str, str]:
    return {task.task_id: str(task.state) for task in finished.get_task_instances()}


def result(finished: Any, task_id: str) -> Any:
    return finished.get_task_instance(task_id).xcom_pull(task_ids=task_id)


@pytest.fixture(scope="module")
def begun(world: Path, smaller_model: Callable[..., Path]) -> Iterator[Any]:
    """A first release, then a version of the same night: no better, so nothing but a trial can tell."""
    folder = smaller_model(world / "tried", **{"release:\n": "release:\n  evidence: shadow\n"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHTSHIFT_MODELS", str(folder))
        run("ingest", start="2013-03-01", end="2013-04-09")
        run("retrain", as_of=NIGHT.isoformat())
        assert registry.champion_version(MODEL) == 1
        yield run("retrain", as_of=NIGHT.isoformat())


def test_a_version_that_passes_goes_on_trial(begun: Any) -> None:
    decision = GateDecision.from_json(result(begun, "evaluate_gates"))
    assert decision.verdict == "trial", decision.reasons
    found = states(begun)
    assert (found["evaluate_gates"], found["approve_release"], found["promote_model"]) == (
        "success",
        "skipped",
        "skipped",
    )
    assert [(event.event, event.version) for event in ledger.history(MODEL)][-1] == ("trial", 2)
    assert registry.champion_version(MODEL) == 1


def test_nothing_is_trained_while_it_lasts(begun: Any) -> None:
    again = run("retrain", as_of="2013-04-03")
    assert set(states(again).values()) == {"skipped"}
    assert registry.alias_version(MODEL, naming.CHALLENGER) == 2 == registry.versions(MODEL)[-1]


def test_a_look_waits_for_more_nights_and_hands_on_what_a_promotion_needs(begun: Any) -> None:
    run("score", start=NIGHT.isoformat(), end="2013-04-09")
    finished = run("shadow", night=LOOK.isoformat())
    found = states(finished)
    assert found == {
        "judge_shadow": "success",
        "approve_release": "skipped",
        "promote_model": "skipped",
        "verify_champion": "skipped",
    }
    look = Look.from_json(result(finished, "judge_shadow"))
    assert look.decision.verdict == "trial" and look.decision.evidence[0].clusters == 9
    assert look.run_context.as_of == NIGHT and look.registered.version == 2
    part = finished.get_task_instance("judge_shadow").xcom_pull(task_ids="judge_shadow", key="decision")
    assert GateDecision.from_json(part) == look.decision


def test_a_person_ends_it_and_training_goes_on(begun: Any) -> None:
    finished = run("shadow", night=LOOK.isoformat(), recall="a sensor was broken all week")
    assert set(states(finished).values()) == {"skipped"}
    last = ledger.history(MODEL)[-1]
    assert (last.event, last.version) == ("refused", 2) and "a sensor was broken" in last.reason
    assert states(run("retrain", as_of="2013-04-03"))["open_run"] == "success"

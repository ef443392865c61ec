"""A person answers whether a version may be served: no answer is lost, none is asked for twice, silence means no."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from benchmarks import approvals, decisions
from include.local.airflow_api import DagRun, Question
from tests.e2e.instance import MODEL, Instance

pytestmark = pytest.mark.e2e
NIGHT = "2013-04-03"


@pytest.fixture
def probe(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> approvals.Probe:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{instance.ports['mlflow']}")
    return approvals.Probe(instance.api)


@pytest.fixture
def always(instance: Instance, released: DagRun) -> Iterator[None]:
    """The model file asks for approval of every release, while the test runs."""
    file = instance.models / f"{MODEL}.yaml"
    shipped = file.read_text()
    assert "approval: automatic" in shipped
    file.write_text(shipped.replace("approval: automatic", "approval: always"))
    yield
    file.write_text(shipped)


def question(instance: Instance) -> Question:
    """The question that the model's newest run asks, once it waits."""
    deadline = time.monotonic() + 120
    while not (found := [asked for asked in instance.api.questions(f"{MODEL}__retrain") if asked.waiting]):
        assert time.monotonic() < deadline, "nobody was asked"
        time.sleep(0.2)
    return found[0]


def states(instance: Instance, run: DagRun) -> dict[str, str]:
    return {task["task_id"]: task["state"] for task in instance.api.tasks(run)}


def test_no_answer_is_lost_however_soon_it_comes(instance: Instance, probe: approvals.Probe) -> None:
    """Before the task waits, the moment it waits, with its process killed in between; and one that nobody answers."""
    silent = probe.put(1, conf=decisions.conf(approvals.SHORT_HOURS))
    conf = decisions.conf(1)
    soon, shown, killed = probe.put(3, conf=conf), probe.put(2, conf=conf), probe.put(1, conf={**conf, "kill": True})
    batch = probe.answer_all(soon | shown | killed, when_shown=shown)
    assert (batch.lost, batch.asked_twice) == ({}, [])
    assert all(batch.tries[run_id] > 1 for run_id in killed), "nobody was killed"
    [left] = probe.wait(silent)
    assert left["approved"] is False and left["asked"] is True
    assert left["answered_by"] == "nobody (no answer within 0.001 hours)"


def test_a_rejection_keeps_the_champion_and_a_change_of_mind_is_asked_for_again(
    instance: Instance, always: None
) -> None:
    instance.run("ingest", start="2013-04-01", end="2013-04-02")
    before = instance.status()["champion_version"]
    training = instance.start("train", MODEL, "--as-of", NIGHT)
    assert training.stdout is not None
    told = next(line for line in training.stdout if "waits for a person" in line)
    assert f"./nightshift approve {MODEL}" in told
    asked = question(instance)
    assert asked.subject == f"Serve version {before + 1} of {MODEL}?"
    assert "Rejected" in instance.command("approve", MODEL, "--reject", "--reason", "wait for the audit")
    told, _ = training.communicate(timeout=120)
    assert training.returncode == 0 and "REJECTED by admin: wait for the audit" in told
    run = instance.api.run(asked.dag_id, asked.run_id)
    found = states(instance, run)
    assert (found["approve_release"], found["promote_model"]) == ("success", "skipped")
    last = json.loads(instance.command("history", MODEL, "--json"))[-1]
    assert (last["event"], last["answered_by"]) == ("refused", "admin") and "wait for the audit" in last["reason"]
    assert instance.status()["champion_version"] == before

    instance.api.clear(run, "approve_release")
    again = question(instance)
    assert again.run_id == run.run_id
    instance.command("approve", MODEL, "--reason", "the audit is done")
    assert instance.api.follow(instance.api.run(run.dag_id, run.run_id), print).state == "success"
    assert instance.status()["champion_version"] == before + 1
    last = json.loads(instance.command("history", MODEL, "--json"))[-1]
    assert (last["event"], last["answered_by"]) == ("promoted", "admin")


def test_nobody_waiting_is_told_in_one_line(instance: Instance, released: DagRun) -> None:
    assert "no version waits for a person" in instance.command("approve", MODEL, "--reason", "go", code=1)

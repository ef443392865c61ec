"""The services as a user starts them, in a folder of their own, driven through Airflow's REST API as a user would."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import httpx
import psutil
import pytest

from include.local.airflow_api import DagRun
from tests.e2e.instance import MODEL, Instance

pytestmark = pytest.mark.e2e


def wait_for_training(instance: Instance, run: DagRun) -> None:
    """Return while a candidate is being trained."""
    deadline = time.monotonic() + 60
    while not any(
        task["task_id"] == "train_candidate" and task["state"] == "running" for task in instance.api.tasks(run)
    ):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def is_mlflow(process: psutil.Process) -> bool:
    """The server and its worker, but not the process that keeps them."""
    with contextlib.suppress(psutil.Error):
        command = " ".join(process.cmdline())
        return "include.local.keep" not in command and ("mlflow server" in command or "mlflow.server" in command)
    return False


def connections(process: psutil.Process) -> list[Any]:
    """Its TCP connections; none where it has ended meanwhile, as workers do."""
    try:
        return process.net_connections("tcp")
    except psutil.NoSuchProcess:
        return []


def test_everything_listens_on_loopback_only(instance: Instance) -> None:
    ports = set()
    for process in instance.processes():
        for connection in connections(process):
            if connection.status == psutil.CONN_LISTEN:
                assert connection.laddr.ip in ("127.0.0.1", "::1"), (process, connection.laddr)
                ports.add(connection.laddr.port)
    assert {instance.ports["airflow"], instance.ports["mlflow"]} <= ports


def test_secrets_are_readable_by_their_owner_alone(instance: Instance) -> None:
    assert (instance.state / "run").stat().st_mode & 0o077 == 0
    assert (instance.state / "run/secrets.json").stat().st_mode & 0o077 == 0


def test_no_dag_fires_for_a_night_that_passed_before_it_was_there(instance: Instance) -> None:
    runs = [run for suffix in ("ingest", "retrain") for run in instance.api.runs(f"{MODEL}__{suffix}")]
    assert [run.run_id for run in runs if run.run_id.startswith("scheduled__")] == []


def test_a_first_version_is_released_and_told(instance: Instance, released: DagRun) -> None:
    found = instance.status()
    assert found["champion_version"] == 1
    assert found["verdict"] == "promoted"
    assert 0.5 < found["holdout"]["roc_auc"] < 0.9
    assert found["days"] == 31 and found["rows_validated"] > 25_000


def test_a_tasks_buttons_lead_to_what_it_made(instance: Instance, released: DagRun) -> None:
    links = instance.api.links(released, "evaluate_gates")
    assert f":{instance.ports['mlflow']}/#/experiments/" in str(links["MLflow"])
    assert str(links["Gate report"]).endswith("gates/report.html")
    trained = [task for task in instance.api.tasks(released) if task["task_id"] == "train_candidate"]
    names = {task["rendered_map_index"] for task in trained}
    assert names == {"logistic_regression", "random_forest", "hist_gradient_boosting"}


def test_a_report_is_for_people_who_are_logged_in(instance: Instance, released: DagRun) -> None:
    ingested = instance.api.runs(f"{MODEL}__ingest")[0]
    address = str(instance.api.links(ingested, "ingest_day")["Report"])
    assert httpx.get(address).status_code == 401
    token = instance.api.token()
    page = httpx.get(address, headers={"Authorization": f"Bearer {token}"})
    assert page.status_code == 200 and "disrupted" in page.text
    assert "sandbox" in page.headers["Content-Security-Policy"]
    outside = f"{address.rsplit('/reports/', 1)[0]}/reports/..%2Frun%2Fsecrets.json"
    assert httpx.get(outside, headers={"Authorization": f"Bearer {token}"}).status_code == 404


def test_scores_wake_the_monitor(instance: Instance, released: DagRun) -> None:
    before = {run.run_id for run in instance.api.runs(f"{MODEL}__monitor")}
    instance.run("score", start="2013-03-29", end="2013-03-31")
    deadline = time.monotonic() + 60
    while not (woken := [run for run in instance.api.runs(f"{MODEL}__monitor") if run.run_id not in before]):
        assert time.monotonic() < deadline, "the asset woke nobody"
        time.sleep(1)
    instance.api.follow(woken[0], print)
    instance.run("monitor", night="2013-04-01")
    found = instance.status()
    assert found["rows_scored"] > 2_000
    assert found["last_night"] == "2013-04-01"
    assert 0.4 < found["live"]["roc_auc"] < 0.95


def test_a_second_version_and_the_way_back(instance: Instance, released: DagRun) -> None:
    instance.command("train", MODEL, "--as-of", "2013-04-01")
    assert instance.status()["champion_version"] == 2
    instance.command("rollback", MODEL, "--reason", "the test wants version 1")
    found = instance.status()
    assert found["champion_version"] == 1 and found["verdict"] == "rolled_back"
    told = json.loads(instance.command("history", MODEL, "--json"))
    assert [event["event"] for event in told] == ["intended", "promoted"] * 2 + ["intended", "rolled_back"]
    assert told[-1]["reason"] == "the test wants version 1" and told[-1]["actor"] == "admin"


def test_a_stop_in_the_middle_of_a_run_is_mended_by_the_next_start(instance: Instance, released: DagRun) -> None:
    instance.run("ingest", start="2013-04-01", end="2013-04-01")  # a version of the same rows was taken back
    run = instance.api.trigger(f"{MODEL}__retrain", {"as_of": "2013-04-02"})
    wait_for_training(instance, run)
    instance.command("down")
    assert instance.processes() == []
    instance.command("up")
    finished = instance.api.follow(run, print)
    assert finished.state == "success"
    assert instance.status()["champion_version"] == 3


def test_mlflow_may_die_while_candidates_train(instance: Instance, released: DagRun) -> None:
    run = instance.api.trigger(f"{MODEL}__retrain", {"as_of": "2013-04-02"})
    wait_for_training(instance, run)
    servers = [found for found in instance.processes() if is_mlflow(found)]
    assert servers
    for server in servers:
        server.kill()
    assert instance.api.follow(run, print).state == "success"
    assert instance.status()["champion_version"] == 4


def test_a_bad_request_is_told_in_one_line(instance: Instance, released: DagRun) -> None:
    assert "flight_delay" in instance.command("train", "flight_dela", code=1)
    assert "nothing to" not in instance.command("rollback", MODEL, "--to", "99", "--reason", "no such one", code=1)

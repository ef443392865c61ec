"""What Airflow itself calls when a task fails and when it does not, and what the night tells before any release."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.models.dagbag import DBDagBag
from airflow.models.deadline import Deadline
from airflow.triggers.callback import CallbackTrigger
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import select

from include.alerts import tell
from include.config import environment
from include.data.sources import flights
from include.monitoring import decisions

MODEL = "flight_delay"


def run(suffix: str, **conf: Any) -> dict[str, str]:
    """Run a DAG to its end and return its tasks' states."""
    dag = DagBag(dag_folder=environment.REPOSITORY / "dags").dags[f"{MODEL}__{suffix}"]
    dag.deadline = None  # this runner fails on one where the run succeeds (apache/airflow issue 73428)
    for task in dag.tasks:
        task.retries = 0
    return {task.task_id: str(task.state) for task in dag.test(run_conf=conf).get_task_instances()}


def told(world: Path) -> list[tuple[str, str]]:
    file = world / "alerts.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    return [(line["key"], line["news"]) for line in lines]


def test_a_failed_task_is_told_once_and_again_when_it_no_longer_fails(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source that breaks: a column is gone, so that the day is refused."""
    key = f"task:{MODEL}__ingest.ingest_day"
    with monkeypatch.context() as patch:
        intact = flights.read
        patch.setattr(flights, "read", lambda start, end: intact(start, end).drop(columns="distance"))
        assert run("ingest", start="2013-03-01") == {"ingest_day": "failed", "refresh_labels": "skipped"}
        assert run("ingest", start="2013-03-01") == {"ingest_day": "failed", "refresh_labels": "skipped"}
    assert told(world) == [(key, "opened")]
    [alarm] = tell.open_alarms(MODEL)
    assert "1 of 1 days refused" in alarm.sentence and "failed after 1 try" in alarm.sentence
    assert f"/dags/{MODEL}__ingest/runs/" in alarm.links["Airflow"]
    assert run("ingest", start="2013-03-01") == {"ingest_day": "success", "refresh_labels": "skipped"}
    assert told(world) == [(key, "opened"), (key, "recovered")] and tell.open_alarms(MODEL) == []


def test_bad_data_is_told_where_there_is_nothing_else_to_look_at(world: Path) -> None:
    """The look is skipped before the first release; what it found of the data is told all the same."""
    before = told(world)
    found = run("monitor", night="2013-03-01")
    assert found == {"detect_drift": "skipped", "request_retrain": "skipped", "send_alerts": "success"}
    assert told(world)[len(before) :] == [("data", "opened")]
    decision = decisions.kept(MODEL, date(2013, 3, 1))
    assert decision is not None and "Day 2013-02-28 has no validated rows" in decision.reasons[0]
    run("monitor", night="2013-03-02")
    assert told(world)[len(before) :] == [("data", "opened"), ("data", "recovered")]


def test_a_run_that_is_late_is_told(world: Path) -> None:
    """The scheduler's part and the triggerer's, by their own functions: a queued run misses its deadline."""
    with create_session() as session:
        manager = DagBundlesManager()
        manager.sync_bundles_to_db(session=session)
        session.commit()
        sync_bag_to_db(DagBag(dag_folder=environment.REPOSITORY / "dags"), "dags-folder", None, session=session)
        dag = DBDagBag().get_latest_version_of_dag(f"{MODEL}__ingest", session=session)
        assert dag is not None
        dag.create_dagrun(
            run_id="asset_triggered__1",
            run_after=datetime.now(UTC),
            run_type=DagRunType.ASSET_TRIGGERED,
            triggered_by=DagRunTriggeredByType.TEST,
            state=DagRunState.QUEUED,
            session=session,
        )
        session.flush()
        [deadline] = session.scalars(select(Deadline))
        hours = (deadline.deadline_time - deadline.dagrun.queued_at).total_seconds() / 3600
        deadline.handle_miss(session)
        given = deadline.callback.data["kwargs"]
        trigger = CallbackTrigger(deadline.callback.data["path"], json.loads(json.dumps(given, default=str)))

    async def fire() -> list[Any]:
        return [event.payload["state"] async for event in trigger.run()]

    before = told(world)
    assert hours == pytest.approx(4) and asyncio.run(fire())[-1] == "success"
    assert told(world)[len(before) :] == [(f"late:{MODEL}__ingest", "opened")]
    assert run("ingest", start="2013-03-01") == {"ingest_day": "success", "refresh_labels": "skipped"}
    assert told(world)[len(before) :][1:] == [(f"late:{MODEL}__ingest", "recovered")]

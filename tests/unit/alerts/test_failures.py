"""Failures, late runs and mended releases as they reach people."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path

import pytest

from include.alerts import failures, tell
from tests.unit.alerts.conftest import SECRET, Hook

MODEL = "flight_delay"
NIGHT = date(2026, 3, 1)
TASK = f"{MODEL}__retrain.train_candidate[1]"
LINKS = {"Airflow": "http://airflow/task"}
RUN = {
    "dag_id": f"{MODEL}__ingest",
    "dag_run_id": "scheduled__2026-03-01T07:00:00+00:00",
    "queued_at": "2026-03-01T07:00:03.5Z",
    "state": "running",
}


def late() -> None:
    asyncio.run(failures.run_late(MODEL, 4, "America/New_York", "http://airflow/", {"dag_run": RUN, "deadline": {}}))


def test_a_failure_is_told_once_until_the_same_task_succeeds(hook: Hook) -> None:
    failures.task_failed(MODEL, TASK, NIGHT, "out of memory", 4, LINKS)
    failures.task_failed(MODEL, TASK, NIGHT, "out of memory again", 4, LINKS)
    [message] = hook.received
    assert "failed after 4 tries: out of memory" in message["title"]
    assert "Airflow: http://airflow/task" in message["message"]
    failures.task_ended(MODEL, f"{MODEL}__retrain.train_candidate[0]", NIGHT, last=True)
    assert [alarm.key for alarm in tell.open_alarms(MODEL)] == [f"task:{TASK}"]
    failures.task_ended(MODEL, TASK, NIGHT, last=False)
    assert hook.titles[1:] == [f"[recovered] flight_delay: task:{TASK} recovered"]


def test_a_refused_day_is_the_alarm_that_the_nights_look_raises_and_ends(hook: Hook) -> None:
    failures.task_failed(MODEL, f"{MODEL}__ingest.ingest_day", NIGHT, "1 of 1 days refused", 1, LINKS, refused=True)
    assert [alarm.key for alarm in tell.open_alarms(MODEL)] == ["data"]


def test_a_late_run_is_told_with_its_address_and_over_when_a_chain_ends(hook: Hook) -> None:
    late()
    late()
    [message] = hook.received
    assert "flight_delay__ingest has not ended 4 hours after it was queued, on 2026-03-01 02:00 EST" in message["title"]
    assert "/dags/flight_delay__ingest/runs/scheduled__2026-03-01T07%3A00%3A00%2B00%3A00" in message["message"]
    failures.task_ended(MODEL, f"{MODEL}__ingest.ingest_day", NIGHT, last=False)
    assert len(hook.received) == 1
    failures.task_ended(MODEL, f"{MODEL}__ingest.ingest_day", NIGHT, last=True)
    assert hook.titles[1:] == ["[recovered] flight_delay: late:flight_delay__ingest recovered"]


def test_what_is_over_already_is_told_in_a_line_once_for_ever(hook: Hook) -> None:
    for _ in range(3):
        failures.note(MODEL, "repaired:run:7", "Closed an interrupted release: version 7 promoted.", NIGHT, LINKS)
    assert hook.titles == ["[info] flight_delay: Closed an interrupted release: version 7 promoted."]
    assert tell.open_alarms(MODEL) == []


def test_a_faulty_model_file_silences_no_failure(
    hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "flight_delay.yaml").write_text("nonsense: true\n")
    monkeypatch.setenv("NIGHTSHIFT_MODELS", str(tmp_path))
    failures.task_failed(MODEL, TASK, NIGHT, "x", 1, LINKS)
    assert len(hook.received) == 1 and "nonsense" in caplog.text


def test_a_task_that_succeeds_where_nothing_is_open_writes_nothing(hook: Hook, state: Path) -> None:
    failures.task_ended(MODEL, TASK, NIGHT, last=True)
    assert hook.received == [] and not (state / "tables").exists()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("NIGHTSHIFT_LOCK_DATABASE", f"postgresql://nightshift:{SECRET}@127.0.0.1:9/mlflow"),
        ("NIGHTSHIFT_TABLES", "/dev/null/x"),
    ],
)
def test_an_outage_of_what_keeps_the_state_is_told_all_the_same(
    hook: Hook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, variable: str, value: str
) -> None:
    """The database of the lock is down, or the tables' storage: the very things that make tasks fail."""
    monkeypatch.setenv(variable, value)
    failures.task_failed(MODEL, TASK, NIGHT, "it does not answer", 4, LINKS)
    assert len(hook.received) == 1 and "it does not answer" in hook.received[0]["title"]
    assert "old without" in caplog.text and SECRET not in caplog.text

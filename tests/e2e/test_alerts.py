"""What Airflow's scheduler, triggerer and workers tell by themselves: a failed task, a late run."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import pytest

from include.errors import PermanentError
from include.local.airflow_api import DagRun
from tests.e2e.instance import MODEL, Instance

pytestmark = pytest.mark.e2e
LATE = f"late:{MODEL}__ingest"


def told(instance: Instance, key: str) -> list[dict[str, object]]:
    file = instance.state / "alerts.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    return [line for line in lines if line["key"] == key]


def until(happened: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.5)


@pytest.fixture
def hurried(instance: Instance) -> Iterator[None]:
    """The model file gives every run a second, while the test runs."""
    file = instance.models / f"{MODEL}.yaml"
    shipped = file.read_text()
    file.write_text(shipped.replace("\nschedule:\n", "\nschedule:\n  deadline_hours: 0.0003\n"))
    yield
    file.write_text(shipped)


def test_a_task_that_fails_for_good_is_told_with_its_address(instance: Instance, released: DagRun) -> None:
    key = f"task:{MODEL}__retrain.open_run"
    with pytest.raises(PermanentError, match="training needs"):
        instance.run("retrain", as_of="2013-09-01")
    until(lambda: told(instance, key), 20)
    [line] = told(instance, key)
    assert line["news"] == "opened" and line["severity"] == "critical"
    assert f":{instance.ports['airflow']}/dags/{MODEL}__retrain/runs/" in line["links"]["Airflow"]  # type: ignore[index]
    assert key in instance.command("alerts")


def test_a_late_run_is_told_once_and_over_with_the_next(instance: Instance, hurried: None) -> None:
    """Runs are started until one is made from the changed file, which is read again within half a minute."""

    def late() -> bool:
        instance.run("ingest", start="2013-03-01", end="2013-03-05")
        return bool(told(instance, LATE))

    until(late, 120)
    first = told(instance, LATE)[0]
    assert first["news"] == "opened"
    assert f"{MODEL}__ingest has not ended 0.0003 hours after it was queued, on " in str(first["sentence"])

    def over() -> bool:
        instance.run("ingest", start="2013-03-01")
        return told(instance, LATE)[-1]["news"] == "recovered"

    until(over, 60)

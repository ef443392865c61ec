"""What `demo` does with the runs of the real DAGs, on days that are none of this machine's."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
import yaml
from airflow.dag_processing.dagbag import DagBag

from include import clock
from include.alerts import tell
from include.config import environment
from include.config.loader import find_model
from include.config.schema import ModelConfig
from include.data import tables
from include.data.windows import history_days
from include.errors import PermanentError
from include.local import demo
from include.local.airflow_api import DagRun
from include.monitoring import decisions
from include.release import ledger
from include.status.model import status
from include.tracking import registry


class InThisProcess:
    """Airflow's own runner of DAGs where `demo` otherwise asks its API. Nothing is scheduled and no asset wakes any."""

    def __init__(self) -> None:
        self.states: dict[str, dict[str, str]] = {}
        self.bag: DagBag | None = None

    def trigger(self, dag_id: str, conf: dict[str, Any] | None = None) -> DagRun:
        self.bag = self.bag or DagBag(dag_folder=environment.REPOSITORY / "dags")
        assert not self.bag.import_errors
        dag = self.bag.dags[dag_id]
        dag.deadline = None  # this runner fails on one where the run succeeds (apache/airflow issue 73428)
        for task in dag.tasks:
            task.retries = 0  # this runner waits out a retry's delay in a busy loop
        finished = dag.test(run_conf=conf or {}, logical_date=None, run_after=clock.now())
        self.states[dag_id] = {task.task_id: str(task.state) for task in finished.get_task_instances()}
        return DagRun(dag_id, finished.run_id, str(finished.state), None)

    def follow(self, run: DagRun, say: demo.Say) -> DagRun:
        if run.state != "success":
            raise PermanentError(f"{run.dag_id} failed: {self.states[run.dag_id]}")
        return run

    def runs(self, dag_id: str, limit: int = 20) -> list[DagRun]:
        return []

    def night(self, config: ModelConfig) -> list[str]:
        """The DAGs that the schedule runs in a night, in its order; those that did not end green."""
        ends = [self.trigger(f"{config.name}__{suffix}") for suffix in ("ingest", "score", "retrain", "monitor")]
        return [run.dag_id for run in ends if run.state != "success"]


def only(world: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> ModelConfig:
    """The one model that there is: this runner reads and stores the DAGs of all before each run."""
    folder = world / f"models_{name}"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.yaml").write_text(text)
    monkeypatch.setenv("NIGHTSHIFT_MODELS", str(folder))
    return find_model(name)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> InThisProcess:
    monkeypatch.setattr(demo, "ASSET_SECONDS", 0)
    return InThisProcess()


@pytest.fixture
def move(monkeypatch: pytest.MonkeyPatch) -> Any:
    def to(day: date, at: time, zone: str = "UTC") -> None:
        moment = datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)
        monkeypatch.setattr(clock, "now", lambda: moment)

    return to


ENDS = date(2016, 8, 28)
EMPTY, REFUSED = date(2016, 8, 10), date(2016, 8, 15)


def sold(day: date) -> pd.DataFrame:
    """Two dozen sales, of which the dear ones come back."""
    price = pd.Series(range(24)) * 7 % 24
    return pd.DataFrame({"sold_on": str(day), "sale": range(24), "price": price, "returned": (price > 11).astype(int)})


@pytest.fixture
def history(world: Path, monkeypatch: pytest.MonkeyPatch) -> ModelConfig:
    """Sales that ended years ago, with a day without rows, one whose prices are lost, and a mistyped date."""
    days = [ENDS - timedelta(days=back) for back in range(45)]
    rows = pd.concat([sold(day) for day in [*days, date(2019, 8, 28)] if day != EMPTY])
    rows["price"] = rows["price"].where(rows["sold_on"] != str(REFUSED), -1)
    rows.to_csv(world / "sales.csv", index=False)
    content = {
        "name": "sales",
        "description": "Chance that a sale comes back.",
        "owner": "shop",
        "task": "binary",
        "data": {
            "source": {"kind": "files", "path": str(world / "sales.csv")},
            "day": "sold_on",
            "key": ["sold_on", "sale"],
            "label": "returned",
            "columns": {"sold_on": "date", "sale": "integer", "price": "number", "returned": "integer"},
        },
        "features": {"numeric": ["price"]},
        "validation": {
            "rules": [{"expect": "ExpectColumnValuesToBeBetween", "args": {"column": "price", "min_value": 0}}]
        },
        "training": {
            "train_days": 20,
            "validation_days": 5,
            "holdout_days": 5,
            "candidates": [{"name": "linear", "estimator": "LogisticRegression"}],
        },
        "release": {"min_holdout_rows": 50},
    }
    return only(world, monkeypatch, "sales", yaml.safe_dump(content))


def test_a_history_with_lost_days_is_gone_on_with_and_wakes_nobody(
    history: ModelConfig, api: InThisProcess, move: Any
) -> None:
    move(date(2026, 11, 30), time(12))
    said: list[str] = []
    assert demo.run_stages(api, history, said.append) == ENDS + timedelta(days=1)
    told = "\n".join(said)
    assert "28 of 30 days of history are there" in told and f"without {EMPTY}, {REFUSED}" in told
    assert "2019-08-28 lie apart" in told and "price" in told
    assert api.states["sales__ingest"]["ingest_day"] == "success"
    assert registry.champion_version("sales") == 1
    assert tables.read("sales", "predictions", ["day"])["day"].max() == ENDS.isoformat()
    assert tell.read("sales") == {}
    loaded = tables.table_version("sales", "validated")
    demo.run_stages(api, history, said.append)
    assert tables.table_version("sales", "validated") == loaded, "what was refused once is not asked for again"


def test_the_nights_after_a_demo_of_the_past_are_quiet_and_say_why(
    history: ModelConfig, api: InThisProcess, move: Any
) -> None:
    before = tables.table_version("sales", "validated")
    for night in (date(2026, 12, 1), date(2026, 12, 2)):
        move(night, time(2))
        assert api.night(history) == []
        assert api.states["sales__ingest"]["ingest_day"] == api.states["sales__retrain"]["open_run"] == "skipped"
        assert api.states["sales__monitor"]["detect_drift"] == "skipped"
    assert tables.table_version("sales", "validated") == before
    [told] = tell.read("sales").values()
    assert (told.severity, told.is_open) == ("warning", False) and str(ENDS) in told.sentence
    assert registry.champion_version("sales") == 1


NEW_YORK = "America/New_York"
WORST = date(2026, 11, 30)
"""A night before which many flights are late: no honest model keeps an absolute bound on the Brier score there."""
DATES = {"leap_day": (date(2028, 2, 29), "UTC"), "clocks_changed": (date(2027, 3, 15), NEW_YORK)}


def named(name: str, text: str) -> str:
    """The flights under another name, so that each date has tables and a registry of its own."""
    return text.replace("name: flight_delay", f"name: {name}")


@pytest.mark.parametrize("name", DATES)
def test_the_demo_ends_with_a_champion_on_days_that_the_calendar_makes_odd(
    world: Path, api: InThisProcess, move: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Over a shorter window, on whose first days clocks change or the 29th falls."""
    day, zone = DATES[name]
    move(day, time(8), zone)
    config = only(world, monkeypatch, name, named(name, (world / "models/flight_delay.yaml").read_text()))
    assert demo.run_stages(api, config, print) == day
    days = tables.read(name, "validated", ["day"])["day"].unique()
    assert len(days) == history_days(config, day).days and max(days) == (day - timedelta(days=1)).isoformat()
    assert registry.champion_version(name) == 1
    assert tables.read(name, "predictions", ["day"])["day"].max() == max(days)
    assert tell.open_alarms(name) == []


@pytest.fixture
def shipped(world: Path, monkeypatch: pytest.MonkeyPatch) -> ModelConfig:
    """What a new user has, as it ships."""
    text = (environment.REPOSITORY / "include/models/flight_delay.yaml").read_text()
    return only(world, monkeypatch, "shipped", named("shipped", text))


def test_the_demo_ends_with_a_champion_on_the_worst_night(shipped: ModelConfig, api: InThisProcess, move: Any) -> None:
    move(WORST, time(20), NEW_YORK)
    assert demo.run_stages(api, shipped, print) == WORST
    assert registry.champion_version("shipped") == 1
    assert {state.kind for state in tell.open_alarms("shipped")} <= {"drift"}


def test_the_night_after_runs_by_itself_and_is_worth_looking_at(
    shipped: ModelConfig, api: InThisProcess, move: Any
) -> None:
    """At five in the morning: the day before is scored, compared and judged, a version is held against the champion."""
    morning = WORST + timedelta(days=1)
    move(morning, time(5), NEW_YORK)
    assert api.night(shipped) == []
    scored = tables.read("shipped", "predictions", ["day", "score"], (WORST, WORST))
    assert len(scored) > 200 and scored["score"].between(0, 1).all()
    [*_, event] = ledger.history("shipped")
    assert event.version == 2 and event.event in ("refused", "promoted") and event.reason
    decision = decisions.kept("shipped", morning)
    assert decision is not None and decision.champion_version == registry.champion_version("shipped")
    found = status(shipped)
    assert found.last_night == morning and found.compared_columns == 20 and 0.5 < found.live["roc_auc"] < 1
    assert found.last_day == WORST and {state.kind for state in tell.open_alarms("shipped")} <= {"drift"}

"""The DAGs are those that the model files ask for, no more and no fewer, wired as the design says."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pendulum
import pytest
import yaml
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk._shared.module_loading import import_string
from airflow.serialization.decoders import decode_timetable
from airflow.serialization.encoders import encode_timetable
from airflow.timetables import trigger
from airflow.timetables.base import TimeRestriction
from nightshift import factory, nights, reference

from include.alerts import failures
from include.config import environment
from include.config import reference as config_reference
from include.config.schema import ModelConfig

ROOT = environment.REPOSITORY
SUFFIXES = ("ingest", "retrain", "score", "monitor", "rollback")
TRIAL = "shadow"
"""One more where the model file asks for evidence from the shadow."""


def expected_dags(folder: Path) -> set[str]:
    """The DAGs that the model files of a folder ask for, read from the files themselves."""
    found = set()
    for path in folder.glob("*.yaml"):
        tried = yaml.safe_load(path.read_text()).get("release", {}).get("evidence") == "shadow"
        found |= {f"{path.stem}__{suffix}" for suffix in (*SUFFIXES, *([TRIAL] if tried else []))}
    return found


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DagBag]:
    """The shipped model, and one like it whose versions go on trial."""
    folder = tmp_path_factory.mktemp("models")
    shipped = (ROOT / "include/models/flight_delay.yaml").read_text()
    (folder / "flight_delay.yaml").write_text(shipped)
    on_trial = shipped.replace("name: flight_delay", "name: tried_delay").replace(
        "release:\n", "release:\n  evidence: shadow\n"
    )
    (folder / "tried_delay.yaml").write_text(on_trial)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHTSHIFT_MODELS", str(folder))
        bag = DagBag(dag_folder=ROOT / "dags")
        assert expected_dags(folder) == set(bag.dag_ids) and bag.import_errors == {}
        yield bag


@pytest.fixture(scope="module")
def bag() -> DagBag:
    return DagBag(dag_folder=ROOT / "dags")


def asset_names(condition: Any) -> set[str]:
    return {asset.name for asset in condition.objects}


def test_the_dags_are_those_of_the_model_files(bag: DagBag) -> None:
    expected = expected_dags(environment.models_dir())
    assert expected, "at least one model ships"
    assert bag.import_errors == {}
    assert set(bag.dag_ids) == expected


def test_a_model_whose_versions_go_on_trial_has_one_dag_more(tried: DagBag) -> None:
    assert "flight_delay__shadow" not in tried.dags
    dag = tried.dags["tried_delay__shadow"]
    order = ["judge_shadow", "approve_release", "promote_model", "verify_champion"]
    assert [task.task_id for task in dag.topological_sort()] == order
    assert dag.get_task("promote_model").upstream_task_ids == {"judge_shadow", "approve_release"}
    assert dag.get_task("judge_shadow").multiple_outputs, "later tasks take its parts"
    assert asset_names(dag.timetable.asset_condition) == {"tried_delay.predictions"}
    assert {asset.name for task in dag.tasks for asset in task.outlets} == {"tried_delay.champion"}
    assert dag.max_active_runs == 1 and "tried_delay" in dag.tags
    assert dag.dagrun_timeout >= timedelta(hours=6 + 20), "a person may still answer"


def test_retrain_is_one_chain_with_candidates_side_by_side(bag: DagBag) -> None:
    dag = bag.dags["flight_delay__retrain"]
    order = [task.task_id for task in dag.topological_sort()]
    assert order == [
        *["open_run", "validate_data", "train_candidate", "select_candidate", "evaluate_holdout"],
        *["register_model", "evaluate_gates", "approve_release", "promote_model", "verify_champion"],
    ]
    assert dag.get_task("train_candidate").is_mapped
    assert dag.get_task("train_candidate").pool == "nightshift_training"
    assert dag.get_task("promote_model").upstream_task_ids >= {"evaluate_gates", "approve_release"}


def test_no_run_is_ended_while_a_person_may_still_answer(bag: DagBag, flight_delay: ModelConfig) -> None:
    dag = bag.dags["flight_delay__retrain"]
    assert dag.dagrun_timeout - timedelta(hours=flight_delay.release.approval_hours) >= timedelta(hours=6)


def test_alerts_are_told_however_the_look_ended_and_hide_no_failure(bag: DagBag) -> None:
    dag = bag.dags["flight_delay__monitor"]
    assert dag.get_task("send_alerts").trigger_rule == "all_done"
    assert dag.get_task("send_alerts").upstream_task_ids == {"detect_drift"}
    # A failed look still fails the run, by a leaf that it stops.
    assert {task.task_id for task in dag.leaves} == {"request_retrain", "send_alerts"}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_failures_and_late_runs_are_told(bag: DagBag, flight_delay: ModelConfig, suffix: str) -> None:
    dag = bag.dags[f"flight_delay__{suffix}"]
    for task in dag.tasks:
        told = task.partial_kwargs if task.is_mapped else vars(task)
        assert told["on_failure_callback"] and told["on_success_callback"] and told["on_skipped_callback"], task
    if suffix == "rollback":
        assert not dag.deadline
        return
    [deadline] = dag.deadline
    assert deadline.interval == timedelta(hours=flight_delay.schedule.deadline_hours) < dag.dagrun_timeout
    assert inspect.iscoroutinefunction(import_string(deadline.callback.path))
    inspect.signature(failures.run_late).bind(**deadline.callback.kwargs, context={})


def test_a_person_who_is_asked_makes_no_run_late(flight_delay: ModelConfig) -> None:
    asking = flight_delay.model_copy(update={"release": flight_delay.release.model_copy(update={"approval": "always"})})
    [deadline] = factory.retrain(asking).deadline
    assert deadline.interval == timedelta(hours=asking.schedule.deadline_hours + asking.release.approval_hours)


def test_rows_and_late_labels_are_read_side_by_side(bag: DagBag) -> None:
    """After one another, the failure of the one would stop the other, or the run would look green."""
    dag = bag.dags["flight_delay__ingest"]
    assert set(dag.task_ids) == {"ingest_day", "refresh_labels"}
    assert all(not task.upstream_task_ids and not task.downstream_task_ids for task in dag.tasks)
    assert dag.get_task("refresh_labels").outlets == []


def test_assets_chain_the_dags(bag: DagBag) -> None:
    produced = {
        asset.name: dag_id
        for dag_id, dag in bag.dags.items()
        if dag_id.startswith("flight_delay__") and dag_id != "flight_delay__rollback"
        for task in dag.tasks
        for asset in task.outlets
    }
    assert produced == {
        "flight_delay.validated": "flight_delay__ingest",
        "flight_delay.champion": "flight_delay__retrain",
        "flight_delay.predictions": "flight_delay__score",
        "flight_delay.drift_report": "flight_delay__monitor",
        "flight_delay.retrain_requested": "flight_delay__monitor",
    }
    consumed = {
        suffix: asset_names(bag.dags[f"flight_delay__{suffix}"].timetable.asset_condition)
        for suffix in ("score", "monitor", "retrain")
    }
    assert consumed == {
        "score": {"flight_delay.validated"},
        "monitor": {"flight_delay.predictions"},
        "retrain": {"flight_delay.retrain_requested"},
    }


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_dag_tells_a_person_what_it_is(bag: DagBag, flight_delay: ModelConfig, suffix: str) -> None:
    dag = bag.dags[f"flight_delay__{suffix}"]
    assert flight_delay.description in dag.doc_md
    assert {"nightshift", "flight_delay", suffix} <= set(dag.tags)
    assert dag.catchup is False and dag.max_active_runs == 1
    for task in dag.tasks:
        assert task.owner == flight_delay.owner
        assert task.retries >= 1 and task.execution_timeout is not None


def test_nightly_schedules_fire_in_the_models_timezone(bag: DagBag, flight_delay: ModelConfig) -> None:
    timetable = bag.dags["flight_delay__ingest"].timetable
    assert timetable.expression == flight_delay.schedule.ingest
    assert str(timetable.timezone) == "America/New_York"
    assert bag.dags["flight_delay__rollback"].timetable.can_be_scheduled is False


@pytest.mark.parametrize("suffix", ["ingest", "retrain", "monitor"])
def test_a_new_model_waits_for_its_first_night(
    bag: DagBag, flight_delay: ModelConfig, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the hour at which its file is written; and a first night's run is not lost to a look at its moment."""
    stored = bag.dags[f"flight_delay__{suffix}"].timetable
    timetable = decode_timetable(encode_timetable(getattr(stored, "timetable", stored)))
    moment = pendulum.parse("2026-12-01T12:00:00+00:00")
    first = timetable._get_next(moment)
    for late, expected in ((timedelta(seconds=5), first), (timedelta(minutes=20), timetable._get_next(first))):
        monkeypatch.setattr(trigger, "utcnow", lambda late=late: first + late)
        found = timetable.next_dagrun_info(
            last_automated_data_interval=None, restriction=TimeRestriction(None, None, catchup=False)
        )
        assert found is not None and found.run_after == expected


def test_the_reference_pages_are_those_of_the_code(flight_delay: ModelConfig) -> None:
    assert (ROOT / "docs/dags.md").read_text() == reference.page([flight_delay]), "run: make docs"
    assert (ROOT / "docs/models.md").read_text() == config_reference.page(), "run: make docs"
    assert (ROOT / "docs/model.schema.json").read_text() == config_reference.json_schema(), "run: make docs"


def run_at(logical: datetime | None, after: datetime) -> Any:
    return {"dag_run": SimpleNamespace(logical_date=logical, run_after=after), "params": {"day": "2013-02-28"}}


def test_a_night_is_the_local_day_on_which_a_run_fires() -> None:
    """At 02:00 in New York on 1 March it is already 07:00 UTC; at 23:00 the UTC day is the next one."""
    fired = datetime(2013, 3, 1, 7, 0, tzinfo=UTC)
    assert nights.night_of(run_at(fired, fired), "America/New_York") == date(2013, 3, 1)
    late = datetime(2013, 3, 2, 4, 0, tzinfo=UTC)
    assert nights.night_of(run_at(None, late), "America/New_York") == date(2013, 3, 1)
    assert nights.night_of(run_at(fired, late), "UTC") == date(2013, 3, 1)


def test_a_faulty_model_file_takes_no_other_models_nights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = (ROOT / "include/models/flight_delay.yaml").read_text()
    (tmp_path / "flight_delay.yaml").write_text(shipped)
    (tmp_path / "broken.yaml").write_text(shipped.replace("train_days: 60", "train_dayz: 60"))
    monkeypatch.setenv("NIGHTSHIFT_MODELS", str(tmp_path))
    bag = DagBag(dag_folder=ROOT / "dags")
    assert set(bag.dag_ids) == {f"flight_delay__{suffix}" for suffix in SUFFIXES}
    [message] = bag.import_errors.values()
    assert "train_dayz" in message and "did you mean 'train_days'" in message

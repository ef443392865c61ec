"""A night of each task and of a snapshot, scored and looked at: real tables, real models, a real MLflow."""

from __future__ import annotations

import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from sklearn import metrics as sk

from include.config.schema import ModelConfig
from include.contracts import DayRange, MonitorResult
from include.data import labels, splits, tables
from include.drift import compare_days
from include.evidence.intervals import metric_interval
from include.monitoring import nights, performance
from include.monitoring.night import monitor_night
from include.scoring.batch import PREDICTIONS, score
from include.tracking import artifacts, registry
from tests.unit.tasks import A_DAY, MEMBERS, NIGHT, days_before, rows_of, write, write_snapshot

Models = dict[str, ModelConfig]
LAST = NIGHT - timedelta(days=1)


def look(config: ModelConfig, night: date = NIGHT) -> MonitorResult:
    score(config, night)
    result = monitor_night(config, night)
    assert result is not None
    return result


def truth_and_scores(config: ModelConfig, days: list[date]) -> tuple[np.ndarray, pd.DataFrame]:
    """Labels as numbers, and the champion's stored rows in the same order, straight from the tables."""
    span = (min(days), max(days))
    rows = tables.read(config.name, PREDICTIONS, None, span, where={"role": "champion"})
    known = tables.read(config.name, "validated", ["day", "row_key", config.data.label], span)
    both = rows.merge(known, on=["day", "row_key"], validate="1:1")
    return labels.numbers(config, both[config.data.label]).to_numpy(), both


def test_three_classes_are_measured_compared_and_drawn(of_tasks: Models, tmp_path: Path) -> None:
    colours = of_tasks["colours"]
    result = look(colours)
    y, rows = truth_and_scores(colours, days_before(NIGHT, 3))
    chances = np.stack(rows["probabilities"])
    own = {"log_loss", "roc_auc_ovr", "accuracy", "f1_macro"}
    assert set(result.performance) == own | {f"challenger_{name}" for name in own}
    assert result.performance["log_loss"] == pytest.approx(sk.log_loss(y, chances, labels=[0, 1, 2]))
    assert result.performance["roc_auc_ovr"] == pytest.approx(
        np.mean([sk.roc_auc_score(y == code, chances[:, code]) for code in range(3)])
    )
    low, high = result.performance_limits["log_loss"]
    assert low < result.performance["log_loss"] < high
    assert "keeps its maximum 1" in result.reasons[0] and "live log_loss" in result.reasons[0]
    assert set(result.shadow) == {"rows", "same_decision"} and result.shadow["rows"] == A_DAY
    assert any("predict the same class on" in reason for reason in result.reasons)
    assert result.prediction_distance is not None and result.prediction_distance < 0.2
    figures = MlflowClient().get_run(result.mlflow_run_id).data.metrics
    assert figures["live_log_loss"] == result.performance["log_loss"] and figures["shadow_same_decision"] <= 1
    page = (tmp_path / "reports" / "colours" / str(NIGHT) / "performance.html").read_text()
    assert "<b>red" not in page and "‹b>red" in page.encode().decode("unicode_escape", "ignore")


def test_a_new_mix_of_predicted_classes_is_an_alarm_of_the_score(of_tasks: Models) -> None:
    colours = of_tasks["colours"]
    rows = rows_of(colours, [LAST])
    write(colours, rows.assign(size=rows["size"] + 3), [LAST])
    result = look(colours)
    assert {"size", "champion_score"} <= {found.column for found in result.alarms}
    [moved] = [found for found in result.alarms if (found.column, found.measure) == ("champion_score", "moved")]
    assert "largest change of a category's share" in moved.sentence


def test_values_are_measured_compared_and_drawn(of_tasks: Models, tmp_path: Path) -> None:
    meters = of_tasks["meters"]
    result = look(meters)
    y, rows = truth_and_scores(meters, days_before(NIGHT, 3))
    assert result.performance["mean_absolute_error"] == pytest.approx(sk.mean_absolute_error(y, rows["score"]))
    assert result.performance["r2"] == pytest.approx(sk.r2_score(y, rows["score"]))
    assert set(result.performance_limits) == {name for name in result.performance if "challenger" not in name}
    assert "mean_pinball_loss" not in result.performance  # it predicts no quantile
    assert set(result.shadow) == {"rows", "rank_correlation", "absolute_difference"}
    assert any("apart on average" in reason for reason in result.reasons)
    assert not [found for found in result.alarms if found.column == "champion_score"]
    page = (tmp_path / "reports" / "meters" / str(NIGHT) / "performance.html").read_text()
    assert "mean_absolute_error" in page and len(page) < 5_000_000
    days = {one.day: one for one in nights.update(meters, NIGHT) if (one.role, one.rows_of) == ("champion", "own")}
    assert set(days[LAST].metrics) == {"mean_absolute_error", "root_mean_squared_error", "mean_squared_error", "r2"}


def test_a_quantile_is_judged_by_its_own_loss(of_tasks: Models) -> None:
    meters = of_tasks["meters"]
    upper = meters.model_copy(update={"training": meters.training.model_copy(update={"quantile": 0.9})})
    result = look(upper)
    y, rows = truth_and_scores(upper, days_before(NIGHT, 3))
    found = result.performance["mean_pinball_loss"]
    assert found == pytest.approx(sk.mean_pinball_loss(y, rows["score"], alpha=0.9))
    low, high = result.performance_limits["mean_pinball_loss"]
    assert low < found < high


def test_harm_by_any_metric_of_the_task_asks_for_retraining(of_tasks: Models) -> None:
    meters = of_tasks["meters"]
    for day in days_before(NIGHT, 3):
        rows = rows_of(meters, [day])
        write(meters, rows.assign(use=rows["use"] + 5), [day])
    result = look(meters)
    assert result.request_retrain and result.performance["mean_absolute_error"] > 3
    assert result.reasons[0].startswith("Retraining asked for: live mean_absolute_error")


@pytest.mark.parametrize("model", ["colours", "meters"])
def test_days_without_labels_are_not_estimated_and_say_so(of_tasks: Models, model: str) -> None:
    config = of_tasks[model]
    slow = config.model_copy(update={"data": config.data.model_copy(update={"label_delay_days": 3})})
    score(slow, NIGHT)
    result = monitor_night(slow, NIGHT)
    assert result is not None and result.estimates == ()
    assert any(f"this model's task is {config.task}" in reason for reason in result.reasons)


def test_a_performance_table_of_before_a_metric_is_read_and_written_on(of_tasks: Models) -> None:
    meters = of_tasks["meters"]
    score(meters, NIGHT)
    first = nights.update(meters, NIGHT)
    old = tables.read("meters", nights.PERFORMANCE).drop(columns=["r2", "absolute_difference"])
    shutil.rmtree(Path(tables.table_uri("meters", nights.PERFORMANCE)))
    columns = {name: kind for name, kind in nights.columns(meters).items() if name in old}
    days = old["day"].map(date.fromisoformat)
    tables.replace_days("meters", nights.PERFORMANCE, old, days, sorted(set(days)), tables.schema_for(columns))
    kept = nights.update(meters, NIGHT)
    assert [one.day for one in kept] == [one.day for one in first] and all("r2" not in one.metrics for one in kept)
    write(meters, rows_of(meters, [LAST], seed=8), [LAST])
    score(meters, NIGHT)
    again = nights.update(meters, NIGHT)
    assert {one.day for one in again if "r2" in one.metrics} == {LAST}


def test_a_snapshot_is_measured_on_its_holdouts_keys_alone(of_tasks: Models) -> None:
    members = of_tasks["members"]
    result = look(members)
    assert result.performance_days == DayRange(start=LAST, end=LAST)
    y, rows = truth_and_scores(members, [LAST])
    held_out = splits.in_part(members, rows, "holdout")
    assert 0.15 * MEMBERS < held_out.sum() == result.performance_rows < 0.25 * MEMBERS
    assert result.performance["roc_auc"] == sk.roc_auc_score(y[held_out], rows["score"][held_out])
    interval = metric_interval("brier_score", y[held_out], rows["score"][held_out], confidence=performance.CONFIDENCE)
    assert result.performance_limits["brier_score"] == pytest.approx((interval.low, interval.high), abs=2e-3)
    [own] = [one for one in result.days if (one.role, one.rows_of) == ("champion", "own")]
    assert (own.rows, own.labelled, own.metrics["roc_auc"]) == (MEMBERS, held_out.sum(), result.performance["roc_auc"])


def test_a_snapshot_that_did_not_change_is_no_alarm_and_its_null_is_drawn_once(of_tasks: Models) -> None:
    members = of_tasks["members"]
    compare_days.keep_null(members, 1)
    run_id = registry.version_info("members", 1).mlflow_run_id
    kept = artifacts.load_text(run_id, "drift_null.json")
    result = look(members)
    assert artifacts.load_text(run_id, "drift_null.json") == kept
    assert json.loads(kept)["draws"] == 1400  # of two numbers, a category, the score and the rows 14 are watched
    assert result.alarms == () and result.columns == 3
    assert 0.35 * MEMBERS < result.rows < 0.45 * MEMBERS
    assert any(reason.startswith("No drift alarm of 5 columns and counts watched") for reason in result.reasons)


def test_harm_on_a_snapshot_asks_for_retraining_where_its_rows_have_changed(of_tasks: Models) -> None:
    members = of_tasks["members"]
    strict = members.monitoring.model_copy(
        update={"retrain_request": members.monitoring.retrain_request.model_copy(update={"min": 0.999})}
    )
    same = members.model_copy(update={"monitoring": strict})
    held = look(same)
    assert (
        not held.request_retrain
        and "live roc_auc" in held.reasons[0]
        and "the last snapshot's holdout" in held.reasons[0]
    )
    assert any("0 rows were labelled since the champion's training, 1 needed" in reason for reason in held.reasons)
    rows = rows_of(members, [LAST])
    write_snapshot(members, LAST, rows.assign(left=np.where(rows["left"] == "yes", "no", "yes")))
    harmed = look(members)
    assert harmed.request_retrain and harmed.performance["roc_auc"] < 0.4


def test_a_version_that_the_registry_lost_does_not_stop_the_look(of_tasks: Models) -> None:
    members = of_tasks["members"]
    score(members, NIGHT)
    MlflowClient().delete_model_version("members", "2")
    assert {one.version for one in nights.update(members, NIGHT)} == {1, 2}


def planted(fault: str, rows: pd.DataFrame) -> pd.DataFrame:
    first = np.arange(len(rows)) % 5 == 0
    return {
        "shift": rows.assign(age=rows["age"] + 0.5),
        "missing": rows.assign(age=rows["age"].where(~first)),
        "new category": rows.assign(depot=rows["depot"].where(~first, "never seen")),
        "fewer rows": rows.iloc[: len(rows) * 6 // 10],
    }[fault]


@pytest.mark.parametrize(
    ("fault", "column"), [("shift", "age"), ("missing", "age"), ("new category", "depot"), ("fewer rows", "rows")]
)
def test_a_change_of_a_snapshot_is_seen_and_named(of_tasks: Models, fault: str, column: str) -> None:
    members = of_tasks["members"]
    write_snapshot(members, LAST, planted(fault, rows_of(members, [LAST])))
    result = look(members)
    assert column in {found.column for found in result.alarms}
    assert {found.over for found in result.alarms} == {"night"}

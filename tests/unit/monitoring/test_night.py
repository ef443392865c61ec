from __future__ import annotations

import json
import logging
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from include.config.schema import ModelConfig
from include.contracts import DayRange
from include.data import tables
from include.drift import compare_days, ordinary_days
from include.errors import NotEnoughData
from include.monitoring.night import monitor_night
from include.scoring.batch import PREDICTION_COLUMNS, PREDICTIONS, score
from include.tracking import artifacts, registry
from tests.unit.served import MODEL, ROWS_A_DAY, rows_of, write

NIGHT = date(2024, 3, 5)


def rewrite(day: date, **columns: object) -> None:
    """Validate a day again with other values in some columns."""
    rows = tables.read(MODEL, "validated", days=(day, day)).drop(columns="day")
    write(rows.assign(**columns), (day,))


def runs() -> list[object]:
    client = MlflowClient()
    experiment = client.get_experiment_by_name(f"{MODEL}/monitoring")
    return list(client.search_runs([experiment.experiment_id])) if experiment else []


def test_before_the_first_release_there_is_nothing_to_watch(
    unreleased: ModelConfig, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        assert monitor_night(unreleased, NIGHT) is None
    assert "no champion yet" in caplog.text and not runs()


def test_a_usual_night_is_compared_measured_kept_and_plotted(served: ModelConfig, tmp_path: Path) -> None:
    score(served, NIGHT)
    result = monitor_night(served, NIGHT)
    assert result is not None
    assert (result.champion_version, result.rows, result.columns) == (1, ROWS_A_DAY, 5)
    assert set(result.distances) == set(served.features.names)
    assert result.alarms == () == result.drifted_columns and result.prediction_distance is not None
    assert result.performance_days == DayRange(start=date(2024, 3, 2), end=date(2024, 3, 4))
    assert result.performance_rows == 3 * ROWS_A_DAY
    assert result.performance["roc_auc"] > 0.7 and result.performance["challenger_roc_auc"] > 0.7
    assert not result.request_retrain and "keeps its minimum 0.6" in result.reasons[0]
    assert any(reason.startswith("No drift alarm of 7 columns and counts") for reason in result.reasons)
    assert any("challenger version 2 on 360 rows that both scored" in reason for reason in result.reasons)
    assert result.reports == {name: f"reports/{name}.html" for name in ("drift", "performance", "policy")}
    folder = tmp_path / "reports" / MODEL / "2024-03-05"
    assert {file.name for file in folder.iterdir()} == {
        "drift.html",
        "drift.json",
        "performance.html",
        "policy.html",
        "result.json",
    }
    run = MlflowClient().get_run(result.mlflow_run_id)
    assert run.data.metrics["live_roc_auc"] == result.performance["roc_auc"]
    low, high = result.performance_limits["roc_auc"]
    assert low < result.performance["roc_auc"] < high
    assert (run.data.metrics["live_roc_auc_low"], run.data.metrics["live_roc_auc_high"]) == (low, high)
    assert run.data.metrics["drifted_columns"] == len(result.drifted_columns) and run.data.metrics["drift_queue"] < 0.3
    stored = {file.path for file in MlflowClient().list_artifacts(run.info.run_id, "reports")}
    assert set(result.reports.values()) <= stored
    assert run.data.metrics["drifted_share"] == run.data.metrics["drifted_columns"] / 5
    assert type(result).from_json(artifacts.load_json(run.info.run_id, "reports/result.json")) == result


def test_the_same_night_again_gives_the_same_and_doubles_nothing(served: ModelConfig) -> None:
    score(served, NIGHT)
    first = monitor_night(served, NIGHT)
    again = monitor_night(served, NIGHT)
    assert again == first and first is not None
    assert len(runs()) == 1
    assert len(MlflowClient().get_metric_history(first.mlflow_run_id, "live_roc_auc")) == 1


@pytest.mark.parametrize("at_release", [True, False])
def test_the_null_is_computed_once_and_kept_with_the_version(
    served: ModelConfig, caplog: pytest.LogCaptureFixture, at_release: bool
) -> None:
    other = served.monitoring.model_copy(update={"min_rows": 90 + at_release})  # the null is for settings of its own
    changed = served.model_copy(update={"monitoring": other})
    with caplog.at_level(logging.INFO):
        if at_release:
            compare_days.keep_null(changed, 1)
        first = monitor_night(changed, NIGHT)
        assert "the null of parcels version 1 was computed from 12 days" in caplog.text
        caplog.clear()
        assert monitor_night(changed, NIGHT) == first
        assert "the null of" not in caplog.text
    kept = json.loads(artifacts.load_text(registry.version_info(MODEL, 1).mlflow_run_id, "drift_null.json"))
    assert len(kept["days"]) == 12 and set(kept["profiles"]) == {*served.features.names, "champion_score"}


def test_what_is_expected_to_move_alarms_nobody(served: ModelConfig) -> None:
    rows = tables.read(MODEL, "validated", ["row_key", "weight"], (date(2024, 3, 4),) * 2)
    rewrite(date(2024, 3, 4), weight=rows["weight"] + 2)
    moving = served.monitoring.model_copy(update={"expected_to_move": ("weight",)})
    result = monitor_night(served.model_copy(update={"monitoring": moving}), NIGHT)
    assert result is not None and result.distances["weight"] > 1.5
    assert "weight" not in {found.column for found in result.alarms}


def test_a_reference_of_few_days_gives_no_verdict_and_says_so(
    served: ModelConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordinary_days, "FEWEST_DAYS", 13)
    other = served.monitoring.model_copy(update={"min_rows": 91})
    result = monitor_night(served.model_copy(update={"monitoring": other}), NIGHT)
    assert result is not None and result.columns == 5 and result.alarms == ()
    assert any(reason.startswith("No verdict on drift: champion version 1") for reason in result.reasons)


def test_slow_change_is_seen_in_the_last_nights_together(served: ModelConfig) -> None:
    for offset in range(7):
        day = date(2024, 3, 4) - timedelta(days=offset)
        rows = tables.read(MODEL, "validated", ["row_key", "weight"], (day, day))
        rewrite(day, weight=rows["weight"] + 0.5)
    result = monitor_night(served, NIGHT)
    assert result is not None
    assert ("weight", "recent") in {(found.column, found.over) for found in result.alarms}


def test_a_column_that_moved_is_named_and_asks_for_nothing_by_itself(served: ModelConfig) -> None:
    score(served, NIGHT)
    rows = tables.read(MODEL, "validated", ["row_key", "weight"], (date(2024, 3, 4),) * 2)
    rewrite(date(2024, 3, 4), weight=rows["weight"] + 2)
    result = monitor_night(served, NIGHT)
    assert result is not None
    assert result.drifted_columns == ("weight",) and result.distances["weight"] > 1.5
    assert any(reason.startswith("weight: distance ") and "tonight" in reason for reason in result.reasons)
    assert not result.request_retrain


def test_a_night_without_a_column_is_compared_on_the_others(served: ModelConfig) -> None:
    """No weather on 31 December: there is no distance, and all of it missing is an alarm."""
    rewrite(date(2024, 3, 4), weight=np.nan)
    result = monitor_night(served, NIGHT)
    assert result is not None
    assert result.columns == 4 and "weight" not in result.distances
    assert [(found.column, found.measure) for found in result.alarms if found.over == "night"] == [
        ("weight", "missing")
    ]
    assert any(reason.startswith("weight is missing in every row of the night's rows") for reason in result.reasons)


def test_harm_on_matured_labels_asks_for_retraining(served: ModelConfig) -> None:
    for day in (date(2024, 3, 2), date(2024, 3, 3), date(2024, 3, 4)):
        late = tables.read(MODEL, "validated", ["late"], (day, day))["late"]
        rewrite(day, late=1 - late)
    score(served, NIGHT)
    result = monitor_night(served, NIGHT)
    assert result is not None
    assert result.request_retrain and result.performance["roc_auc"] < 0.4
    assert result.reasons[0].startswith("Retraining asked for: live roc_auc 0.")


def test_labels_that_have_not_arrived_are_not_looked_at(served: ModelConfig) -> None:
    slow = served.model_copy(update={"data": served.data.model_copy(update={"label_delay_days": 3})})
    score(served, NIGHT, date(2024, 3, 1), date(2024, 3, 4))
    result = monitor_night(slow, NIGHT)
    assert result is not None
    assert result.performance_days == DayRange(start=date(2024, 3, 1), end=date(2024, 3, 2))


def test_only_rows_of_the_champion_of_now_judge_it(served: ModelConfig) -> None:
    score(served, NIGHT)
    registry.set_champion(MODEL, 2, 1)
    result = monitor_night(served, NIGHT)
    assert result is not None
    assert result.champion_version == 2 and result.performance == {} and result.performance_rows == 0
    assert "performance" in result.reports and "drift" in result.reports
    assert {(day.role, day.version) for day in result.days if day.role == "champion"} == {("champion", 1)}
    assert "Insufficient evidence" in result.reasons[0] and not result.request_retrain


def test_few_rows_are_pooled_with_earlier_nights(served: ModelConfig) -> None:
    write(rows_of((date(2024, 3, 4),)).head(60), (date(2024, 3, 4),))
    result = monitor_night(served, NIGHT)
    assert result is not None and result.rows == 60 + ROWS_A_DAY
    assert any("pooled with the days from 2024-03-03 on" in reason for reason in result.reasons)


def test_no_more_than_seven_days_are_pooled(served: ModelConfig) -> None:
    monitoring = served.monitoring.model_copy(update={"min_rows": 7 * ROWS_A_DAY})
    enough = served.model_copy(update={"monitoring": monitoring})
    found = monitor_night(enough, NIGHT)
    assert found is not None and found.rows == 7 * ROWS_A_DAY
    monitoring = served.monitoring.model_copy(update={"min_rows": 7 * ROWS_A_DAY + 1})
    found = monitor_night(served.model_copy(update={"monitoring": monitoring}), NIGHT)
    assert found is not None and found.rows == 0


def test_the_scores_that_were_served_are_what_is_compared(served: ModelConfig) -> None:
    score(served, NIGHT)
    usual = monitor_night(served, NIGHT)
    stored = tables.read(MODEL, PREDICTIONS, days=(date(2024, 3, 4),) * 2, where={"role": "champion"})
    other = stored.assign(score=np.where(stored.index < 20, np.nan, 0.99))
    partition = {"day": "2024-03-04", "role": "champion"}
    tables.replace_partition(MODEL, PREDICTIONS, other, partition, tables.schema_for(PREDICTION_COLUMNS))
    odd = monitor_night(served, NIGHT)
    assert usual is not None and usual.prediction_distance is not None
    assert odd is not None and odd.prediction_distance is not None
    assert odd.prediction_distance > usual.prediction_distance + 0.5
    assert odd.distances == usual.distances


def test_days_that_the_champion_was_trained_on_do_not_flatter_it(served: ModelConfig) -> None:
    night = date(2024, 2, 24)
    score(served, night, date(2024, 2, 19), date(2024, 2, 23))
    result = monitor_night(served, night)
    assert result is not None
    assert result.performance_days == DayRange(start=date(2024, 2, 22), end=date(2024, 2, 23))


@pytest.mark.parametrize(
    ("rows", "needed", "said"), [(0, 100, "day 2024-03-04 has no validated rows"), (120, 5000, "5000 needed")]
)
def test_too_few_rows_are_a_named_answer(served: ModelConfig, rows: int, needed: int, said: str) -> None:
    write(rows_of((date(2024, 3, 4),)).head(rows), (date(2024, 3, 4),))
    monitoring = served.monitoring.model_copy(update={"min_rows": needed})
    result = monitor_night(served.model_copy(update={"monitoring": monitoring}), NIGHT)
    assert result is not None
    assert (result.rows, result.columns, result.distances, result.prediction_distance) == (0, 0, {}, None)
    assert any(reason.startswith("Insufficient rows to compare") and said in reason for reason in result.reasons)
    assert "drift" not in result.reports


def test_the_reference_is_what_the_champion_was_trained_on_whatever_was_written_since(served: ModelConfig) -> None:
    before = monitor_night(served, NIGHT)
    days = pd.date_range("2024-02-06", "2024-02-17").date
    write(rows_of(days).assign(weight=50.0), tuple(days))
    after = monitor_night(served, NIGHT)
    assert before is not None and after is not None and after.distances == before.distances


def test_a_reference_that_is_gone_is_read_from_todays_table_with_a_note(served: ModelConfig) -> None:
    MlflowClient().set_model_version_tag(MODEL, "1", "nightshift.data_version", "999")
    result = monitor_night(served, NIGHT)
    assert result is not None and result.columns == 5
    assert any("Table version 999" in reason and "today's table" in reason for reason in result.reasons)


def test_no_reference_at_all_names_the_days_to_load(served: ModelConfig) -> None:
    MlflowClient().set_model_version_tag(MODEL, "1", "nightshift.window_train", "2019-01-01..2019-01-31")
    with pytest.raises(NotEnoughData, match=r"parcels__ingest start=2019-01-01 end=2019-01-31"):
        monitor_night(served, NIGHT)

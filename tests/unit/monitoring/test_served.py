from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from sklearn.metrics import roc_auc_score

from include.config.schema import ModelConfig
from include.contracts import DayPerformance, MonitorResult
from include.data import tables
from include.monitoring import agreement, estimates, nights
from include.monitoring.night import monitor_night
from include.scoring.batch import PREDICTION_COLUMNS, PREDICTIONS, score
from include.validation import labels
from tests.unit.served import MODEL, ROWS_A_DAY

NIGHT, DAY_AFTER = date(2024, 3, 5), date(2024, 3, 6)
DAYS = [date(2024, 2, 29), *(date(2024, 3, number) for number in (1, 2, 3, 4))]


def slower(config: ModelConfig, delay: int = 5) -> ModelConfig:
    return config.model_copy(update={"data": config.data.model_copy(update={"label_delay_days": delay})})


def correct(config: ModelConfig, monkeypatch: pytest.MonkeyPatch, *days: date, night: date = DAY_AFTER) -> None:
    """The source now says the opposite of what it said of these days, and the night's ingest reads it."""
    known = tables.read(MODEL, "validated", ["day", "sent", "number", "late"])
    known = known[known["day"].isin([day.isoformat() for day in days])]
    monkeypatch.setattr(labels, "read_labels", lambda config, start, end: known.assign(late=1 - known["late"]))
    assert {day.day for day in labels.refresh_labels(config, night).days} == set(days)


def of(days: tuple[DayPerformance, ...], role: str = "champion", rows_of: str = "own") -> dict[date, DayPerformance]:
    return {day.day: day for day in days if (day.role, day.rows_of) == (role, rows_of)}


def look(config: ModelConfig, night: date = NIGHT) -> MonitorResult:
    result = monitor_night(config, night)
    assert result is not None
    return result


def test_each_day_is_measured_for_both_models_on_the_same_rows(served: ModelConfig) -> None:
    score(served, NIGHT)
    stored = tables.read(MODEL, PREDICTIONS, days=(DAYS[-1],) * 2)
    lost = stored["role"].eq("challenger") & stored["row_key"].isin(["2024-03-04|4", sorted(stored["row_key"])[0]])
    theirs = stored[stored["role"] == "challenger"]
    theirs = theirs.assign(score=theirs["score"].where(~lost))
    schema = tables.schema_for(PREDICTION_COLUMNS)
    tables.replace_partition(MODEL, PREDICTIONS, theirs, {"day": "2024-03-04", "role": "challenger"}, schema)
    days = nights.update(served, NIGHT)
    assert list(of(days)) == DAYS and all(day.state == "matured" for day in days)
    missing = int(lost.sum())
    own, beside = of(days)[DAYS[-1]], of(days, "champion", "shared")[DAYS[-1]]
    other = of(days, "challenger", "shared")[DAYS[-1]]
    assert (own.rows, own.labelled, beside.rows, other.rows) == (ROWS_A_DAY, ROWS_A_DAY, *[ROWS_A_DAY - missing] * 2)
    assert of(days, "challenger")[DAYS[-1]].unscored == missing >= 1
    truth = tables.read(MODEL, "validated", ["row_key", "late"], (DAYS[-1],) * 2).set_index("row_key")["late"]
    kept = theirs[theirs["score"].notna()]
    assert other.metrics["roc_auc"] == roc_auc_score(truth[kept["row_key"]], kept["score"])
    assert beside.metrics["roc_auc"] != own.metrics["roc_auc"]


def test_only_days_whose_labels_changed_are_computed_again(
    served: ModelConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    score(served, NIGHT)
    before = of(nights.update(served, NIGHT))
    version = tables.table_version(MODEL, nights.PERFORMANCE)
    assert of(nights.update(served, NIGHT)) == before
    assert tables.table_version(MODEL, nights.PERFORMANCE) == version
    later = NIGHT + timedelta(days=1)
    correct(served, monkeypatch, DAYS[2], night=later)
    after = of(nights.update(served, later))
    assert tables.table_version(MODEL, nights.PERFORMANCE) == (version or 0) + 1
    assert {day: one.night for day, one in after.items()} == {day: later if day == DAYS[2] else NIGHT for day in DAYS}
    assert after[DAYS[2]].metrics["roc_auc"] == pytest.approx(1 - before[DAYS[2]].metrics["roc_auc"])


def test_a_night_says_that_it_waits_for_its_labels_and_is_computed_once_they_count(served: ModelConfig) -> None:
    score(served, NIGHT)
    slow = slower(served, 3)
    result = look(slow)
    states = {day: one.state for day, one in of(result.days).items()}
    assert states == {day: "matured" if day <= date(2024, 3, 2) else "not_matured" for day in DAYS}
    waiting = of(result.days)[DAYS[-1]]
    assert (waiting.metrics, waiting.labelled) == ({}, 0)
    assert of(result.days, "challenger", "shared")[DAYS[-1]].metrics["same_decision"] > 0.5
    assert any("2 scored days (2024-03-03 to 2024-03-04) have not matured" in reason for reason in result.reasons)
    later = of(nights.update(slow, NIGHT + timedelta(days=2)))
    assert later[DAYS[-1]].state == "matured" and later[DAYS[-1]].metrics["roc_auc"] > 0.5
    assert of(nights.update(slow, NIGHT))[DAYS[-1]] == later[DAYS[-1]]  # an earlier night undoes no later one's work


def test_labels_of_the_future_change_nothing_of_a_night(served: ModelConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels that are in the table already, but do not count by the night: turned round, nothing may move."""
    score(served, NIGHT)
    slow = slower(served)
    first = look(slow)
    assert first.estimates and first.performance_rows == ROWS_A_DAY
    for table in ("estimates", "performance"):
        empty = tables.read(MODEL, table).head(0)
        partitions = tables.read(MODEL, table).drop_duplicates("day")
        columns = estimates.COLUMNS if table == "estimates" else nights.columns(served)
        for line in partitions.to_dict("records"):
            partition = {"day": line["day"], **({"version": line["version"]} if table == "estimates" else {})}
            tables.replace_partition(MODEL, table, empty, partition, tables.schema_for(columns))
    correct(slow, monkeypatch, *DAYS[1:])
    again = look(slow)
    # Distances are left out: the versions were trained with labels after one day, and their rates still see them so.
    for part in ("performance", "performance_rows", "days", "shadow", "estimates", "estimate_trust", "request_retrain"):
        assert getattr(again, part) == getattr(first, part), part
    correct(slow, monkeypatch, DAYS[0])
    assert look(slow).performance != first.performance  # and the test would have seen it


def test_agreement_is_reported_without_any_label(served: ModelConfig) -> None:
    score(served, NIGHT)
    result = look(slower(served))
    assert result.shadow["rows"] == ROWS_A_DAY and 0.8 < result.shadow["same_decision"] <= 1
    assert any("challenger version 2 and champion version 1 decide alike" in reason for reason in result.reasons)
    metrics = MlflowClient().get_run(result.mlflow_run_id).data.metrics
    assert metrics["shadow_rank_correlation"] == result.shadow["rank_correlation"] > 0.8


def test_agreement_counts_decisions_and_ranks() -> None:
    pairs = pd.DataFrame({"champion": [0.1, 0.4, 0.6, 0.9], "challenger": [0.2, 0.55, 0.7, 0.8]})
    assert agreement.agree(pairs) == {"rows": 4, "same_decision": 0.75, "rank_correlation": pytest.approx(1)}
    flat = agreement.agree(pairs.assign(challenger=0.3))
    assert flat == {"rows": 4, "same_decision": 0.5}
    assert agreement.agree(pairs.head(0)) == {}


def test_rows_without_a_score_are_named_with_their_reason(served: ModelConfig) -> None:
    score(served, NIGHT)
    day = tables.read(MODEL, PREDICTIONS, days=(DAYS[-1],) * 2, where={"role": "champion"}).sort_values("row_key")
    failed = np.arange(len(day)) < 2
    broken = day.assign(score=day["score"].where(~failed), error=np.where(failed, "ValueError: no such depot", None))
    schema = tables.schema_for(PREDICTION_COLUMNS)
    tables.replace_partition(MODEL, PREDICTIONS, broken, {"day": "2024-03-04", "role": "champion"}, schema)
    result = look(served)
    names = ", ".join(day["row_key"].head(2))
    assert result.unscored == (
        f"champion version 1 could not score 2 of 120 rows of 2024-03-04: ValueError: no such depot (such as {names}).",
    )
    assert result.unscored[0] in result.reasons and of(result.days)[DAYS[-1]].unscored == 2


def test_an_estimate_is_made_once_kept_and_held_against_the_labels_that_come(
    served: ModelConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score(served, NIGHT)
    slow = slower(served)
    result = look(slow)
    made = {one.metric: one for one in result.estimates}
    assert set(made) == {"roc_auc", "average_precision", "log_loss", "brier_score", "accuracy"}
    assert (made["roc_auc"].first, made["roc_auc"].last, made["roc_auc"].rows) == (DAYS[1], DAYS[4], 4 * ROWS_A_DAY)
    assert result.estimate_trust == "unchecked"
    assert any(reason.startswith("Not checked yet: 0 estimates") for reason in result.reasons)
    page = (tmp_path / "reports" / MODEL / str(NIGHT) / "performance.html").read_text()
    assert "No concept change" in page and "not yet" in page and "2024-03-05" in page
    assert look(slow) == result
    later = NIGHT + timedelta(days=4)
    after = look(slow, later)
    metrics = MlflowClient().get_run(after.mlflow_run_id).data.metrics
    scored = tables.read(MODEL, PREDICTIONS, ["row_key", "score"], (DAYS[1], DAYS[4]), where={"role": "champion"})
    known = tables.read(MODEL, "validated", ["row_key", "late"], (DAYS[1], DAYS[4])).set_index("row_key")["late"]
    truth = roc_auc_score(known[scored["row_key"]], scored["score"])
    assert metrics["estimate_error_roc_auc"] == pytest.approx(made["roc_auc"].value - truth)
    assert made["roc_auc"].low <= truth <= made["roc_auc"].high
    met = estimates.estimate_night(slow, _training(), later).met
    assert {one.metric: one.realised for one in met}["roc_auc"] == truth
    correct(slow, monkeypatch, *DAYS[1:], night=later)
    again = estimates.estimate_night(slow, _training(), later).met
    assert {one.metric: one.realised for one in again}["roc_auc"] == pytest.approx(1 - truth)


def test_too_few_days_with_labels_give_no_estimate_and_say_so(served: ModelConfig) -> None:
    score(served, NIGHT)
    result = look(slower(served, 8))
    assert result.estimates == () and result.estimate_trust == ""
    assert any("9 days later than training have labels, 10" in reason for reason in result.reasons)


def test_where_labels_come_with_the_next_night_nothing_is_estimated(served: ModelConfig) -> None:
    score(served, NIGHT)
    assert look(served).estimates == () and tables.table_version(MODEL, estimates.ESTIMATES) is None


def _training() -> object:
    from include.scoring import loader

    return loader.training(MODEL, 1)

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from include.contracts import DayRange
from include.monitoring.performance import matured_days, measure
from include.scoring.served_rows import join_labels
from tests.unit.served import CONFIG


def rows(labels: list[float], scores: list[float | None], day: str = "2024-03-01") -> pd.DataFrame:
    keys = [f"{day}|{index}" for index in range(len(labels))]
    return pd.DataFrame({"day": day, "row_key": keys, "score": np.array(scores, dtype=float), "label": labels})


@pytest.mark.parametrize(("delay", "last"), [(0, date(2024, 3, 4)), (1, date(2024, 3, 4)), (5, date(2024, 2, 29))])
def test_only_nights_whose_labels_have_arrived_are_judged(delay: int, last: date) -> None:
    late = CONFIG.model_copy(update={"data": CONFIG.data.model_copy(update={"label_delay_days": delay})})
    found = matured_days(late, date(2024, 3, 5))
    assert found.end == last and found.days == 3  # monitoring.retrain_request.nights


def test_scores_meet_their_labels_by_row_key_and_unknown_labels_wait() -> None:
    predicted = pd.DataFrame({"day": "2024-03-01", "row_key": ["c", "a", "b", "x"], "score": [0.3, 0.1, None, 0.5]})
    known = pd.DataFrame({"day": "2024-03-01", "row_key": ["a", "b", "c", "d"], "label": [0, 1, np.nan, 1]})
    found = join_labels(predicted, known)
    assert list(found["row_key"]) == ["a", "b"] and list(found["label"]) == [0.0, 1.0]
    assert found["score"].isna().tolist() == [False, True]


def test_a_key_that_comes_again_every_day_meets_the_label_of_its_own_day() -> None:
    twice = pd.DataFrame({"day": ["2024-03-01", "2024-03-02"], "row_key": ["a", "a"], "score": [0.1, 0.9]})
    found = join_labels(twice, twice[["day", "row_key"]].assign(label=[0, 1])[::-1])
    assert list(found["score"]) == [0.1, 0.9] and list(found["label"]) == [0.0, 1.0]


def test_every_metric_is_measured_on_the_rows_that_have_a_score() -> None:
    found = measure(CONFIG, rows([0, 1, 0, 1, 1], [0.2, 0.9, 0.4, 0.3, None]), "champion version 1")
    assert found.rows == 4 and found.days == DayRange(start=date(2024, 3, 1), end=date(2024, 3, 1))
    assert found.metrics["roc_auc"] == roc_auc_score([0, 1, 0, 1], [0.2, 0.9, 0.4, 0.3])
    assert set(found.metrics) == {"roc_auc", "average_precision", "log_loss", "brier_score", "accuracy", "f1"}
    assert found.reasons == ("1 of 5 labelled rows have no score by champion version 1.",)


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_one_class_leaves_out_what_needs_both_with_a_reason(label: float) -> None:
    found = measure(CONFIG, rows([label] * 3, [0.2, 0.9, 0.4]), "champion version 1")
    assert set(found.metrics) == {"log_loss", "brier_score", "accuracy"}
    assert found.metrics["brier_score"] == pytest.approx(np.mean((np.array([0.2, 0.9, 0.4]) - label) ** 2))
    assert f"All 3 labels are {label:g}" in found.reasons[0]


def test_no_labelled_rows_measure_nothing_and_say_so() -> None:
    for empty in (rows([], []), rows([1.0], [None])):
        found = measure(CONFIG, empty, "champion version 1")
        assert (found.metrics, found.rows, found.days) == ({}, 0, None)
        assert "nothing to measure" in found.reasons[-1]

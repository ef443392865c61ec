"""A holdout that is too good to be true: a word that names the feature, and silence where the figure is honest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from include.gates.inputs import HoldoutScores
from include.gates.suspicion import NEAR, tell_alone, warnings
from include.release import report
from tests.unit.gates.test_first_release import config_with, judged, rows_of


def leaking(task: Any, honest: bool = False) -> tuple[Any, HoldoutScores]:
    """Scores that come from a column which is the label under another name, beside one that is noise."""
    config = config_with(task)
    rows = rows_of(config, signal=1.0)
    rng = np.random.default_rng(1)
    noise = rng.normal(size=len(rows.y))
    if task == "regression":
        leak, scores = 3 * rows.y, rows.y + 0.01 * noise
    elif task == "binary":
        leak = np.where(rows.y == 1, "refunded", "open").astype(object)
        scores = np.clip(rows.y, 0.01, 0.99)
    else:
        leak = np.array([["a", "b", "c"][int(code)] for code in rows.y], dtype=object)
        scores = np.full((len(rows.y), 3), 0.01) + 0.97 * np.eye(3)[rows.y.astype(int)]
    features = {"noise": noise, "status": noise if honest else leak}
    return config, replace(rows, challenger=scores, features=features)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_feature_that_tells_the_label_alone_is_named_and_nothing_is_refused(task: str) -> None:
    config, rows = leaking(task)
    decision = judged(config, rows)
    assert decision.verdict == "promote"
    (told,) = decision.warnings
    assert "status (" in told and "noise (" not in told and "known_afterwards" in told
    assert any(line.text == f"LOOK AT THIS: {told}" for line in decision.summary())
    assert "status (" in report.markdown(decision) and "status (" in report.page(decision, config, rows)


def test_where_no_feature_tells_it_alone_the_strongest_are_named() -> None:
    config, rows = leaking("binary", honest=True)
    (told,) = warnings(config, rows)
    assert "No feature tells the label alone" in told and "noise (" in told


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_an_honest_figure_and_scores_that_are_none_get_no_word(task: str) -> None:
    config = config_with(task)
    assert warnings(config, rows_of(config, signal=1.0)) == ()
    assert warnings(config, replace(leaking(task)[1], challenger=None)) == ()


def test_accuracy_is_no_wonder_where_nearly_all_rows_are_of_one_class() -> None:
    config = config_with("multiclass")
    rows = rows_of(config, signal=1.0)
    y = np.where(np.arange(len(rows.y)) % 300 == 0, 1.0, 0.0)
    same = np.tile([0.99, 0.005, 0.005], (len(y), 1))
    shares = {"share_0": 0.99, "share_1": 0.005, "share_2": 0.005}
    assert warnings(config, replace(rows, y=y, challenger=same, baseline=shares)) == ()


def test_gaps_categories_times_and_columns_of_nothing_are_asked_as_well() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 400).astype(float)
    moments = np.where(y == 1, np.datetime64("2026-01-02"), np.datetime64("NaT")).astype("datetime64[ns]")
    features = {
        "empty": np.full(400, np.nan),
        "paid": moments,
        "gap": np.where(y == 1, np.nan, 1.0),
        "word": np.where(y == 1, None, "x").astype(object),
        "flag": y == 1,
        "noise": rng.normal(size=400),
    }
    found = {one.name: one.value for one in tell_alone("binary", y, features)}
    assert found["empty"] == 0.5 and found["noise"] < NEAR
    assert all(found[name] == 1 for name in ("paid", "gap", "word", "flag"))

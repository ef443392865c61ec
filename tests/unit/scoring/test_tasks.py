"""What is kept of a scored row of each task, and of a snapshot, on real tables and with a real registry."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from include.config.schema import ModelConfig
from include.data import splits, tables, windows
from include.scoring import loader, outputs
from include.scoring.batch import PREDICTION_COLUMNS, PREDICTIONS, score
from include.scoring.rows import score_rows
from include.training.fit import predict_scores
from tests.unit.tasks import A_DAY, CLASSES, CONFIGS, MEMBERS, NIGHT, days_before, rows_of, write_snapshot

Models = dict[str, ModelConfig]
LAST = NIGHT - timedelta(days=1)


def stored(model: str, role: str = "champion") -> pd.DataFrame:
    return tables.read(model, PREDICTIONS, where={"role": role}).sort_values(["day", "row_key"], ignore_index=True)


def test_each_tasks_rows_are_kept_with_what_they_predict(of_tasks: Models) -> None:
    for config in of_tasks.values():
        result = score(config, NIGHT)
        assert result.versions == {"champion": 1, "challenger": 2} and result.rows_failed == 0
    colours = stored("colours")
    assert len(colours) == 4 * A_DAY and set(colours["prediction"]) <= set(CLASSES)
    chances = np.stack(colours["probabilities"])
    assert np.allclose(chances.sum(axis=1), 1) and (colours["score"] == chances.max(axis=1)).all()
    assert (colours["prediction"] == np.array(CLASSES)[chances.argmax(axis=1)]).all()
    meters = stored("meters")
    assert meters["prediction"].isna().all() and meters["probabilities"].isna().all() and meters["score"].min() < 0
    members = stored("members")
    assert members["probabilities"].isna().all()
    assert (members["prediction"] == np.where(members["score"] >= 0.5, "yes", "no")).all()


def test_the_newest_snapshot_is_scored_whole_and_on_the_very_day_that_the_champion_was_trained_on(
    of_tasks: Models,
) -> None:
    members = of_tasks["members"]
    trained_on = loader.training("members", 1).train.end
    assert score(members, trained_on + timedelta(days=1)).scored_days == (trained_on,)
    assert set(stored("members")["day"]) == {str(trained_on)} and len(stored("members")) == MEMBERS
    assert score(members, NIGHT).scored_days == (LAST,)  # no older one: nobody is served by it any more
    assert score(members, NIGHT).scored_days == ()
    write_snapshot(members, LAST, rows_of(members, [LAST], seed=4))
    assert score(members, NIGHT).scored_days == (LAST,)


def test_a_row_that_fails_in_a_model_of_classes_has_none_of_the_three(of_tasks: Models) -> None:
    class Picky:
        classes_ = np.arange(3)

        def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
            if (rows["size"] == 7).any():
                raise ValueError("size 7 is not known")
            return np.tile([0.2, 0.5, 0.3], (len(rows), 1))

    colours = of_tasks["colours"]
    rows = rows_of(colours, days_before(NIGHT, 1)).assign(size=lambda frame: np.where(frame.index == 5, 7.0, 0.0))
    scores, errors = score_rows(Picky(), rows, colours)  # type: ignore[arg-type]
    assert scores.shape == (A_DAY, 3) and np.flatnonzero(np.isnan(scores).any(axis=1)).tolist() == [5]
    assert errors[5] == "ValueError: size 7 is not known" and sum(error is not None for error in errors) == 1
    kept = outputs.columns(colours, scores)
    assert kept.drop(columns="classes").loc[5].isna().all() and kept.drop(5)["prediction"].eq("green").all()
    assert (outputs.stacked(colours, kept["probabilities"])[5] != 1).all()  # read back as NaN, and never as numbers
    assert np.array_equal(outputs.stacked(colours, kept["probabilities"]), scores, equal_nan=True)


def test_probabilities_follow_the_classes_of_today() -> None:
    now = outputs.aligned(np.array([[0.2, 0.8], [np.nan, np.nan]]), ("a", "b"), ("b", "new", "a"))
    assert now is not None and np.array_equal(now, [[0.8, 0.0, 0.2], [np.nan] * 3], equal_nan=True)


@pytest.mark.parametrize("model", ["meters", "members"])
def test_a_table_of_before_these_columns_is_scored_on(of_tasks: Models, model: str) -> None:
    """The table as an earlier release wrote it: its rows stay, and what is scored now has the new columns."""
    config = of_tasks[model]
    old = pd.DataFrame({"row_key": ["a"], "version": 1, "score": 0.4, "error": None, "night": LAST, "snapshot": "then"})
    day = date(2024, 2, 20)
    schema = tables.schema_for(PREDICTION_COLUMNS)
    tables.replace_days(model, PREDICTIONS, old, pd.Series([day]), [day], schema, within={"role": "champion"})
    assert "prediction" not in tables.columns_of(model, PREDICTIONS)
    score(config, NIGHT)
    now = stored(model)
    assert now["row_key"].iloc[0] == "a" and pd.isna(now["prediction"].iloc[0]) and len(now) > A_DAY


def test_nothing_of_a_snapshots_holdout_was_fitted_or_chosen_on(of_tasks: Models) -> None:
    """The promise that performance on the holdout's keys rests on: by key, whatever the night."""
    members = CONFIGS["members"]
    first = rows_of(members, [LAST])
    later = pd.concat([rows_of(members, [LAST], seed=9), first.assign(row_key=first["row_key"] + "x")])
    part = {name: set(first.loc[splits.in_part(members, first, name), "row_key"]) for name in ("train", "validation")}
    held_out = set(later.loc[splits.in_part(members, later, "holdout"), "row_key"])
    assert held_out and not held_out & (part["train"] | part["validation"])
    rows = windows.read_rows(members, loader.training("members", 1).train, NIGHT)
    scores = predict_scores(loader.load("members", 1), rows, members)
    assert len(scores) == MEMBERS

"""A fold must never learn from a day that it is judged on, nor from labels that were not known by then."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from include.config.schema import ModelConfig
from include.errors import PermanentError
from include.training.folds import folds_of
from tests.unit.training.tasks import config_of, rows_of


def delayed(days: int) -> ModelConfig:
    config = config_of("binary")
    return config.model_copy(update={"data": config.data.model_copy(update={"label_delay_days": days})})


@pytest.mark.parametrize("delay", [0, 1, 4])
@pytest.mark.parametrize("count", [2, 3])
def test_a_fold_never_learns_from_later_days_nor_from_labels_that_had_not_come(delay: int, count: int) -> None:
    rows = rows_of("binary").sample(frac=1, random_state=1, ignore_index=True)  # the order of rows says nothing
    day = rows["day"]
    folds = folds_of(delayed(delay), rows, count)
    assert len(folds) == count
    for fitted, judged in folds:
        first = day[judged].min()
        assert (day[fitted] + pd.Timedelta(days=max(1, delay)) <= first).all()
        assert set(day[judged]).isdisjoint(day[fitted])
        inside = (day >= first) & (day <= day[judged].max())
        assert sorted(judged) == np.flatnonzero(inside).tolist(), "a day is judged whole"
    ends = [day[judged].max() for _, judged in folds]
    assert ends == sorted(ends) and ends[-1] == day.max()
    lengths = [len(fitted) for fitted, _ in folds]
    assert lengths == sorted(lengths)
    together = np.concatenate([judged for _, judged in folds])
    assert len(np.unique(together)) == len(together), "no row is judged twice"


def test_too_few_days_say_how_many_it_takes() -> None:
    with pytest.raises(PermanentError, match=r"are of 3 days, too few for search.folds 3.*train_days of 4 and more"):
        folds_of(config_of("binary"), rows_of("binary", days=3), 3)


def test_folds_that_cannot_be_measured_are_left_out() -> None:
    rows = rows_of("binary", days=8)
    quiet = rows["day"].isin(sorted(set(rows["day"]))[2:4])
    folds = folds_of(config_of("binary"), rows.assign(late=rows["late"].mask(quiet, 0.0)), 3)
    assert len(folds) == 2
    with pytest.raises(PermanentError, match="none of the 3 folds"):
        folds_of(config_of("binary"), rows.assign(late=(rows["day"] == rows["day"].min()).astype(float)), 3)


def snapshot_of(task: str) -> tuple[ModelConfig, pd.DataFrame]:
    content = config_of(task).model_dump(mode="json")
    del content["data"]["day"], content["data"]["columns"]["day"]
    content["data"]["key"] = ["row"]
    content["features"]["rates"] = []
    content["training"] |= {"train_days": None, "validation_days": None, "holdout_days": None}
    content["release"]["rows"] = "independent"
    rows = rows_of(task).rename(columns={"day": "snapshot_day"}).assign(snapshot_day=pd.Timestamp("2026-01-05"))
    return ModelConfig.model_validate(content), rows


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_snapshots_rows_are_dealt_to_folds_each_judged_once(task: str) -> None:
    config, rows = snapshot_of(task)
    folds = folds_of(config, rows, 4)
    assert sorted(np.concatenate([judged for _, judged in folds])) == list(range(len(rows)))
    label = rows[config.data.label]
    for fitted, judged in folds:
        assert sorted([*fitted, *judged]) == list(range(len(rows)))
        assert task == "regression" or label[judged].value_counts(normalize=True).to_dict() == pytest.approx(
            label.value_counts(normalize=True).to_dict(), abs=0.02
        )
    assert [judged.tolist() for _, judged in folds] == [judged.tolist() for _, judged in folds_of(config, rows, 4)]

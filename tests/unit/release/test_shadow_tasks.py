"""The nights of a trial, read from the tables of models that are not binary."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn import metrics as sk

from include.data import labels, tables
from include.release import shadow
from include.scoring.batch import PREDICTIONS, schema, score
from tests.unit.tasks import A_DAY, AS_OF, CONFIGS, NIGHT, _of_tasks, of_tasks

__all__ = ["_of_tasks", "of_tasks"]
TRIAL = SimpleNamespace(champion=1, version=2, since=AS_OF + timedelta(days=1))


def on_trial(model: str, metric: str):
    config = CONFIGS[model]
    against = {"metric": metric, "alpha": 0.01}
    release = {"evidence": "shadow", "against_champion": against, "shadow": {"min_rows": 50}}
    return type(config).model_validate({**config.model_dump(), "release": release})


def by_hand(config, role: str, day: date):
    """Labels and what the metric is taken of, on one day, straight from the tables."""
    rows = tables.read(config.name, PREDICTIONS, None, (day, day), where={"role": role})
    known = tables.read(config.name, "validated", ["row_key", config.data.label], (day, day))
    both = rows.merge(known, on="row_key", validate="1:1")
    scores = np.stack(both["probabilities"]) if config.task == "multiclass" else both["score"]
    return labels.numbers(config, both[config.data.label]), scores


@pytest.mark.parametrize(
    ("model", "metric", "function"),
    [
        ("colours", "log_loss", lambda y, scores: sk.log_loss(y, scores, labels=[0, 1, 2])),
        ("meters", "mean_absolute_error", sk.mean_absolute_error),
    ],
)
def test_each_matured_night_is_the_difference_of_the_tasks_metric(of_tasks, model, metric, function):
    config = on_trial(model, metric)
    score(config, NIGHT)
    seen = shadow.see(config, TRIAL, NIGHT)
    assert (seen.fault, seen.elapsed, seen.rows, seen.unscored) == ("", 3, 3 * A_DAY, 0)
    assert [night.last for night in seen.nights] == [TRIAL.since + timedelta(days=step) for step in range(3)]
    for night in seen.nights:
        theirs, ours = (function(*by_hand(config, role, night.last)) for role in ("champion", "challenger"))
        assert night.difference == pytest.approx(theirs - ours, abs=1e-12)


def test_rows_that_the_challenger_could_not_score_are_counted_and_not_compared(of_tasks):
    config = on_trial("colours", "log_loss")
    score(config, NIGHT)
    day = NIGHT - timedelta(days=1)
    rows = tables.read("colours", PREDICTIONS, None, (day, day), where={"role": "challenger"})
    lost = np.arange(len(rows)) < 5
    rows = rows.assign(score=rows["score"].where(~lost), probabilities=rows["probabilities"].where(~lost, None))
    tables.replace_partition("colours", PREDICTIONS, rows, {"day": str(day), "role": "challenger"}, schema())
    seen = shadow.see(config, TRIAL, NIGHT)
    assert (seen.unscored, seen.rows) == (5, 3 * A_DAY - 5)

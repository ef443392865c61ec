"""Stored scores under classes that were edited since: of today's classes, or none, and never of another one."""

from __future__ import annotations

import json
import shutil
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from include.config.schema import ModelConfig
from include.contracts import DayRange
from include.data import tables
from include.monitoring import nights, performance
from include.scoring import outputs, served_rows
from include.scoring.batch import PREDICTIONS, score
from tests.unit.tasks import CLASSES, NIGHT, write_snapshot

LAST = NIGHT - timedelta(days=1)
DAYS = DayRange(start=NIGHT - timedelta(days=3), end=LAST)
Models = dict[str, ModelConfig]


def with_classes(config: ModelConfig, *classes: str) -> ModelConfig:
    return ModelConfig.model_validate(config.model_dump(mode="json") | {"data": _data(config, classes)})


def _data(config: ModelConfig, classes: tuple[str, ...]) -> dict[str, object]:
    return config.data.model_dump(mode="json") | {"classes": list(classes)}


def as_before_they_said_it(model: str) -> None:
    """The table as an earlier release wrote it: no row says which classes its scores are of."""
    rows = tables.read_arrow(model, PREDICTIONS)
    assert rows is not None
    frame, schema = rows.to_pandas(), rows.drop_columns(["day", "role", "classes"]).schema
    table = tables.table_uri(model, PREDICTIONS)
    shutil.rmtree(table)
    for role, part in frame.groupby("role"):
        days = part["day"].map(date.fromisoformat)
        tables.replace_days(model, PREDICTIONS, part, days, sorted(set(days)), schema, within={"role": str(role)})
    assert "classes" not in tables.columns_of(model, PREDICTIONS)


@pytest.mark.parametrize("older", [False, True])
def test_swapped_classes_leave_the_figures_as_they_were(of_tasks: Models, older: bool) -> None:
    members = of_tasks["members"]
    swapped = with_classes(members, "yes", "no")
    score(members, NIGHT)
    before = served_rows.read(members, "champion", 1, DAYS)
    if older:
        as_before_they_said_it("members")
    now = served_rows.read(swapped, "champion", 1, DAYS)
    assert len(now) > 100
    np.testing.assert_allclose(now["score"], 1 - before["score"])
    assert (now["label"] == 1 - before["label"]).all()
    was, found = (performance.measure(*given, "").metrics for given in ((members, before), (swapped, now)))
    assert was["roc_auc"] > 0.8
    assert found["roc_auc"] == pytest.approx(was["roc_auc"]) and found["log_loss"] == pytest.approx(was["log_loss"])
    [day] = [one for one in nights.update(swapped, NIGHT) if (one.role, one.rows_of) == ("champion", "own")]
    assert day.metrics["roc_auc"] == pytest.approx(was["roc_auc"])


def test_what_is_scored_after_a_swap_is_of_todays_classes_and_says_so(of_tasks: Models) -> None:
    members = of_tasks["members"]
    swapped = with_classes(members, "yes", "no")
    score(members, NIGHT)
    first = tables.read("members", PREDICTIONS, where={"role": "champion"}).set_index("row_key")
    assert first["classes"].map(json.loads).map(tuple).unique().tolist() == [("no", "yes")]
    write_snapshot(members, LAST)
    score(swapped, NIGHT)
    second = tables.read("members", PREDICTIONS, where={"role": "champion"}).set_index("row_key").loc[first.index]
    assert second["classes"].map(json.loads).map(tuple).unique().tolist() == [("yes", "no")]
    np.testing.assert_allclose(second["score"], 1 - first["score"])
    assert (second["prediction"] == first["prediction"]).all()
    pd.testing.assert_frame_equal(
        served_rows.read(members, "champion", 1, DAYS).drop(columns="score"),
        served_rows.read(swapped, "champion", 1, DAYS).drop(columns="score").assign(label=lambda f: 1 - f["label"]),
    )


@pytest.mark.parametrize("older", [False, True])
def test_probabilities_are_read_in_the_order_of_today(of_tasks: Models, older: bool) -> None:
    colours = of_tasks["colours"]
    turned = with_classes(colours, CLASSES[2], CLASSES[0], CLASSES[1])
    score(colours, NIGHT)
    before = served_rows.read(colours, "champion", 1, DAYS)
    if older:
        as_before_they_said_it("colours")
    now = served_rows.read(turned, "champion", 1, DAYS)
    was, chances = (np.stack(frame["probabilities"]) for frame in (before, now))
    np.testing.assert_array_equal(chances, was[:, [2, 0, 1]])
    figures = [performance.measure(*given, "").metrics["log_loss"] for given in ((colours, before), (turned, now))]
    assert figures[0] == pytest.approx(figures[1]) and figures[0] < 1.2
    # A class that is none any more leaves no score, and no wrong one; one more has had no chance.
    fewer = with_classes(colours, CLASSES[0], CLASSES[1], "violet")
    assert served_rows.read_scores(fewer, "champion", 1, DAYS)["score"].isna().all()
    more = served_rows.read_scores(with_classes(colours, "violet", *CLASSES), "champion", 1, DAYS)
    assert (np.stack(more["probabilities"])[:, 0] == 0).all() and more["score"].notna().all()


def test_other_classes_leave_no_score_and_the_reason(of_tasks: Models) -> None:
    members = of_tasks["members"]
    score(members, NIGHT)
    other = with_classes(members, "stays", "goes")
    assert served_rows.read_scores(other, "champion", 1, DAYS)["score"].isna().all()


def test_two_classes_turn_round_and_others_are_none() -> None:
    scores = np.array([0.25, np.nan])
    for had, wanted, expected in (
        (("a", "b"), ("a", "b"), [0.25, np.nan]),
        (("a", "b"), ("b", "a"), [0.75, np.nan]),
        (("0", "1"), ("no", "yes"), [0.25, np.nan]),
        (("no", "yes"), ("0", "1"), [0.25, np.nan]),
        (("0", "1"), ("1", "0"), [0.75, np.nan]),
    ):
        assert np.array_equal(outputs.aligned(scores, had, wanted), expected, equal_nan=True)  # type: ignore[arg-type]
    assert outputs.aligned(scores, ("a", "b"), ("a", "c")) is None
    assert outputs.aligned(np.array([[0.2, 0.8]]), ("a", "b"), ("a", "c", "d")) is None

"""Versions trained before the model file's columns changed: served, compared and trained again as they were."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from include.config.schema import ModelConfig
from include.contracts import DayRange
from include.data import evolution, tables, windows
from include.release import gather, reproduce
from include.scoring import loader, served_rows
from include.scoring.batch import PREDICTIONS, score
from include.status.model import status
from include.tracking.golden_rows import parse_golden
from include.training import jobs, rerun
from include.training.fit import predict_scores
from tests.unit.served import LAST, MODEL, rows_of

NIGHT = date(2024, 3, 5)
DAYS = DayRange(start=date(2024, 3, 1), end=date(2024, 3, 4))


@pytest.fixture
def edited(served: ModelConfig) -> ModelConfig:
    """A feature renamed, a feature and a key column widened to text, and a column left out."""
    content = served.model_dump(mode="json")
    kinds = {
        ("queue_length" if name == "queue" else name): "string" if name in ("shift", "number") else kind
        for name, kind in content["data"]["columns"].items()
        if name != "hours_late"
    }
    content["data"] |= {"columns": kinds, "known_afterwards": [], "was": {"queue_length": "queue"}}
    content["features"]["numeric"] = ["weight", "queue_length"]
    return ModelConfig.model_validate(content)


def predictions() -> pd.DataFrame:
    rows = tables.read(MODEL, PREDICTIONS, ["day", "row_key", "version", "score", "night", "snapshot"])
    return rows.sort_values(["day", "row_key", "version"], ignore_index=True)


def test_a_version_of_before_goes_on_as_it_was(served: ModelConfig, edited: ModelConfig) -> None:
    score(served, NIGHT)
    before, measured = predictions(), served_rows.read(served, "champion", 1, DAYS)
    assert len(evolution.evolve(edited)) == 3
    # Nothing looks as if it had been validated again; scored again by hand, every score is the same.
    assert score(edited, NIGHT).scored_days == ()
    assert score(edited, NIGHT, DAYS.start, DAYS.end).rows > 0
    pd.testing.assert_frame_equal(predictions(), before)
    pd.testing.assert_frame_equal(served_rows.read(edited, "champion", 1, DAYS), measured)


def test_it_is_compared_with_a_version_of_today_on_the_same_rows(served: ModelConfig, edited: ModelConfig) -> None:
    known = loader.training(MODEL, 1)
    context = jobs.open_run(edited, NIGHT, "run-edited", "http://localhost/run")
    days = context.windows.holdout
    rows = gather.holdout_rows(edited, context)
    theirs, lacks = gather._score_as_served(edited, context, 1, rows)
    assert lacks == ()
    old = windows.read_rows(known.config, days, NIGHT, known.data_version)
    old = old[old["late"].notna()].set_index("row_key")
    now = pd.Series(theirs, index=rows["row_key"])
    assert len(now) > 500 and now.notna().all()
    shared = [key for key in rows["row_key"] if key in old.index]
    was = predict_scores(loader.load(MODEL, 1), old.loc[shared].reset_index(), known.config)
    # Rates look at labels that had arrived by that night, and so differ on its last days alone.
    assert np.mean(np.isclose(now[shared], was)) > 0.8
    # A version of today, trained on the renamed and widened columns.
    assert jobs.train_candidate(context, "good").metrics["validation_roc_auc"] > 0.7


def test_it_is_trained_again_to_the_same_scores(served: ModelConfig, edited: ModelConfig) -> None:
    evolution.evolve(edited)
    request = reproduce._recorded(MODEL, 1).request
    again = rerun.rerun(request)
    assert again.data_hash == loader.registry.version_info(MODEL, 1).tags["data_hash"]
    assert np.array_equal(again.golden_scores, parse_golden(request.golden)[1])


def test_a_feature_that_the_rows_do_not_bring_any_more_is_told_with_the_way_on(served: ModelConfig) -> None:
    content = served.model_dump(mode="json")
    del content["data"]["columns"]["queue"]
    content["features"]["numeric"] = ["weight"]
    left_out = ModelConfig.model_validate(content)
    assert score(served, NIGHT).lacking == ()
    last = date(2024, 3, 4)
    rows = rows_of([last, LAST])
    schema = tables.schema_for(left_out.data.columns, {"row_key": "string"})
    tables.replace_days(MODEL, windows.VALIDATED, rows, rows["sent"], [last, LAST], schema)
    (shown,) = status(left_out).lacking
    assert shown.startswith("champion version 1 of") and f"'queue', which no row of {LAST} has" in shown
    found = score(left_out, NIGHT)
    assert found.scored_days == (last,) and found.rows_failed == 0
    assert [sentence.split(" of ")[0] for sentence in found.lacking] == ["champion version 1", "challenger version 2"]
    assert "'queue', which no row of 2024-03-04 has" in found.lacking[0]
    assert "declare queue in data.columns again" in found.lacking[0] and "./nightshift train" in found.lacking[0]


def test_a_day_on_which_a_feature_is_empty_is_no_source_that_lost_it(served: ModelConfig) -> None:
    """A calm day has no gusts: nobody is told to train without them until a week has had none."""
    schema = tables.schema_for(served.data.columns, {"row_key": "string"})

    def empty(days: list[date]) -> None:
        rows = rows_of(days).assign(queue=np.nan)
        tables.replace_days(MODEL, windows.VALIDATED, rows, rows["sent"], days, schema)

    empty([date(2024, 3, 4), LAST])
    assert status(served).lacking == () and score(served, NIGHT).lacking == ()
    empty([LAST - timedelta(days=back) for back in range(7)])
    (told,) = status(served).lacking
    assert "have the source deliver it again" in told


def test_the_gate_says_what_the_champion_misses_on_the_rows_that_both_are_judged_on(served: ModelConfig) -> None:
    content = served.model_dump(mode="json")
    del content["data"]["columns"]["queue"]
    content["features"]["numeric"] = ["weight"]
    left_out = ModelConfig.model_validate(content)
    context = jobs.open_run(left_out, NIGHT, "run-lacking", "http://localhost/run")
    days = [context.windows.holdout.start + timedelta(days=n) for n in range(context.windows.holdout.days)]
    rows = rows_of(days)
    schema = tables.schema_for(left_out.data.columns, {"row_key": "string"})
    tables.replace_days(MODEL, windows.VALIDATED, rows, rows["sent"], days, schema)
    context = jobs.open_run(left_out, NIGHT, "run-lacking-2", "http://localhost/run")
    holdout = gather.holdout_rows(left_out, context)
    scores, lacks = gather._score_as_served(left_out, context, 1, holdout)
    assert lacks == ("queue",) and np.isfinite(scores).all()

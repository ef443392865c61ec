from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from include.config.schema import ModelConfig
from include.contracts import DayRange
from include.data import windows
from include.errors import NotEnoughData, PermanentError
from include.replay import plan as planned
from include.replay.history import History, Place, chunks, tables_in
from include.replay.plan import Plan
from include.replay.run import Silent, rows_for

NIGHT = date(2024, 2, 7)


@pytest.mark.parametrize("days", [1, 20])
def test_rows_in_memory_are_the_table_s_rows_to_the_last_bit(
    config: ModelConfig, history: History, place: Place, days: int
) -> None:
    """Dtypes too: a column that is whole in some days must not become another type because others miss a value."""
    asked = DayRange(start=date.fromordinal(NIGHT.toordinal() - days), end=NIGHT)
    with tables_in(place.root):
        stored = windows.read_rows(config, asked, NIGHT, place.version)
    pd.testing.assert_frame_equal(history.rows(config, asked, NIGHT), stored, check_exact=True)
    assert stored["late"].isna().any() and stored["depot_rate"].notna().any()


def test_an_altered_history_differs_only_in_what_its_night_must_not_know(config: ModelConfig, history: History) -> None:
    altered = history.altered(config, NIGHT)
    known = DayRange(start=date(2024, 1, 20), end=date(2024, 2, 29))
    pd.testing.assert_frame_equal(altered.rows(config, known, NIGHT), history.rows(config, known, NIGHT))
    later = date(2024, 2, 20)
    now, then = (one.rows(config, known, later) for one in (history, altered))
    assert (now["weight"] != then["weight"]).any() and (now["depot"] != then["depot"]).any()
    day_before = now["sent"] == pd.Timestamp(2024, 2, 6)  # its rows were there on the night, its labels not yet
    assert (now.loc[day_before, "weight"] == then.loc[day_before, "weight"]).all()
    assert (now.loc[day_before, "late"] != then.loc[day_before, "late"]).all()


def test_a_night_is_the_same_night_in_a_longer_stretch(plan: Plan, history: History, place: Place) -> None:
    """Its last night too, whose own day only the longer stretch has read: otherwise each would train it again."""
    short = Plan(plan.config, plan.first, NIGHT)
    assert History.load(plan.config, place, short.days).seen(plan.config, NIGHT) == history.seen(plan.config, NIGHT)
    assert NIGHT in history.there


def test_days_that_nobody_has_are_named_with_the_next_command(config: ModelConfig, live: Path) -> None:
    early = Plan(config, date(2024, 1, 10), date(2024, 1, 20))
    with pytest.raises(NotEnoughData) as error:
        rows_for(early, "live", Silent())
    told = str(error.value)
    assert " lacks 18 of " in told and "days: 2023-12-14, 2023-12-15" in told and "and 8 more" in told
    assert "parcels__ingest start=2023-12-14 end=2023-12-31" in told


def test_the_live_table_is_taken_where_it_has_the_days(plan: Plan, live: Path, place: Place) -> None:
    assert rows_for(plan, "auto", Silent()) == place
    assert not planned.home("parcels").exists()


def test_rows_are_read_from_the_source_through_validation_into_the_replay_s_own_folder(
    flight_delay: ModelConfig, state: Path
) -> None:
    short = flight_delay.training.model_copy(update={"train_days": 3, "validation_days": 1, "holdout_days": 1})
    config = flight_delay.model_copy(
        update={"training": short, "features": flight_delay.features.model_copy(update={"rates": ()})}
    )
    plan = Plan(config, date(2013, 6, 10), date(2013, 6, 11))
    found = rows_for(plan, "auto", Silent())
    assert found.own and Path(found.root).is_relative_to(planned.rows_folder(config))
    history = History.load(config, found, plan.days)
    assert sorted(history.there) == [date(2013, 6, day) for day in range(5, 11)]
    assert not (state / "tables").exists() and not (state / "reports").exists()
    assert rows_for(plan, "auto", Silent()).version == found.version  # a second time nothing is read again


def test_days_are_read_in_runs() -> None:
    days = [date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 5)]
    assert [(run.start.day, run.days) for run in chunks(days)] == [(1, 2), (5, 1)]


def test_a_history_gives_no_other_table(history: History) -> None:
    with pytest.raises(PermanentError, match="parcels/predictions"):
        history.read("parcels", "predictions", ["day"], (NIGHT, NIGHT))

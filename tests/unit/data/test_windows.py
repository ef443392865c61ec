from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from include.config.schema import ModelConfig
from include.contracts import DayRange
from include.data import splits, tables, windows
from include.data.sources import flights
from include.errors import NotEnoughData

START, END = date(2013, 3, 1), date(2013, 3, 12)


def write(config: ModelConfig, frame: pd.DataFrame) -> int:
    schema = tables.schema_for({**config.data.columns, "row_key": "string"})
    frame = frame.assign(row_key=windows.row_keys(config, frame))
    days = sorted(set(frame["flight_date"]))
    return tables.replace_days(config.name, "validated", frame, frame["flight_date"], days, schema)


def test_splits_follow_each_other_in_time_and_end_on_the_last_known_label(flight_delay: ModelConfig) -> None:
    found = windows.training_windows(flight_delay, date(2013, 6, 1))
    assert found.holdout.end == date(2013, 5, 31)
    assert found.train.end + timedelta(days=1) == found.validation.start
    assert found.validation.end + timedelta(days=1) == found.holdout.start
    assert (found.train.days, found.validation.days, found.holdout.days) == (60, 10, 14)


def test_a_longer_label_delay_moves_the_windows_back(flight_delay: ModelConfig) -> None:
    late = flight_delay.model_copy(update={"data": flight_delay.data.model_copy(update={"label_delay_days": 5})})
    assert windows.training_windows(late, date(2013, 6, 1)).holdout.end == date(2013, 5, 27)


def test_nothing_from_the_future_is_seen(flight_delay: ModelConfig, state: Path) -> None:
    """A night's rows are bit-identical whatever is planted in days and labels that lie after it."""
    frame = flights.read(START, END)
    write(flight_delay, frame)
    as_of, days = date(2013, 3, 10), DayRange(start=date(2013, 3, 5), end=END)
    before = windows.read_rows(flight_delay, days, as_of)
    later = frame["flight_date"] >= as_of
    planted = frame.assign(disrupted=np.where(later, 1 - frame["disrupted"], frame["disrupted"]))
    planted.loc[later, "distance"] = 1.0
    write(flight_delay, planted)
    pd.testing.assert_frame_equal(windows.read_rows(flight_delay, days, as_of), before)
    assert before["flight_date"].max() == pd.Timestamp(2013, 3, 9)
    seen_later = windows.read_rows(flight_delay, days, END + timedelta(days=1))
    assert seen_later["disrupted"].sum() > before["disrupted"].sum()


def test_labels_that_have_not_arrived_are_hidden_and_do_not_reach_the_rates(
    flight_delay: ModelConfig, state: Path
) -> None:
    late = flight_delay.model_copy(update={"data": flight_delay.data.model_copy(update={"label_delay_days": 3})})
    frame = flights.read(START, END)
    write(late, frame)
    days = DayRange(start=date(2013, 3, 6), end=date(2013, 3, 9))
    rows = windows.read_rows(late, days, date(2013, 3, 10))
    hidden = rows["disrupted"].isna().groupby(rows["flight_date"]).mean()
    assert hidden.tolist() == [0, 0, 1, 1]
    # The newest day's rate comes from the newest day whose labels were known three days later.
    jfk = frame[(frame["flight_date"] == date(2013, 3, 6)) & (frame["origin"] == "JFK")]["disrupted"].mean()
    newest = rows[(rows["flight_date"] == pd.Timestamp(2013, 3, 9)) & (rows["origin"] == "JFK")]
    assert newest["origin_rate_1d"].unique() == pytest.approx([jfk])


def test_a_version_pins_what_was_written_then(flight_delay: ModelConfig, state: Path) -> None:
    frame = flights.read(START, END)
    version = write(flight_delay, frame)
    days = DayRange(start=START, end=END)
    then = windows.read_rows(flight_delay, days, date(2013, 4, 1), version)
    write(flight_delay, frame.assign(distance=0.0))
    pd.testing.assert_frame_equal(windows.read_rows(flight_delay, days, date(2013, 4, 1), version), then)


def test_days_written_late_and_twice_give_the_same_rows(flight_delay: ModelConfig, state: Path) -> None:
    frame = flights.read(START, END)
    write(flight_delay, frame)
    days = DayRange(start=START, end=END)
    once = windows.read_rows(flight_delay, days, date(2013, 4, 1))
    for day in (date(2013, 3, 9), date(2013, 3, 2), date(2013, 3, 9)):
        write(flight_delay, frame[frame["flight_date"] == day])
    pd.testing.assert_frame_equal(windows.read_rows(flight_delay, days, date(2013, 4, 1)), once)


def test_a_split_without_rows_names_its_days_and_the_command(flight_delay: ModelConfig, state: Path) -> None:
    write(flight_delay, flights.read(START, END))
    rows = windows.read_rows(flight_delay, DayRange(start=START, end=END), date(2013, 4, 1))
    with pytest.raises(NotEnoughData, match=r"split train .*no rows.*flight_delay__ingest with start="):
        splits.split(flight_delay, rows, windows.training_windows(flight_delay, date(2013, 3, 13)))

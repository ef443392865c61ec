from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from include.config.schema import ModelConfig
from include.contracts import DayRange
from include.data import tables, windows
from include.data.sources import flights

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
    late = with_delay(flight_delay, 5)
    assert windows.training_windows(late, date(2013, 6, 1)).holdout.end == date(2013, 5, 27)


def with_delay(config: ModelConfig, days: int) -> ModelConfig:
    return config.model_copy(update={"data": config.data.model_copy(update={"label_delay_days": days})})


@pytest.mark.parametrize("delay", [0, 1, 3])
def test_nothing_from_the_future_is_seen(flight_delay: ModelConfig, state: Path, delay: int) -> None:
    """A night's rows are bit-identical whatever is planted in rows and labels that had not arrived by then."""
    config = with_delay(flight_delay, delay)
    frame = flights.read(START, END)
    as_of, days = date(2013, 3, 10), DayRange(start=date(2013, 3, 5), end=END)
    write(config, frame)
    before = windows.read_rows(config, days, as_of)
    unborn = frame["flight_date"] >= as_of
    unlabelled = frame["flight_date"] >= as_of - timedelta(days=delay - 1)
    planted = frame.assign(disrupted=np.where(unlabelled, 1 - frame["disrupted"], frame["disrupted"]))
    planted.loc[unborn, ["distance", "temp"]] = 1.0
    planted.loc[unborn, "carrier"] = "ZZ"
    write(config, planted)
    pd.testing.assert_frame_equal(windows.read_rows(config, days, as_of), before, check_exact=True)
    assert before["flight_date"].max() == pd.Timestamp(2013, 3, 9)
    # The plant is real: a later night does see it.
    later = windows.read_rows(config, days, END + timedelta(days=10))
    assert (later["carrier"] == "ZZ").any()
    seen = later.set_index("row_key")["disrupted"].reindex(before["row_key"]).to_numpy()
    assert np.array_equal(seen, before["disrupted"].to_numpy()) == (delay <= 1)


def test_labels_that_have_not_arrived_are_hidden_and_do_not_reach_the_rates(
    flight_delay: ModelConfig, state: Path
) -> None:
    late = with_delay(flight_delay, 3)
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
    pd.testing.assert_frame_equal(windows.read_rows(flight_delay, days, date(2013, 4, 1)), once, check_exact=True)


def test_days_written_in_any_order_and_twice_equal_one_load(flight_delay: ModelConfig, state: Path) -> None:
    frame, days = flights.read(START, END), DayRange(start=START, end=END)
    order = [*range(7, 12), *range(7), 3, 11, 0]
    for step in order:
        write(flight_delay, frame[frame["flight_date"] == START + timedelta(days=step)])
    piecewise = windows.read_rows(flight_delay, days, date(2013, 4, 1))
    write(flight_delay, frame)
    pd.testing.assert_frame_equal(windows.read_rows(flight_delay, days, date(2013, 4, 1)), piecewise, check_exact=True)
    assert len(piecewise) == len(frame)


def test_rates_do_not_depend_on_where_the_range_that_is_read_starts(flight_delay: ModelConfig, state: Path) -> None:
    """A night scores one day; training reads sixty: both must see the same features, or they are skewed."""
    start = date(2013, 1, 20)
    write(flight_delay, flights.read(start, END))
    as_of, last = END + timedelta(days=1), DayRange(start=END, end=END)
    alone = windows.read_rows(flight_delay, last, as_of)
    whole = windows.read_rows(flight_delay, DayRange(start=start, end=END), as_of)
    among = whole[whole["flight_date"] == pd.Timestamp(END)].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, among, check_exact=True)
    assert alone["route_rate_28d"].notna().mean() > 0.9


def test_the_lookback_is_the_longest_rate_and_the_delay(flight_delay: ModelConfig) -> None:
    assert windows.lookback_days(flight_delay) == 29
    bare = flight_delay.model_copy(update={"features": flight_delay.features.model_copy(update={"rates": ()})})
    assert windows.lookback_days(bare) == 0


@pytest.mark.parametrize("written", [False, True])
def test_no_rows_read_as_an_empty_frame_with_every_feature(
    flight_delay: ModelConfig, state: Path, written: bool
) -> None:
    if written:
        write(flight_delay, flights.read(START, START))
    rows = windows.read_rows(flight_delay, DayRange(start=END, end=END), END)
    assert rows.empty
    assert set(flight_delay.features.names) <= set(rows.columns)


def test_no_two_keys_share_a_name_and_those_without_a_bar_are_as_ever(flight_delay: ModelConfig) -> None:
    both = flight_delay.model_copy(
        update={
            "data": flight_delay.data.model_copy(
                update={"key": ("one", "two"), "columns": {"one": "string", "two": "string"}}
            )
        }
    )
    parts = ["a", "a|b", "b|c", "c", "a\\", "\\|", "|", "|b", "a\\|b", "", "\\"]
    frame = pd.DataFrame([(one, two) for one in parts for two in parts], columns=["one", "two"])
    keys = windows.row_keys(both, frame)
    assert keys.is_unique
    plain = ~(frame["one"] + frame["two"]).str.contains(r"[|\\]")
    assert keys[plain].tolist() == (frame["one"] + "|" + frame["two"])[plain].tolist()
    alone = both.model_copy(update={"data": both.data.model_copy(update={"key": ("one",)})})
    assert windows.row_keys(alone, frame).tolist() == frame["one"].tolist()
    assert windows.row_keys(both, pd.DataFrame({"one": ["a", None], "two": ["b", "b"]})).isna().tolist() == [
        False,
        True,
    ]


def test_row_keys_name_rows_alike_from_the_source_and_from_the_table(flight_delay: ModelConfig, state: Path) -> None:
    frame = flights.read(START, START)
    keys = windows.row_keys(flight_delay, frame)
    assert keys.is_unique
    assert keys.iloc[0].startswith("2013-03-01|")
    write(flight_delay, frame)
    rows = windows.read_rows(flight_delay, DayRange(start=START, end=START), END)
    assert windows.row_keys(flight_delay, rows).tolist() == rows["row_key"].tolist() == sorted(keys)

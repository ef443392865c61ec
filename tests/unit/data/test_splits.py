from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from include.config.schema import ModelConfig
from include.data import splits, windows
from include.errors import NotEnoughData

AS_OF = date(2013, 6, 1)


@pytest.fixture
def rows(flight_delay: ModelConfig) -> pd.DataFrame:
    """Four rows a day over more than the window; the last of each day has no known label."""
    days = pd.date_range("2013-01-01", "2013-06-30").repeat(4)
    return pd.DataFrame({"flight_date": days, "disrupted": np.tile([0, 1, 0, np.nan], len(days) // 4)})


def test_each_labelled_row_of_the_window_is_in_one_split_by_its_day(
    flight_delay: ModelConfig, rows: pd.DataFrame
) -> None:
    found = windows.training_windows(flight_delay, AS_OF)
    parts = splits.split(flight_delay, rows, found)
    assert {name: len(part) for name, part in parts.items()} == {"train": 180, "validation": 30, "holdout": 42}
    assert parts["train"]["flight_date"].max() < parts["validation"]["flight_date"].min()
    assert parts["validation"]["flight_date"].max() < parts["holdout"]["flight_date"].min()
    assert parts["holdout"]["flight_date"].max() == pd.Timestamp(2013, 5, 31)
    assert parts["train"]["flight_date"].min() == pd.Timestamp(found.train.start)
    assert all(part["disrupted"].notna().all() for part in parts.values())


def test_a_split_without_rows_names_its_days_and_the_command(flight_delay: ModelConfig, rows: pd.DataFrame) -> None:
    found = windows.training_windows(flight_delay, AS_OF)
    early = rows[rows["flight_date"] < pd.Timestamp(found.validation.start)]
    expected = rf"validation \({found.validation.start} to {found.validation.end}\) has no rows; .*flight_delay__ingest"
    with pytest.raises(NotEnoughData, match=expected):
        splits.split(flight_delay, early, found)


def test_a_split_of_one_class_is_named(flight_delay: ModelConfig, rows: pd.DataFrame) -> None:
    found = windows.training_windows(flight_delay, AS_OF)
    calm = rows.assign(disrupted=rows["disrupted"].where(rows["flight_date"] < pd.Timestamp(found.holdout.start), 0.0))
    with pytest.raises(NotEnoughData, match=r"split holdout .* 56 rows, all of one class"):
        splits.split(flight_delay, calm, found)


@pytest.mark.parametrize("share", [0.1, 0.15, 0.2, 0.5])
def test_the_rows_that_would_do_surely_do(share: float) -> None:
    """Which part a key is of is a hash: the chance that a split of so many rows has fewer than 50 is below 1 in 500."""
    from scipy.stats import binom

    needed = splits.rows_for(share)
    assert binom.cdf(splits.LEAST_ROWS - 1, needed, share) < 0.002
    assert needed * share < 2 * splits.LEAST_ROWS, "and not many times as many"

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from include.config.schema import ModelConfig, RateFeature
from include.data.computed_features import add_rates


def random_flights(seed: int, rows: int = 400) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    offset = generator.choice([0, 1, 2, 3, 5, 6, 9, 10, 11], rows)
    return pd.DataFrame(
        {
            "flight_date": pd.Timestamp(2013, 1, 1) + pd.to_timedelta(offset, unit="D"),
            "origin": generator.choice(["EWR", "JFK", "LGA"], rows),
            "dest": generator.choice(["ATL", "BOS", "ORD"], rows),
            "disrupted": generator.choice([0.0, 1.0, np.nan], rows),
        }
    )


def slow_rate(row: pd.Series, history: pd.DataFrame, rate: RateFeature, delay: int) -> float:
    age = (row["flight_date"] - history["flight_date"]).dt.days
    least = max(1, delay)
    inside = history[(age >= least) & (age < least + rate.days)]
    for column in rate.by:
        inside = inside[inside[column] == row[column]]
    return inside["disrupted"].dropna().mean()


@pytest.mark.parametrize("delay", [0, 1, 3])
@pytest.mark.parametrize("by", [(), ("origin",), ("origin", "dest")])
@pytest.mark.parametrize("days", [1, 4])
def test_rates_equal_a_plain_loop(flight_delay: ModelConfig, by: tuple[str, ...], days: int, delay: int) -> None:
    rate = RateFeature(name="rate", by=by, days=days)
    config = flight_delay.model_copy(
        update={
            "features": flight_delay.features.model_copy(update={"rates": (rate,)}),
            "data": flight_delay.data.model_copy(update={"label_delay_days": delay}),
        }
    )
    history, frame = random_flights(1), random_flights(2, 60)
    expected = [slow_rate(row, history, rate, delay) for _, row in frame.iterrows()]
    found = add_rates(frame, history, config)["rate"]
    np.testing.assert_allclose(found, expected)
    assert found.isna().any() and found.notna().any()


def test_a_group_or_history_never_seen_is_missing_not_zero(flight_delay: ModelConfig) -> None:
    history, frame = random_flights(1), random_flights(2, 5).assign(origin="XXX")
    frame["carrier"], history["carrier"] = "AA", "UA"
    assert add_rates(frame, history, flight_delay)["origin_rate_1d"].isna().all()
    assert add_rates(frame, history.iloc[:0], flight_delay)["carrier_rate_7d"].isna().all()


@pytest.mark.parametrize("delay", [0, 1, 3])
def test_a_row_sees_no_label_of_its_own_day_or_later(flight_delay: ModelConfig, delay: int) -> None:
    config = flight_delay.model_copy(update={"data": flight_delay.data.model_copy(update={"label_delay_days": delay})})
    history = random_flights(1).assign(carrier="UA")
    names = [rate.name for rate in config.features.rates]
    day = pd.Timestamp(2013, 1, 7)
    rows = history[history["flight_date"] == day]
    unseen = history["flight_date"] > day - pd.Timedelta(days=max(1, delay))
    planted = history.assign(disrupted=history["disrupted"].where(~unseen, 1 - history["disrupted"]))
    expected = add_rates(rows, history, config)[names]
    pd.testing.assert_frame_equal(add_rates(rows, planted, config)[names], expected, check_exact=True)
    assert expected["carrier_rate_7d"].notna().all()


def test_neither_frame_nor_history_is_changed_and_the_index_stays(flight_delay: ModelConfig) -> None:
    history, frame = random_flights(1).assign(carrier="UA"), random_flights(2, 9).assign(carrier="UA")
    frame.index = pd.Index(range(100, 109))
    before = history.copy(), frame.copy()
    found = add_rates(frame, history, flight_delay)
    pd.testing.assert_frame_equal(history, before[0])
    pd.testing.assert_frame_equal(frame, before[1])
    assert found.index.equals(frame.index)


def test_without_rates_nothing_is_added(flight_delay: ModelConfig) -> None:
    bare = flight_delay.model_copy(update={"features": flight_delay.features.model_copy(update={"rates": ()})})
    frame = random_flights(2, 5)
    assert list(add_rates(frame, frame, bare).columns) == list(frame.columns)

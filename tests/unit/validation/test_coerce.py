from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from include.config.schema import ModelConfig
from include.data import tables
from include.data.values import Unreadable
from include.validation.coerce import coerce, settle

COLUMN = {
    "date": "flight_date",
    "timestamp": "scheduled_departure",
    "string": "carrier",
    "integer": "hour",
    "number": "temp",
}


def one(config: ModelConfig, kind: str, value: Any) -> tuple[Any, bool]:
    """What a value becomes in a column of that type, and whether it is a fault."""
    name = COLUMN[kind]
    made = coerce(pd.DataFrame({name: pd.Series([value], dtype=object)}), config)
    return made.frame[name].iloc[0], name in made.faults


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("date", date(2013, 3, 1), date(2013, 3, 1)),
        ("date", datetime(2013, 3, 1), date(2013, 3, 1)),
        ("date", pd.Timestamp(2013, 3, 1), date(2013, 3, 1)),
        ("date", "2013-03-01", date(2013, 3, 1)),
        ("timestamp", "2013-03-01T05:15", pd.Timestamp(2013, 3, 1, 5, 15)),
        ("date", pd.Timestamp("2013-03-01", tz="UTC"), date(2013, 3, 1)),
        ("date", "2013-03-01 00:00:00", date(2013, 3, 1)),
        ("timestamp", date(2013, 3, 1), pd.Timestamp(2013, 3, 1)),
        # The model's clocks are New York's.
        ("timestamp", datetime(2013, 3, 1, tzinfo=UTC), pd.Timestamp(2013, 2, 28, 19)),
        ("timestamp", "2013-03-01T05:15+00:00", pd.Timestamp(2013, 3, 1, 0, 15)),
        ("string", "UA", "UA"),
        ("string", 9, "9"),
        ("string", 9.0, "9"),
        ("string", 0.1, "0.1"),
        ("string", True, "true"),
        ("string", b"UA", "UA"),
        ("string", UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ("string", time(10, 15), "10:15:00"),
        ("string", timedelta(hours=1), "PT3600S"),
        ("string", Decimal("1E+2"), "100"),
        ("string", {"b": [1, None], "a": "é"}, '{"a":"é","b":[1,null]}'),
        ("string", 2**64, str(2**64)),
        ("string", float(2**60), "1.152921504606847e+18"),
        ("integer", "12", 12),
        ("integer", 12.0, 12),
        ("integer", True, 1),
        ("integer", 2**53 + 1, 2**53 + 1),
        ("integer", str(2**53 + 1), 2**53 + 1),
        ("integer", "100000000000000071.0", 100000000000000071),
        ("integer", Decimal(2**53 + 1), 2**53 + 1),
        ("integer", "+5", 5),
        ("number", timedelta(minutes=1), 60.0),
        ("number", "12.5", 12.5),
        ("number", Decimal("12.5"), 12.5),
        ("number", np.float32(0.5), 0.5),
    ],
)
def test_values_that_keep_their_meaning_are_converted(
    flight_delay: ModelConfig, kind: str, value: Any, expected: Any
) -> None:
    assert one(flight_delay, kind, value) == (expected, False)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("date", datetime(2013, 3, 1, 5)),
        ("date", 20130301),
        ("date", "1 March"),
        ("timestamp", 1362114000),
        ("string", float("inf")),
        ("string", b"\xff"),
        ("string", object()),
        ("string", Unreadable("1,5")),
        ("number", Unreadable("1.5")),
        ("string", "\ud800"),
        ("integer", 1.5),
        ("integer", "twelve"),
        ("integer", 2**63),
        ("integer", "1_000"),
        ("integer", "1e999999999"),
        ("integer", Decimal("1.5")),
        ("number", Decimal("Infinity")),
        ("number", "far"),
        ("number", float("inf")),
        ("number", "nan"),
        ("number", 1 + 2j),
        ("number", [1.0]),
        ("number", pd.Timestamp(2013, 3, 1)),
    ],
)
def test_values_of_another_type_are_faults_and_missing(flight_delay: ModelConfig, kind: str, value: Any) -> None:
    made, fault = one(flight_delay, kind, value)
    assert fault
    assert pd.isna(made)


@pytest.mark.parametrize("kind", list(COLUMN))
@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT])
def test_a_missing_value_is_no_fault(flight_delay: ModelConfig, kind: str, missing: Any) -> None:
    made, fault = one(flight_delay, kind, missing)
    assert pd.isna(made)
    assert not fault


@pytest.mark.parametrize(("word", "expected"), [("true", True), ("0", False), (1, True), (0.0, False), ("yes", None)])
def test_booleans(flight_delay: ModelConfig, word: Any, expected: bool | None) -> None:
    columns = {**flight_delay.data.columns, "holiday": "boolean"}
    content = flight_delay.model_dump() | {"data": {**flight_delay.data.model_dump(), "columns": columns}}
    made = coerce(pd.DataFrame({"holiday": [word]}), ModelConfig.model_validate(content))
    assert made.frame["holiday"].tolist() == [expected if expected is not None else pd.NA]
    assert ("holiday" in made.faults) == (expected is None)


def test_infinity_in_a_float_column_is_a_fault(flight_delay: ModelConfig) -> None:
    made = coerce(pd.DataFrame({"temp": [1.0, np.inf, -np.inf, np.nan]}), flight_delay)
    assert made.faults["temp"].tolist() == [False, True, True, False]
    assert made.frame["temp"].isna().tolist() == [False, True, True, True]


def test_a_source_frame_stays_as_it_was(flight_delay: ModelConfig, day: pd.DataFrame) -> None:
    before = day.copy(deep=True)
    coerce(day, flight_delay)
    pd.testing.assert_frame_equal(day, before)


def test_integers_that_are_missing_survive_the_table(flight_delay: ModelConfig, day: pd.DataFrame, state: Any) -> None:
    day["hour"] = day["hour"].astype("float64").where(day.index != 3)
    typed = settle(coerce(day, flight_delay).frame)
    assert str(typed["hour"].dtype) == "Int64"
    assert str(typed["flight"].dtype) == "int64"
    schema = tables.schema_for(flight_delay.data.columns)
    tables.replace_partition("m", "t", typed, {"day": "2013-03-01"}, schema)
    read = tables.read("m", "t", ["hour"])["hour"]
    assert read.isna().sum() == 1
    assert sorted(read.dropna()) == sorted(day["hour"].dropna())

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from include.data.columns import from_arrow
from include.data.values import Unreadable, convert, digits_lost, infer_type, infinities

BIG = 10**17 + 71
ARROW: dict[str, tuple[pa.Array, str | None, Any]] = {
    "decimal without fraction": (pa.array([Decimal(BIG), None], pa.decimal128(18, 0)), "integer", BIG),
    "decimal beyond int64": (pa.array([Decimal(10**30), None], pa.decimal128(38, 0)), "string", str(10**30)),
    "decimal": (pa.array([Decimal("1.50"), None], pa.decimal128(10, 2)), "number", 1.5),
    "uint64": (pa.array([2**64 - 1, None], pa.uint64()), "string", str(2**64 - 1)),
    "small uint64": (pa.array([BIG, None], pa.uint64()), "integer", BIG),
    "dictionary of integers": (pa.array([BIG, None]).dictionary_encode(), "integer", BIG),
    "whole floats with gaps": (pa.array([7.0, None]), "integer", 7),
    "nanoseconds": (pa.array([1_710_000_000_123_456_789, None], pa.timestamp("ns")), "timestamp", None),
    "days beyond the calendar": (pa.array([10**7, 0], pa.date32()), "string", None),
    "no text": (pa.array([b"\xff", None]), None, None),
    "map": (pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())), "string", '[["a",1]]'),
    "null": (pa.array([None, None]), "string", None),
}


@pytest.mark.parametrize("name", list(ARROW))
def test_a_type_of_arrow_keeps_its_values_also_as_a_dtype_of_pandas(name: str) -> None:
    values, kind, stored = ARROW[name]
    for column in (from_arrow(pa.chunked_array([values])), pd.Series(pd.arrays.ArrowExtensionArray(values))):
        assert infer_type(column) == kind
        if stored is not None and kind is not None:
            made, faulty = convert(column, kind)  # type: ignore[arg-type]
            assert made.iloc[0] == stored and not faulty.any()


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pd.Series([1, None, 2], dtype="Int64").astype("category"), "integer"),
        (pd.Series(pd.to_datetime(["2024-01-01T10:00Z", None])).astype("category"), "timestamp"),
        (pd.Series([float("nan"), "x", None], dtype=object), "string"),
        (pd.Series([True, None], dtype=object), "boolean"),
        (pd.Series([True, 1], dtype=object), "string"),
        (pd.Series([np.int64(3), 2**53 + 1, None], dtype=object), "integer"),
        (pd.Series([2**63, 1], dtype=object), "string"),
        (pd.Series([date(2024, 1, 1), datetime(2024, 1, 1, 5, tzinfo=UTC)], dtype=object), "timestamp"),
        (pd.Series([Decimal("15.00"), None], dtype=object), "number"),
        (pd.Series(["2024-01-01", "2024-01-02"]), "date"),
        (pd.Series(["12", "13"]), "string"),
        (pd.Series([1 + 2j]), None),
        (pd.Series([None, None], dtype=object), "string"),
        (pd.Series([Unreadable("1.5"), "2"], dtype=object), "string"),
    ],
)
def test_a_drafted_type_is_one_that_holds_every_value(values: pd.Series, kind: Any) -> None:
    assert infer_type(values) == kind


def test_an_infinity_is_no_number_and_no_reason_to_take_text() -> None:
    for values in (pd.Series([1.5, np.inf, np.nan]), pd.Series(["1.5", "-Infinity", None], dtype=object)):
        assert infer_type(values, untyped=True) == "number"
        assert infinities(values).tolist() == [False, True, False]
        assert convert(values, "number")[1].tolist() == [False, True, False]


def test_a_blank_is_no_value_but_of_text() -> None:
    blank = pd.Series(["", "  ", "1"])
    assert convert(blank, "integer")[1].tolist() == [False] * 3 and convert(blank, "string")[0].tolist() == [
        "",
        "  ",
        "1",
    ]


def test_digits_that_a_type_does_not_keep_are_shown() -> None:
    long = Decimal("1.23456789012345678901")
    assert digits_lost(pd.Series([Decimal("1.5"), long], dtype=object), "number") == str(long)
    assert digits_lost(pd.Series([Decimal("1.5")], dtype=object), "number") is None
    fine = pd.Series(pd.to_datetime([1_710_000_000_123_456_789]))
    assert digits_lost(fine, "timestamp") == "2024-03-09 16:00:00.123456789"


def test_a_negative_zero_stays_one() -> None:
    assert np.signbit(convert(pd.Series(["-0.0"]), "number")[0].iloc[0])


def test_columns_of_text_are_converted_at_once() -> None:
    """A hundred thousand numbers, whole and not, and stamps take CPU seconds that a loop over them would not."""
    numbers = pd.Series(np.arange(100_000) / 7).astype(str)
    started = time.process_time()
    assert not convert(numbers, "number")[1].any()
    assert not convert(pd.Series(np.arange(100_000)).astype(str), "integer")[1].any()
    assert time.process_time() - started < 0.5

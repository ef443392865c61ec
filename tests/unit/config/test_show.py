from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from include.config.show import show
from tests.unit.messages import machine_words

DAY = datetime.date(2026, 3, 1)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float64(1.0), "1.0"),
        (np.int8(3), "3"),
        (np.bool_(True), "true"),
        (np.str_("red"), "'red'"),
        ("a\nb", r"'a\nb'"),
        (b"\xff", r"b'\xff'"),
        (pd.Timestamp("2026-03-01 10:00"), "2026-03-01 10:00:00"),
        (np.datetime64("2026-03-01"), "2026-03-01"),
        (DAY, "2026-03-01"),
        (Decimal("1.50"), "1.50"),
        ([np.float64(1), DAY], "[1.0, 2026-03-01]"),
        ({"day": DAY}, "{'day': 2026-03-01}"),
        (list(range(9)), "[0, 1, 2, 3, 4, …]"),
        (2**63, "9223372036854775808"),
        ("x" * 99, "'" + "x" * 38 + "…"),
        *((missing, "missing") for missing in (None, float("nan"), np.nan, pd.NaT, pd.NA, np.datetime64("NaT"))),
    ],
)
def test_a_value_is_shown_as_a_person_writes_it(value: Any, text: str) -> None:
    assert show(value) == text


def test_the_rule_finds_what_it_is_for() -> None:
    values = (np.float64(1), np.str_("a"), pd.Timestamp(0), DAY, Decimal(1), pd.NaT, pd.NA, object(), np.zeros(2).dtype)
    assert len(machine_words([repr(value) for value in values])) == len(values)
    assert machine_words([show(value) for value in values[:-2]]) == []

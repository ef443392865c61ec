"""Real days of flights, and the shipped model with other rules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pandas as pd
import pytest

from include.config.schema import ModelConfig
from include.data.sources import flights

DAY = date(2013, 3, 1)
NEXT = date(2013, 3, 2)


@pytest.fixture(scope="session")
def _two_days() -> pd.DataFrame:
    read = flights.read(DAY, NEXT)
    # pandas gives weekdays as int32; every integer column is validated as int64.
    return read.assign(day_of_week=read["day_of_week"].astype("int64"))


@pytest.fixture
def two_days(_two_days: pd.DataFrame) -> pd.DataFrame:
    """The flights of 1 and 2 March 2013: 958 and 765 clean rows."""
    return _two_days.copy()


@pytest.fixture
def day(two_days: pd.DataFrame) -> pd.DataFrame:
    """The 958 flights of 1 March 2013."""
    return two_days[two_days["flight_date"] == DAY].reset_index(drop=True)


@pytest.fixture
def with_rules(flight_delay: ModelConfig) -> Callable[..., ModelConfig]:
    """The shipped model with these rules, each (expectation, arguments, on_failure)."""

    def make(*rules: tuple[str, dict[str, Any], str], share: float = 0.05) -> ModelConfig:
        content = flight_delay.model_dump()
        content["validation"] = {
            "max_quarantined_share": share,
            "rules": [{"expect": expect, "args": args, "on_failure": severity} for expect, args, severity in rules],
        }
        return ModelConfig.model_validate(content)

    return make

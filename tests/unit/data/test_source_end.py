"""A record of the past is told from a source that stops while nights run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from include.config.schema import ModelConfig
from include.contracts import DayOutcome
from include.data import outcomes, tables
from include.data.source_end import SILENT_DAYS, sentence, source_end
from include.data.windows import VALIDATED

ENDS, TONIGHT = date(2016, 8, 28), date(2026, 12, 1)


@pytest.fixture
def config(sales: Callable[..., ModelConfig], state: Path) -> ModelConfig:
    return sales({"kind": "files", "path": "sales.csv"}, day="sold_on")


def asked(config: ModelConfig, *days: date, rows: int = 0) -> None:
    """As `ingest` leaves the tables behind, with so many rows of each day."""
    outcomes.keep(
        config.name,
        [DayOutcome(day=day, rows=rows, validated=rows, quarantined=0, refused=not rows) for day in days],
    )
    if rows:
        schema = tables.schema_for({"row_key": "string"})
        keys = pd.DataFrame({"row_key": [str(day) for day in days]})
        tables.replace_days(config.name, VALIDATED, keys, pd.Series(days, dtype=object), list(days), schema)


def in_a_row(first: date, nights: int) -> Sequence[date]:
    return [first + timedelta(days=step) for step in range(nights)]


def test_a_record_of_the_past_ended_and_stays_ended_night_after_night(config: ModelConfig) -> None:
    asked(config, *in_a_row(ENDS - timedelta(days=29), 30), rows=1)
    assert source_end(config, TONIGHT) == ENDS
    asked(config, *in_a_row(TONIGHT - timedelta(days=1), 10))
    assert source_end(config, TONIGHT + timedelta(days=10)) == ENDS
    assert "--as-of 2016-08-29" in sentence(config, ENDS)


def test_it_is_alive_once_it_goes_on(config: ModelConfig) -> None:
    asked(config, ENDS, rows=1)
    asked(config, *in_a_row(TONIGHT - timedelta(days=1), 3))
    asked(config, TONIGHT + timedelta(days=2), rows=1)
    assert source_end(config, TONIGHT + timedelta(days=3)) is None
    assert source_end(config, TONIGHT + timedelta(days=60)) == TONIGHT + timedelta(days=2)


@pytest.mark.parametrize("nights", [1, 3, 400])
def test_a_source_that_stops_while_nights_run_has_not_ended(config: ModelConfig, nights: int) -> None:
    asked(config, *in_a_row(ENDS - timedelta(days=5), 6), rows=1)
    asked(config, *in_a_row(ENDS + timedelta(days=1), nights))
    assert source_end(config, ENDS + timedelta(days=nights + 1)) is None


def test_days_off_and_a_machine_that_slept_are_no_end(config: ModelConfig) -> None:
    asked(config, ENDS, rows=1)
    assert source_end(config, ENDS + timedelta(days=SILENT_DAYS + 1)) is None
    assert source_end(config, ENDS + timedelta(days=SILENT_DAYS + 2)) == ENDS


def test_nothing_that_came_has_no_end(config: ModelConfig, sales: Callable[..., ModelConfig]) -> None:
    assert source_end(config, TONIGHT) is None
    asked(config, TONIGHT - timedelta(days=1))
    assert source_end(config, TONIGHT) is None
    assert source_end(sales({"kind": "files", "path": "sales.csv"}), TONIGHT) is None

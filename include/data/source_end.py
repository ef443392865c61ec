"""A record of the past: its source had ended before nights first asked it for a day, so that no night brings one."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from include.data import outcomes, tables, windows

if TYPE_CHECKING:
    from include.config.schema import ModelConfig

SILENT_DAYS = 7
"""Days without rows before the first night asked; fewer may be days off, or a machine that slept."""


def source_end(config: ModelConfig, night: date) -> date | None:
    """The last day that came, where the source had been silent for more than `SILENT_DAYS` when a night first asked it.

    None of a source that stops while nights run: its next day was asked for at once, and that it is silent is an
    alarm. None too where no day came yet, and of a snapshot, which has no end.
    """
    if config.data.snapshot:
        return None
    came = [day for day in _days(config, windows.VALIDATED) if day < night]
    if not came:
        return None
    last = max(came)
    asked = min(
        (day for day in _days(config, outcomes.INGESTS) if last < day < night), default=night - timedelta(days=1)
    )
    return last if (asked - last).days > SILENT_DAYS else None


def sentence(config: ModelConfig, last: date) -> str:
    """What is told of a source that ended on the day `last`."""
    return (
        f"{config.data.source.place} has no rows after {last}, and had none when nights began: a record of the "
        f"past, of which nothing new is ingested, trained or looked at until it goes on. "
        f"Next: ./nightshift train {config.name} --as-of {last + timedelta(days=1)}"
    )


def _days(config: ModelConfig, table: str) -> list[date]:
    return [date.fromisoformat(day) for day in tables.partition_snapshots(config.name, table)]

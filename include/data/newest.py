"""The newest night that a source has rows for: tonight where it is alive, an earlier one where it ends in the past."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pandas as pd

from include.data.sources import read_source
from include.errors import PermanentError

if TYPE_CHECKING:
    from include.config.schema import ModelConfig

LOOKS_BACK = (0, 30, 800, 40_000)
"""Days before yesterday that are searched, each further look only where the nearer ones found nothing."""


def newest_night(config: ModelConfig) -> date:
    """The night after the newest day that has rows; tonight for a snapshot.

    Raises PermanentError where the source has no rows of any day up to yesterday.
    """
    tonight = datetime.now(ZoneInfo(config.schedule.timezone)).date()
    if config.data.snapshot:
        return tonight
    yesterday = tonight - timedelta(days=1)
    for back in LOOKS_BACK:
        rows = read_source(config, yesterday - timedelta(days=back), yesterday)
        days = pd.to_datetime(rows[config.data.day], errors="coerce").dropna() if config.data.day in rows else None
        if days is not None and len(days):
            newest: date = days.max().date()
            return newest + timedelta(days=1)
    raise PermanentError(
        f"{config.name}: {config.data.source.place} has no rows of any day up to {yesterday}; is "
        f"{config.data.time or config.data.day} the column that dates them?"
    )

"""What time it is: every date and stamp that Nightshift decides by or keeps is asked for here.

One place, so that a test can be of another day than the machine; that it is the only one, a test of the rooms watches.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def now() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)


def today(timezone: str) -> date:
    """The calendar day in `timezone`, such as `America/New_York`."""
    return now().astimezone(ZoneInfo(timezone)).date()

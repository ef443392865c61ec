"""Which night a run is of.

Night N is the calendar day on which a run fires, in the model's timezone; it sees the rows of days before N. The
logical date of a cron trigger is the moment it fires, for backfills too; a run that an asset or a person started has
none, and is of the day on which it runs.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from include import clock

if TYPE_CHECKING:
    from airflow.sdk import Context


def night_of(context: Context, timezone: str) -> date:
    """Return the run's night in `timezone`."""
    run = context["dag_run"]
    moment = run.logical_date or run.run_after
    return moment.astimezone(ZoneInfo(timezone)).date()


def today_in(timezone: str) -> date:
    """The calendar day in `timezone` now, whatever day the run is of."""
    return clock.today(timezone)


def date_param(context: Context, name: str) -> date | None:
    """Return a form's ISO date, or None where the field was left empty."""
    value = context["params"].get(name)
    return date.fromisoformat(value) if value else None

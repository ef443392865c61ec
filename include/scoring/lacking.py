"""Features that a version was trained with and that its rows do not bring any more: figures and words. Pure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from include.contracts import DayRange

if TYPE_CHECKING:
    import pandas as pd

    from include.config.schema import ModelConfig

DAYS_NAMED = 3
RECENT_DAYS = 7
"""Days without any value after which a declared column counts as no longer delivered: a calm day has no gusts."""


def find_lacking(declared: ModelConfig, rows: pd.DataFrame) -> dict[str, list[date]]:
    """Columns of the features that have no value at all on some of the rows' days, and these days in order.

    :param declared: configuration that the version was trained with
    :param rows: as `windows.read_rows` gives them for it, of whole days
    """
    days = rows[declared.data.day].dt.date
    empty = {name: sorted(set(days) - set(days[rows[name].notna()])) for name in declared.features.columns}
    return {name: named for name, named in empty.items() if named}


def recent_days(last: date) -> DayRange:
    """The days whose rows tell whether a column is still delivered."""
    return DayRange(start=last - timedelta(days=RECENT_DAYS - 1), end=last)


def sentences(
    config: ModelConfig, role: str, version: int, declared: ModelConfig, rows: pd.DataFrame, recent: pd.DataFrame
) -> tuple[str, ...]:
    """One sentence for each column that `find_lacking` finds and that is not delivered any more, with the way on.

    :param config: the model file of today, whose names the way on uses
    :param recent: rows of `recent_days`: a column of today's file that has a value there was only empty for a day
    """
    return tuple(
        f"{role} version {version} of {config.name} was trained with {name!r}, which no row of {_days(days)} has: "
        f"they are scored as rows that lack it. {_way_on(config, name)}"
        for name, days in find_lacking(declared, rows).items()
        if not _is_declared(config, name) or recent[name].isna().all()
    )


def _days(days: list[date]) -> str:
    more = f" and {len(days) - DAYS_NAMED} more" if len(days) > DAYS_NAMED else ""
    return ", ".join(str(day) for day in days[-DAYS_NAMED:]) + more


def _is_declared(config: ModelConfig, name: str) -> bool:
    return name in {*config.data.columns, *config.data.was.values()}


def _way_on(config: ModelConfig, name: str) -> str:
    again = (
        "have the source deliver it again" if _is_declared(config, name) else f"declare {name} in data.columns again"
    )
    without = "" if name not in config.features.names else " after removing it from features"
    return f"Next: {again}, or train a version without it{without}: ./nightshift train {config.name}"

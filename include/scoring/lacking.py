"""Features that a version was trained with and that its rows do not bring any more, put into words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from include.config.schema import ModelConfig

DAYS_NAMED = 3


def sentences(
    config: ModelConfig, role: str, version: int, declared: ModelConfig, rows: pd.DataFrame
) -> tuple[str, ...]:
    """One sentence for each column of the version's features that has no value at all on some of the rows' days.

    :param declared: configuration that the version was trained with
    :param rows: as `windows.read_rows` gives them for it, of whole days
    """
    told = []
    for name in declared.features.columns:
        there = rows[name].notna().groupby(rows[declared.data.day].dt.date).any()
        empty = [str(day) for day, has_any in there.items() if not has_any]
        if empty:
            days = ", ".join(empty[-DAYS_NAMED:]) + (f" and {len(empty) - DAYS_NAMED} more" * (len(empty) > DAYS_NAMED))
            told.append(
                f"{role} version {version} of {config.name} was trained with {name!r}, which no row of {days} has: "
                f"they are scored as rows that lack it. {_way_on(config, name)}"
            )
    return tuple(told)


def _way_on(config: ModelConfig, name: str) -> str:
    known = {*config.data.columns, *config.data.was.values()}
    again = "have the source deliver it again" if name in known else f"declare {name} in data.columns again"
    without = "" if name not in config.features.names else " after removing it from features"
    return f"Next: {again}, or train a version without it{without}: ./nightshift train {config.name}"

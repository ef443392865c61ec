"""A table's columns that have names of our own tables: each gets another in the draft, which says so. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from include.authoring.yaml_text import said
from include.config.data import TIME_DAY
from include.config.naming import is_own, name_beside

if TYPE_CHECKING:
    from include.authoring.reading import Table


def rename_apart(table: Table, time: str | None) -> tuple[Table, Mapping[str, str]]:
    """The table by names that none of our tables' columns has, and what the source calls each that has another.

    A column of dates named `day` keeps its name where it is the day of the rows: our tables name that so too.
    """
    named: dict[str, str] = {}
    columns = [str(name) for name in table.rows.columns]
    for name in columns:
        same = name == time == TIME_DAY and table.kinds[name] == "date"
        if is_own(name) and not same:
            named[name_beside(name, [*columns, *named])] = name
    if not named:
        return table, {}
    ours = {theirs: name for name, theirs in named.items()}
    told = [
        f"{said(theirs)} is named {said(name)} here (data.named), as our tables have a column of that name"
        for name, theirs in named.items()
    ]
    return (
        replace(
            table,
            rows=table.rows.rename(columns=ours),
            kinds={ours.get(name, name): kind for name, kind in table.kinds.items()},
            notes=(*table.notes, *told),
        ),
        named,
    )

"""Names of our tables' own columns, and what a source's column of such a name is called in a model file. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from include.config.data import SNAPSHOT_DAY, TIME_DAY

if TYPE_CHECKING:
    from include.config.schema import ModelConfig

OWN = frozenset({"row_key", "rows_snapshot", TIME_DAY, SNAPSHOT_DAY})
PREFIX = "nightshift_"
"""What names of columns that tables get from now on begin with."""


def is_own(name: str) -> bool:
    """Whether a column's name is one of our tables' own; a table cannot hold names apart by case."""
    return name.lower() in OWN or name.lower().startswith(PREFIX)


def name_beside(name: str, taken: Collection[str]) -> str:
    """The name that a source's column of one of our names gets, other than those that are `taken`."""
    there, wanted = {other.lower() for other in taken}, f"source_{name}"
    numbered = (f"{wanted}_{number}" for number in range(2, len(there) + 3))
    return next(free for free in (wanted, *numbered) if free.lower() not in there)


def refusal(name: str, kind: str, taken: Collection[str]) -> str:
    """The fault of a declared column with one of our names, with the lines to write."""
    ours = name_beside(name, taken)
    return (
        f"data.columns.{name}: {name!r} is a name of our tables' own columns; declare {ours}: {kind} in its place, "
        f"write data.named: {{{ours}: {name}}}, and name it {ours} wherever else the file names that column"
    )


def reserved_faults(content: Mapping[str, Any]) -> list[str]:
    """Faults of a model file as it was read: columns declared by one of our names, other than as the rows' day.

    Stored configurations are not asked: there the day that is not the source's own is spelled out.
    """
    data = content.get("data")
    columns = data.get("columns") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(columns, dict):
        return []
    day = data.get("day") if data.get("day") in (TIME_DAY, SNAPSHOT_DAY) else None
    names = [str(name) for name in columns]
    return [refusal(name, str(columns[name]), names) for name in names if is_own(name) and name != day]


def faults(config: ModelConfig) -> Iterator[str]:
    """Names that could not be told apart, on either side, once a source's columns are renamed.

    A column that is not declared may be named apart as well, where the source has it by one of our names.
    """
    data = config.data
    for ours, theirs in data.named.items():
        where = f"data.named.{ours}"
        if is_own(ours):
            yield f"{where}: {ours!r} is a name of our tables' own columns; take another, such as source_{theirs}"
        if ours not in data.columns and not is_own(theirs):
            yield f"{where}: column {ours!r} is not in data.columns; our name comes first: {{ours: the source's}}"
        of_source = data.day if data.time is None and not data.snapshot else None
        if theirs in data.columns and theirs not in data.named and (not is_own(theirs) or theirs == of_source):
            yield f"{where}: {theirs!r} is in data.columns too; a column has one name, so remove one of the two"
    sources = list(data.named.values())
    for theirs in sorted({name for name in sources if sources.count(name) > 1}):
        yield f"data.named: the source's {theirs!r} cannot have two names; remove all but one"
    if data.named.get(data.day) and data.time:
        yield f"data.named.{data.day}: the day is the calendar day of {data.time}, and no column of the source"

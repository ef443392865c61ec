"""How the table `validated` follows `data.columns`: what changes, what is refused, and the one commit that does it.

A type becomes a wider one that holds every stored value, a column gets another name (`data.was`), a new one is empty on
earlier days, and one that is left out stays with the days that have it. Anything else is refused before a row is read.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, write_deltalake

from include.contracts import RuleFailure
from include.data import commits, table_schema, tables
from include.data.windows import ROWS_SNAPSHOT, VALIDATED
from include.errors import PermanentError

if TYPE_CHECKING:
    from include.config.schema import DataConfig, ModelConfig

log = logging.getLogger(__name__)

WIDER: Mapping[str, tuple[str, ...]] = {
    "integer": ("number", "string"),
    "boolean": ("integer", "number", "string"),
    "date": ("timestamp", "string"),
}
"""Types that hold every value of a type; a whole number beyond `EXACT` is looked for apart."""
SAME_KEY: Mapping[str, tuple[str, ...]] = {"integer": ("string",), "date": ("string",)}
"""Of those, the ones that leave a row's key as it is written."""
EXACT = 2**53
"""Whole numbers up to here are floating point numbers too; not all beyond."""


@dataclass(frozen=True)
class Change:
    """What a table needs before rows of a configuration fit it; `faults` are what it cannot have.

    `renamed` maps a new name to the stored one, `widened` a new name to its type now and then. `faults` start with the
    path of the key that they are about.
    """

    renamed: Mapping[str, str]
    widened: Mapping[str, tuple[str, str]]
    faults: tuple[str, ...]


def faults(config: ModelConfig) -> list[str]:
    """What the stored table has against the configuration; none where there is no table yet."""
    return list(change(config).faults)


def change(config: ModelConfig) -> Change:
    """What the table `validated` needs for this configuration; looks at stored values only where types differ."""
    opened = tables.opened(config.name, VALIDATED)
    if opened is None:
        return Change({}, {}, ())
    stored, had = table_schema.kinds_of(opened), table_schema.renamings(opened)
    renamed = {new: old for new, old in config.data.was.items() if new not in stored and old in stored}
    found = [*_name_faults(config.data, stored, had), *_case_faults(config.data, table_schema.names_of(opened))]
    widened = {}
    for name, kind in config.data.columns.items():
        held = renamed.get(name, name)
        now = stored.get(held)
        if now is None or now == kind:
            continue
        if (refused := _type_fault(config, opened, held, now, name, kind)) is not None:
            found.append(refused)
        else:
            widened[name] = (now, kind)
    return Change(renamed, widened, tuple(found))


def evolve(config: ModelConfig) -> tuple[RuleFailure, ...]:
    """Give the table the columns that the configuration declares, and tell what was changed; repeated, it does nothing.

    Every day keeps the digest by which its scores know its rows. Raises PermanentError, with nothing changed, where
    the table cannot follow.
    """
    needed = change(config)
    if needed.faults:
        raise PermanentError(
            f"{config.name}: the stored rows do not fit the model file any more; nothing was changed. "
            + "; ".join(needed.faults)
        )
    if not needed.renamed and not needed.widened:
        return ()
    if needed.renamed:  # told first: whoever asks by the new name finds the column under either
        _tell_renamed(config.name, needed.renamed)
    rows = _rewrite(config.name, needed)
    told = tuple(_told(needed, rows))
    for one in told:
        log.info("%s: %s", config.name, one.detail)
    return told


def _name_faults(data: DataConfig, stored: Mapping[str, str], had: Sequence[tuple[str, str]]) -> list[str]:
    """Names that cannot be given: to two columns at once, to a column that is not there, or a second time."""
    found = []
    for new, old in data.was.items():
        if old in stored and new in stored:
            found.append(f"data.was.{new}: the stored rows have {old!r} and {new!r}; remove it, or choose another name")
        elif old not in stored and new not in stored:
            there = ", ".join(sorted(stored))
            found.append(f"data.was.{new}: the stored rows have no column {old!r}; they have {there}; remove it")
    strangers = [name for name in data.columns if name not in stored and name not in data.was]
    for name, now in table_schema.stored_names(strangers, stored, had).items():
        if name != now:
            found.append(
                f"data.columns.{name}: the stored column of that name is called {now!r} since; earlier versions of the "
                f"model know it as {name!r}. Choose another name, or give it back with data.was: {{{name}: {now}}}"
            )
    return found


def _case_faults(data: DataConfig, there: Collection[str]) -> list[str]:
    folded = {name.lower(): name for name in there}
    return [
        f"data.columns.{name}: the stored rows have {other!r}, and a table's names cannot differ by case alone; rename "
        f"the column with data.was: {{{name}: {other}}}, or choose another name"
        for name in data.columns
        if name not in there and (other := folded.get(name.lower())) and data.was.get(name) != other
    ]


def _type_fault(config: ModelConfig, opened: DeltaTable, held: str, now: str, name: str, kind: str) -> str | None:
    """Why a stored column cannot have the type that is declared; None where every value can be kept."""
    values = opened.to_pyarrow_table(columns=[held])[held]
    if values.null_count == len(values):
        return None
    if kind in WIDER.get(now, ()):
        in_key = name in config.data.key
        if in_key and kind not in SAME_KEY.get(now, ()):
            why = f"it is part of data.key, and stored rows are named by it as {now}"
        elif (now, kind) == ("integer", "number") and (large := _inexact(values)) is not None:
            why = f"{large} is among the stored values, and a number holds whole ones exactly up to {EXACT}"
        else:
            return None
    else:
        example = next(value for value in values.to_pylist() if value is not None)
        why = f"stored values such as {str(example)[:40]!r} need not be a {kind}"
    beside = f"{name}_{kind}"
    return (
        f"data.columns.{name}: declared {kind}, but the stored rows hold {now}: {why}. Declare {name}: {now} as "
        f"before, or have the source give the new values under another name, such as {beside}, declared {kind}"
    )


def _inexact(values: pa.ChunkedArray) -> int | None:
    beyond = pc.filter(values, pc.or_(pc.greater(values, EXACT), pc.less(values, -EXACT)))
    return beyond[0].as_py() if len(beyond) else None


def _tell_renamed(model: str, renamed: Mapping[str, str]) -> None:
    uri = tables.table_uri(model, VALIDATED)

    def write() -> None:
        opened = DeltaTable(uri)
        pairs = list(dict.fromkeys([*table_schema.renamings(opened), *renamed.items()]))
        told = table_schema.renamings_text(pairs)
        opened.alter.set_table_properties({table_schema.RENAMED: told}, raise_if_not_exists=False)

    commits.repeat(uri, write)


def _rewrite(model: str, needed: Change) -> int:
    """Write the table anew in one commit; return how many rows it has. Earlier versions stay readable.

    A writer that comes in between is not lost: its rows are read and the table is written again.
    """
    uri = tables.table_uri(model, VALIDATED)

    def write() -> int:
        opened = DeltaTable(uri)
        rows = _changed(opened.to_pyarrow_table(), needed, tables.digests(opened))
        write_deltalake(
            opened,
            rows,
            mode="overwrite",
            schema_mode="overwrite",
            partition_by=opened.metadata().partition_columns,
            commit_properties=CommitProperties(max_commit_retries=0),
        )
        return len(rows)

    return commits.repeat(uri, write)


def _changed(rows: pa.Table, needed: Change, digests: Mapping[str, str]) -> pa.Table:
    later = {old: new for new, old in needed.renamed.items()}
    rows = rows.rename_columns([later.get(name, name) for name in rows.column_names])
    for name, (now, kind) in needed.widened.items():
        if name in rows.column_names:
            place = rows.column_names.index(name)
            rows = rows.set_column(place, name, _widened(rows[name], now, kind))
    first = pa.array([digests[day] for day in rows["day"].to_pylist()], pa.string())
    if ROWS_SNAPSHOT not in rows.column_names:
        return rows.append_column(ROWS_SNAPSHOT, first)
    place = rows.column_names.index(ROWS_SNAPSHOT)
    return rows.set_column(place, ROWS_SNAPSHOT, pc.coalesce(rows[ROWS_SNAPSHOT], first))


def _widened(values: pa.ChunkedArray, now: str, kind: str) -> pa.ChunkedArray:
    if values.null_count == len(values):
        return pa.chunked_array([pa.nulls(len(values), table_schema.ARROW_TYPES[kind])])
    if (now, kind) == ("boolean", "number"):
        values = values.cast(pa.int64())
    return values.cast(table_schema.ARROW_TYPES[kind])


def _told(needed: Change, rows: int) -> list[RuleFailure]:
    told = [
        (f"column_renamed:{new}", f"the stored column {old!r} is called {new!r} from now on")
        for new, old in needed.renamed.items()
    ]
    told += [
        (
            f"column_widened:{name}",
            f"the stored column {name!r} holds {kind} instead of {now} from now on, every value as it was"
            + (", written as text" if kind == "string" else ""),
        )
        for name, (now, kind) in needed.widened.items()
    ]
    return [RuleFailure(rule=rule, severity="warn", failed=rows, checked=rows, detail=detail) for rule, detail in told]

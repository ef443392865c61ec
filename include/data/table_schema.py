"""The columns of a stored table: their types, the names that they had before, and a batch of rows that fits them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
from deltalake import DeltaTable, Schema

from include.errors import PermanentError

if TYPE_CHECKING:
    from include.config.schema import ColumnType

RENAMED = "nightshift.renamed"
"""Property of a table: JSON of the renamings of its columns, each the new name and the old one."""
ARROW_TYPES: Mapping[str, pa.DataType] = {
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
}
DELTA_TYPES: Mapping[str, ColumnType] = {
    "date": "date",
    "timestamp_ntz": "timestamp",
    "string": "string",
    "long": "integer",
    "double": "number",
    "boolean": "boolean",
}


def schema_for(columns: Mapping[str, ColumnType], extra: Mapping[str, ColumnType] | None = None) -> pa.Schema:
    """Arrow schema of declared columns, followed by `extra` ones."""
    kinds = {**columns, **(extra or {})}
    return pa.schema([pa.field(name, ARROW_TYPES[kind]) for name, kind in kinds.items()])


def names_of(opened: DeltaTable) -> tuple[str, ...]:
    """Names of the table's columns, partition columns among them."""
    return tuple(field.name for field in opened.schema().fields)


def kinds_of(opened: DeltaTable) -> dict[str, str]:
    """Type of each column but the partition columns, by the model file's words, or Delta's where it has none."""
    partition = opened.metadata().partition_columns
    return {
        name: DELTA_TYPES.get(kind, kind)
        for name, kind in _delta_kinds(opened.schema()).items()
        if name not in partition
    }


def renamings(opened: DeltaTable) -> list[tuple[str, str]]:
    """Each renaming of a column that the table has seen, oldest first: its new name and its old one."""
    told = opened.metadata().configuration.get(RENAMED)
    return [(new, old) for new, old in json.loads(told)] if told else []


def renamings_text(pairs: Sequence[tuple[str, str]]) -> str:
    """The property RENAMED that says so."""
    return json.dumps([list(pair) for pair in pairs])


def stored_names(asked: Collection[str], there: Collection[str], pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The stored name of each name that is asked for, by every name that its column had or has; without those unknown.

    A version of a model that was trained before a column was renamed asks for it by the old name, and a table's version
    of before has it under the old name alone. A name never belongs to two columns, so one of them at most is there.
    """
    found = {name: name for name in asked if name in there}
    for name in [name for name in asked if name not in there]:
        names = {name}
        for _ in pairs:
            names |= {other for pair in pairs if names & set(pair) for other in pair}
        if held := sorted(names & set(there)):
            found[name] = held[0]
    return found


def refuse_casts(uri: str, opened: DeltaTable, rows: pa.Schema) -> None:
    """Raise PermanentError where a column of the rows has another type than in the table, or differs by case alone.

    Delta's writer casts the rows to the table's types without a word: 15.99 becomes 15 in a column of integers.
    """
    stored, given = _delta_kinds(opened.schema()), _delta_kinds(Schema.from_arrow(rows))
    faults = [
        f"column {name!r} holds {_word(stored[name])} there, and {_word(kind)} is given"
        for name, kind in given.items()
        if name in stored and stored[name] != kind
    ]
    folded = {name.lower(): name for name in stored}
    faults += [
        f"column {name!r} would stand beside {folded[name.lower()]!r}, and a table's names cannot differ by case alone"
        for name in given
        if name not in stored and name.lower() in folded
    ]
    if faults:
        raise PermanentError(
            f"table {uri}: the rows do not fit the table: {'; '.join(faults)}; nothing was changed. A stored type "
            "changes by data.columns alone, where every value can be kept; else give the column another name"
        )


def equals(values: Mapping[str, str]) -> str:
    """The predicate that rows with these partition values meet."""
    return " AND ".join(one_of(name, [value]) for name, value in values.items())


def one_of(name: str, values: Sequence[str]) -> str:
    """The predicate that rows with one of these values in a column meet; whatever stands in name and values."""
    quoted = '"' + name.replace('"', '""') + '"'
    listed = ["'" + value.replace("'", "''") + "'" for value in values]
    return f"{quoted} = {listed[0]}" if len(listed) == 1 else f"{quoted} IN ({', '.join(listed)})"


def _delta_kinds(schema: Schema) -> dict[str, str]:
    return {field.name: str(getattr(field.type, "type", field.type)) for field in schema.fields}


def _word(kind: str) -> str:
    return DELTA_TYPES.get(kind, kind)

"""The table of a new model from CSV files: what they are written in, and each column's type, every guess said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.authoring.column_values import convert_column
from include.authoring.doubts import find_doubts
from include.authoring.layout import Findings, Said, find_encoding, find_layout, read_layout, tell_encoding
from include.authoring.number_signs import find_signs
from include.authoring.texts import Texts
from include.authoring.units import find_units
from include.config.schema import FilesSource
from include.data.packed import read_bytes
from include.data.partitions import values_of
from include.data.text_files import TextTable, read_text
from include.data.text_values import canonical, frame
from include.data.values import convert, infer_type
from include.errors import ConfigError, PermanentError

if TYPE_CHECKING:
    from include.config.schema import ColumnType

LONG = "[+-]?[0-9]{19,}"
MOST_CLASSES = 10
"""Different whole numbers up to which a column to predict has classes."""
Read = tuple[pd.DataFrame, "dict[str, ColumnType]", dict[str, Any], tuple[str, ...]]


def read_text_files(
    place: str, paths: list[str], source: Mapping[str, Any], said: Said, target: str, time: str | None
) -> Read:
    """Rows, the type of each column, the section `data.source` and notes, from files that are written alike.

    What the first file is written in holds for all, as it does for a night. Raises ConfigError with every doubt that a
    person has to settle, PermanentError where a file is no table.
    """
    contents = [read_bytes(path) for path in paths]
    if not any(content.strip() for content in contents):
        raise PermanentError(f"{place}: the file is empty")
    found = Findings(dict(said.keys))
    first = next(content for content in contents if content.strip())
    find_encoding(place, first if b"\0" in first else b"\n".join(contents), found)
    find_layout(first, found, target)
    table = _read(paths, contents, found, source)
    if table is not None and len(table.columns):
        tell_encoding(table, found)
        texts = Texts(table, list(found.keys.get("missing", ())))
        bare = find_units(texts, found, said)
        find_signs(bare, found, said)
        find_doubts(bare, found, said, target, time)
    if found.doubts:
        raise ConfigError(place, found.doubts)
    assert table is not None  # without a doubt there is one
    return _typed(table, found, source, said, target)


def _read(paths: list[str], contents: list[bytes], found: Findings, source: Mapping[str, Any]) -> TextTable | None:
    tables: list[TextTable] = []
    for path, content in zip(paths, contents, strict=True):
        if not content.strip():
            continue
        one = read_text(path, content, found.source(source)) if tables else read_layout(path, content, found, source)
        if one is None:
            return None
        one = _with_folders(one, path)
        if tables and one.faults:
            found.notes.append(f"{path}: {one.faults[0]}: each night sets such lines aside")
        tables.append(one)
    if len(tables) == 1:
        return tables[0]
    columns = pa.concat_tables([one.columns for one in tables], promote_options="default")
    filled = pa.table([pc.fill_null(column, "") for column in columns.columns], columns.column_names)
    return TextTable(filled, np.concatenate([one.lines for one in tables]), ())


def _with_folders(table: TextTable, path: str) -> TextTable:
    """The columns that the names of folders say of all rows of a file, as a night adds them."""
    columns = table.columns
    for name, value in values_of(path).items():
        if name not in table.names:
            columns = columns.append_column(name, pa.chunked_array([pa.repeat(value or "", len(columns))]))
    return replace(table, columns=columns)


def _typed(table: TextTable, found: Findings, source: Mapping[str, Any], said: Said, target: str) -> Read:
    dialect = found.source(source)
    kinds: dict[str, ColumnType] = {
        name: "string" if name in said.text else _kind(table.columns[name], name, dialect) for name in table.names
    }
    if kinds.get(target) == "number" and (classes := _whole_classes(table.columns[target], target, dialect)):
        kinds[target] = "integer"
        found.notes.append(f"{target} holds whole numbers alone, {classes}: an integer")
    for name, kind in kinds.items():
        if kind == "string" and name not in said.text:
            _tell_long(canonical(table.columns[name], kind, name, dialect), name, found)
    rows = frame(TextTable(table.columns, table.lines, ()), kinds, dialect, None)
    plain = FilesSource.model_validate(source).model_dump(mode="json")
    given = dialect.model_dump(mode="json")
    keys = {name: value for name, value in given.items() if value != plain[name]}
    read = pd.DataFrame({name: convert_column(rows[name], kinds[name]) for name in rows.columns})
    return read, kinds, {**source, **keys}, tuple(found.notes)


def _kind(text: pa.ChunkedArray, name: str, dialect: FilesSource) -> ColumnType:
    """The narrowest type that holds every value; numbers by the dialect's signs alone."""
    if dialect.date_format_of(name):
        return infer_type(canonical(text, "timestamp", name, dialect), untyped=True) or "string"
    kind = infer_type(canonical(text, "timestamp", name, dialect), untyped=True)
    if kind in ("boolean", "date", "timestamp"):
        return kind
    numbers = canonical(text, "number", name, dialect)
    kind = infer_type(numbers, untyped=True)
    if kind == "number" and _too_long(numbers):
        return "string"
    return kind if kind in ("integer", "number") else "string"


def _tell_long(text: pd.Series, name: str, found: Findings) -> None:
    long = text[text.astype("str").str.fullmatch(LONG).fillna(False)]
    if len(long) and len(long) == text.notna().sum():
        found.notes.append(f"{name} has more digits than a number keeps, such as {long.iloc[0]}: it is text")


def _too_long(numbers: pd.Series) -> bool:
    """Whether there are whole numbers that no integer of 64 bits holds, and a float only to 16 digits."""
    return bool(numbers.astype("str").str.fullmatch(LONG).any())


def _whole_classes(text: pa.ChunkedArray, name: str, dialect: FilesSource) -> str | None:
    """Some values of a column of few whole numbers, such as 1.0 and 2.0, which are classes with a point."""
    numbers = canonical(text, "number", name, dialect)
    if convert(numbers, "integer")[1].any() or numbers.nunique() > MOST_CLASSES:
        return None
    return ", ".join(numbers.dropna().unique()[:3])

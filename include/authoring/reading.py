"""The table that a new model is drafted from: a file, a URL or a query, and how a model file would name it."""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pandas as pd
from pydantic import ValidationError

from include.authoring.infer import typed, typed_text
from include.config import environment
from include.config.schema import FilesSource, SqlSource
from include.data.values import infer_type
from include.errors import ConfigError, PermanentError, TransientError

if TYPE_CHECKING:
    from include.config.schema import ColumnType

SNIFFED = 64 * 1024
SEPARATORS = ",;\t|"
ENCODINGS = ("utf-8", "utf-8-sig", "cp1252")
"""Tried in turn; the last one reads anything, and is what spreadsheets write."""


@dataclass(frozen=True)
class Table:
    """Rows with the type of each column, and the section `data.source` that reads them again."""

    rows: pd.DataFrame
    kinds: dict[str, ColumnType]
    source: dict[str, Any]
    notes: tuple[str, ...] = ()


def read_file(place: str) -> Table:
    """A CSV, Parquet or JSON-lines file, a glob of them, one address that fsspec knows, or the folder of a Delta table.

    Raises PermanentError where nothing is there, or it is no table, naming what was found.
    """
    if "://" not in place and (Path(place).expanduser() / "_delta_log").is_dir():
        return _table(_delta(place), {"kind": "delta", "path": _named(place)})
    source: dict[str, Any] = {"kind": "files", "path": _named(place)}
    if "{day}" in place:
        raise PermanentError(
            f"{place}: name files that are there, such as {place.replace('{day}', '*')}; the draft's path can be "
            "changed to {day} afterwards"
        )
    paths = _paths(place)
    try:
        kind = FilesSource.model_validate(source).file_format
    except ValueError:
        kind, source = "csv", {**source, "format": "csv"}
    try:
        if kind == "csv":
            return _csv(paths, source)
        frames = [_typed_file(path, kind or "") for path in paths]
    except (ValueError, OSError, EOFError, csv.Error) as error:
        raise PermanentError(f"{place}: cannot be read as {kind}: {str(error).splitlines()[0]}") from error
    return _table(pd.concat(frames, ignore_index=True), source)


def read_query(query: str, url: str | None, connection: str | None) -> Table:
    """What a query gives for every day there is: `:start` and `:end` are bound to the widest span."""
    from datetime import date

    from include.data import sql

    try:
        source = SqlSource(kind="sql", query=query, url=url, connection=connection)
    except ValidationError as error:
        raise ConfigError("--sql", [one["msg"].removeprefix("Value error, ") for one in error.errors()]) from None
    rows = sql.fetch("--sql", source, date(1900, 1, 1), date(9999, 1, 1), {}, "UTC")
    named: dict[str, Any] = {"kind": "sql", "url": url} if url else {"kind": "sql", "connection": connection}
    return _table(rows, {**named, "query": query})


def _delta(place: str) -> pd.DataFrame:
    from deltalake import DeltaTable

    found: pd.DataFrame = DeltaTable(str(Path(place).expanduser().resolve())).to_pandas()
    return found


def _named(place: str) -> str:
    """The path as a model file has it: relative to the repository where the file is inside it."""
    if "://" in place:
        return place
    path = Path(place).expanduser().resolve()
    return str(path.relative_to(environment.REPOSITORY)) if path.is_relative_to(environment.REPOSITORY) else str(path)


def _paths(place: str) -> list[str]:
    import fsspec

    try:
        found = fsspec.open_files(place if "://" in place else str(Path(place).expanduser().resolve()))
        paths = [item.fs.unstrip_protocol(item.path) for item in found if item.fs.isfile(item.path)]
    except (ImportError, ValueError) as error:
        raise PermanentError(f"{place}: {error}") from error
    except OSError as error:
        raise TransientError(f"{place}: cannot be reached ({error})") from error
    if not paths:
        raise PermanentError(f"{place}: no such file; give a CSV, Parquet or JSON-lines file, a glob of them, or a URL")
    return sorted(paths)


def _bytes(path: str) -> bytes:
    import fsspec

    with fsspec.open(path, "rb") as file:
        content = cast("bytes", file.read())
    return gzip.decompress(content) if path.endswith(".gz") else content


def _typed_file(path: str, kind: str) -> pd.DataFrame:
    content = io.BytesIO(_bytes(path))
    if kind == "parquet":
        return pd.read_parquet(content)
    return pd.read_json(content, lines=True, dtype=False, convert_dates=False)


def _csv(paths: list[str], source: dict[str, Any]) -> Table:
    """CSV files as text, with what they are written in: encoding, separator, decimal sign."""
    contents = [_bytes(path) for path in paths]
    if not any(content.strip() for content in contents):
        raise PermanentError(f"{source['path']}: the file is empty")
    if any(b"\0" in content[:SNIFFED] for content in contents):
        raise PermanentError(f"{source['path']}: holds NUL bytes: no text, or text of another encoding than UTF-8")
    encoding = next(name for name in ENCODINGS if all(_decodes(content, name) for content in contents))
    if encoding == "utf-8" and any(content.startswith(b"\xef\xbb\xbf") for content in contents):
        encoding = "utf-8-sig"
    separator = _separator(contents[0].decode(encoding)[:SNIFFED])
    text = [_parsed(content, encoding, separator) for content in contents]
    rows = pd.concat(text, ignore_index=True)
    decimal = "," if separator != "," and _decimal_commas(rows) else "."
    given = {"separator": separator, "decimal": decimal, "encoding": encoding}
    usual = {"separator": ",", "decimal": ".", "encoding": "utf-8"}
    source = {**source, **{name: value for name, value in given.items() if value != usual[name]}}
    read = {name: typed_text(rows[name], decimal) for name in rows.columns}
    kinds = {name: kind for name, (kind, _) in read.items()}
    return _checked(pd.DataFrame({name: values for name, (_, values) in read.items()}), kinds, source)


def _parsed(content: bytes, encoding: str, separator: str) -> pd.DataFrame:
    read = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False, sep=separator, encoding=encoding)
    if not isinstance(read.index, pd.RangeIndex):
        raise ValueError(f"rows have more fields than the header's {len(read.columns)}")
    return read.astype(object)


def _table(rows: pd.DataFrame, source: dict[str, Any]) -> Table:
    """Rows with types of their own. A column of which no type holds every value is left out, and named."""
    kinds: dict[str, ColumnType] = {}
    read, notes = {}, []
    for name in rows.columns:
        kind = infer_type(rows[name])
        if kind is None:
            example = str(rows[name].dropna().iloc[0])[:40]
            notes.append(f"{name} holds values that no type has, such as {example}: it is left out")
            continue
        kinds[str(name)], read[str(name)] = kind, typed(rows[name], kind)
    return _checked(pd.DataFrame(read), kinds, source, tuple(notes))


def _checked(
    rows: pd.DataFrame, kinds: dict[str, ColumnType], source: dict[str, Any], notes: tuple[str, ...] = ()
) -> Table:
    where = source.get("path") or "the query"
    if rows.empty:
        raise PermanentError(f"{where}: there is a header, and no row")
    if len(rows.columns) < 2:
        raise PermanentError(f"{where}: has the one column {rows.columns[0]!r}; a model needs a label and a feature")
    return Table(rows, kinds, source, notes)


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return encoding == ENCODINGS[-1]
    return True


def _separator(text: str) -> str:
    """The separator whose count is the same, and not 0, on the most of the first lines; a comma where none is."""
    lines = [line for line in csv.reader(io.StringIO(text), delimiter="\0") if line][:50]
    counts = {mark: [line[0].count(mark) for line in lines] for mark in SEPARATORS}
    scores = {mark: sum(count == found[0] for count in found) if found[0] else 0 for mark, found in counts.items()}
    best = max(SEPARATORS, key=lambda mark: (scores[mark], counts[mark][0]))
    return best if scores[best] else ","


def _decimal_commas(rows: pd.DataFrame) -> bool:
    """Whether some column reads as numbers with commas, and not as it stands."""
    sample = rows.head(1000)
    return any(
        typed_text(sample[name])[0] == "string" and typed_text(sample[name], ",")[0] == "number"
        for name in rows.columns
    )

"""The table that a new model is drafted from: a file, a URL or a query, and how a model file would name it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from pydantic import ValidationError

from include.authoring.infer import typed
from include.authoring.layout import Said
from include.authoring.text_tables import read_text_files
from include.config import environment
from include.config.schema import FilesSource, SqlSource
from include.config.sources import WORKBOOKS, bare_name
from include.data.files import BROKEN
from include.data.json_files import as_lines
from include.data.packed import WORKBOOK, read_bytes
from include.data.values import infer_type
from include.errors import ConfigError, PermanentError, TransientError

if TYPE_CHECKING:
    from include.config.schema import ColumnType


@dataclass(frozen=True)
class Table:
    """Rows with the type of each column, and the section `data.source` that reads them again."""

    rows: pd.DataFrame
    kinds: dict[str, ColumnType]
    source: dict[str, Any]
    notes: tuple[str, ...] = ()


def read_file(place: str, said: Said | None = None, target: str = "", time: str | None = None) -> Table:
    """A CSV, Parquet, JSON-lines or JSON file, a glob of them, an address that fsspec knows, or a Delta table's folder.

    `said` is what a person knows of how a text file is written; `target` and `time` are columns that it must have.
    Raises PermanentError where nothing is there, or it is no table, naming what was found, and ConfigError with all
    that has to be asked.
    """
    if "://" not in place and (Path(place).expanduser() / "_delta_log").is_dir():
        return _table(_delta(place), {"kind": "delta", "path": _named(place)})
    source: dict[str, Any] = {"kind": "files", "path": _named(place)}
    if "{day}" in place:
        raise PermanentError(
            f"{place}: name files that are there, such as {place.replace('{day}', '*')}; the draft's path can be "
            "changed to {day} afterwards"
        )
    if bare_name(place).endswith(WORKBOOKS):
        raise PermanentError(f"{place}: is {WORKBOOK}")
    paths = _paths(place)
    try:
        kind = FilesSource.model_validate(source).file_format
    except ValueError:
        kind, source = "csv", {**source, "format": "csv"}
    try:
        if kind == "csv":
            return _checked(*read_text_files(place, paths, source, said or Said(), target, time))
        frames = [_typed_file(path, kind or "") for path in paths]
    except BROKEN as error:
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


def _typed_file(path: str, kind: str) -> pd.DataFrame:
    content = read_bytes(path)
    if kind == "parquet":
        return pd.read_parquet(io.BytesIO(content))
    lines = as_lines(content) if kind == "json" else content
    return pd.read_json(io.BytesIO(lines), lines=True, dtype=False, convert_dates=False)


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

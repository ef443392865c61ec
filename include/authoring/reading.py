"""The table that a new model is drafted from: a file, a URL or a query, and how a model file would name it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from pydantic import ValidationError

from include.authoring.column_values import convert_column
from include.authoring.layout import Said
from include.authoring.text_tables import read_text_files
from include.config import environment
from include.config.schema import FilesSource, SqlSource
from include.config.sources import WORKBOOKS, bare_name
from include.data import delta
from include.data.columns import stacked_frames
from include.data.files import BROKEN, matching
from include.data.packed import WORKBOOK
from include.data.partitions import values_of, with_values
from include.data.typed_files import read_typed
from include.data.values import digits_lost, infer_type, infinities
from include.errors import ConfigError, PermanentError

if TYPE_CHECKING:
    from include.config.schema import ColumnType

MOST_INFINITE = 0.05
"""Share of rows above which a night would be refused for those that are set aside."""


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
        address = str(Path(place).expanduser().resolve())
        return _table(delta.read_whole("--from", address), {"kind": "delta", "path": _named(place)})
    source: dict[str, Any] = {"kind": "files", "path": _named(place)}
    if "{day}" in place:
        raise PermanentError(
            f"{place}: name files that are there, such as {place.replace('{day}', '*')}; the draft's path can be "
            "changed to {day} afterwards"
        )
    if bare_name(place).endswith(WORKBOOKS):
        raise PermanentError(f"{place}: is {WORKBOOK}")
    paths = _paths(place)
    kind = _kind(source)
    if kind is None:  # a folder, or a name that does not say
        kind = _kind({**source, "path": paths[0]}) or "csv"
        source = {**source, "format": kind}
        paths = [path for path in paths if (_kind({"kind": "files", "path": path}) or kind) == kind]
    try:
        if kind == "csv":
            return _check_table(*read_text_files(place, paths, source, said or Said(), target, time))
        frames = [with_values(read_typed(path, kind), path) for path in paths]
    except BROKEN as error:
        raise PermanentError(f"{place}: cannot be read as {kind}: {str(error).splitlines()[0]}") from error
    return _table(stacked_frames(frames), source, values_of(paths[0]).keys())


def _kind(source: dict[str, Any]) -> str | None:
    try:
        return FilesSource.model_validate(source).file_format
    except ValueError:
        return None


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


def _named(place: str) -> str:
    """The path as a model file has it: relative to the repository where the file is inside it."""
    if "://" in place:
        return place
    path = Path(place).expanduser().resolve()
    return str(path.relative_to(environment.REPOSITORY)) if path.is_relative_to(environment.REPOSITORY) else str(path)


def _paths(place: str) -> list[str]:
    found = matching(place if "://" in place else str(Path(place).expanduser().resolve()), None)
    if not found:
        raise PermanentError(f"{place}: no such file; give a CSV, Parquet or JSON-lines file, a glob of them, or a URL")
    return found


def _table(rows: pd.DataFrame, source: dict[str, Any], folders: Collection[str] = ()) -> Table:
    """Rows with types of their own, but for what the names of folders say, which is text.

    A column of which no type holds every value is left out, and named; infinities are told with their share.
    """
    kinds: dict[str, ColumnType] = {}
    read, notes = {}, []
    for name in rows.columns:
        kind = infer_type(rows[name], untyped=name in folders)
        if kind is None:
            example = str(rows[name].dropna().iloc[0])[:40]
            notes.append(f"{name} holds values that no type has, such as {example}: it is left out")
            continue
        if (share := float(infinities(rows[name]).mean() if kind == "number" else 0)) > MOST_INFINITE:
            notes.append(f"{name} is infinite in {share:.1%} of the rows, which is no number: it is left out")
            continue
        if share:
            notes.append(f"{name} is infinite in {share:.1%} of the rows, which is no number: they are set aside")
        if digits := digits_lost(rows[name], kind):
            notes.append(f"{name} has more digits than a {kind} keeps (about 16; microseconds), such as {digits}")
        kinds[str(name)], read[str(name)] = kind, convert_column(rows[name], kind)
    return _check_table(pd.DataFrame(read), kinds, source, tuple(notes))


def _check_table(
    rows: pd.DataFrame, kinds: dict[str, ColumnType], source: dict[str, Any], notes: tuple[str, ...] = ()
) -> Table:
    where = source.get("path") or "the query"
    if rows.empty:
        raise PermanentError(f"{where}: there is a header, and no row")
    if len(rows.columns) < 2:
        raise PermanentError(f"{where}: has the one column {rows.columns[0]!r}; a model needs a label and a feature")
    return Table(rows, kinds, source, notes)

"""A model's tables, as Delta Lake: a partition is replaced whole in one commit and every version stays readable.

The root is a folder or an `s3://` address (`NIGHTSHIFT_TABLES`); credentials for the latter come from the usual AWS
variables, which deltalake reads itself. Nothing deletes old versions: a version number names a snapshot for ever.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from include.config import environment
from include.data import commits, table_schema
from include.data.table_schema import schema_for
from include.errors import PermanentError, TransientError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["schema_for"]
KEEP_VERSIONS = {
    # By default every hundredth commit deletes log entries older than 30 days, after which an old version opens as an
    # empty table without a word; and a VACUUM by any engine may delete replaced files that are a week old.
    "delta.enableExpiredLogCleanup": "false",
    "delta.logRetentionDuration": "interval 36500 days",
    "delta.deletedFileRetentionDuration": "interval 36500 days",
}


def table_uri(model: str, table: str) -> str:
    """Address of a table: `<root>/<model>/<table>`."""
    return f"{environment.tables_uri().rstrip('/')}/{model}/{table}"


def table_version(model: str, table: str) -> int | None:
    """Newest version of a table, or None where it does not exist."""
    opened = _open(model, table)
    return None if opened is None else opened.version()


def replace_partition(
    model: str, table: str, frame: pd.DataFrame, partition: Mapping[str, str], schema: pa.Schema
) -> int:
    """Replace one partition whole, in one commit, and return that commit's version.

    `partition` gives the value of each partition column; `frame` has the columns of `schema` without them. An empty
    frame empties the partition. Writers of other partitions never disturb this one; of several writers of the same
    one, the last wins whole. A column new to the table is null in its other partitions.
    """
    values = {name: pa.array([value] * len(frame), pa.string()) for name, value in partition.items()}
    rows = _with_columns(_to_arrow(frame, schema), values)
    return _replace(model, table, rows, table_schema.equals(partition), list(partition))


def replace_days(
    model: str,
    table: str,
    frame: pd.DataFrame,
    day_of_row: pd.Series,
    days: Sequence[date],
    schema: pa.Schema,
    within: Mapping[str, str] | None = None,
    made_from: Mapping[str, str] | None = None,
) -> int:
    """Replace the `day` partitions of `days` in one commit; `day_of_row` names each row's day. Returns the version.

    `within` gives the values of further partition columns, and only partitions that have them are replaced.
    No days at all change nothing. Raises PermanentError where a row is of a day that is not in `days`, and
    TransientError where a day of `made_from` no longer has the digest given: the rows were made from what it was.
    """
    inner = dict(within or {})
    values = {"day": pa.array([day.isoformat() for day in day_of_row], pa.string())}
    values |= {name: pa.array([value] * len(frame), pa.string()) for name, value in inner.items()}
    rows = _with_columns(_to_arrow(frame, schema), values)
    foreign = sorted(set(values["day"].to_pylist()) - {day.isoformat() for day in days})
    if foreign:
        raise PermanentError(
            f"table {table_uri(model, table)}: rows of day {', '.join(foreign)} were given, but the days to replace "
            f"are {', '.join(day.isoformat() for day in days) or 'none'}; nothing was changed"
        )
    if not days:
        return DeltaTable(_ensure(model, table, rows.schema, ["day", *inner])).version()
    predicate = table_schema.one_of("day", [day.isoformat() for day in days])
    predicate += f" AND {table_schema.equals(inner)}" if inner else ""
    return _replace(model, table, rows, predicate, ["day", *inner], made_from or {})


def append(model: str, table: str, frame: pd.DataFrame, schema: pa.Schema) -> int:
    """Append rows in one commit and return that commit's version."""
    rows = _to_arrow(frame, schema)
    uri = _ensure(model, table, rows.schema, [])

    def write() -> int:
        opened = DeltaTable(uri)
        table_schema.refuse_casts(uri, opened, rows.schema)
        write_deltalake(opened, rows, mode="append", schema_mode="merge")
        return opened.version()

    return commits.repeat(uri, write)


def compact(model: str, table: str, above: int) -> None:
    """Write the files of a table without partitions into one, where it has more than `above`; no row changes.

    Every append makes a file, and reading takes about a millisecond for each. Earlier versions stay readable.
    """
    opened = _open(model, table)
    if opened is None or len(opened.file_uris()) <= above:
        return
    try:
        opened.optimize.compact()
    except CommitFailedError:
        return  # another process was first; a later append looks again
    except OSError as error:
        uri = table_uri(model, table)
        raise TransientError(f"table {uri}: the storage failed ({error}); no row was changed, a retry helps") from error


def read(
    model: str,
    table: str,
    columns: Sequence[str] | None = None,
    days: tuple[date, date] | None = None,
    version: int | None = None,
    where: Mapping[str, str] | None = None,
    exact: bool = False,
) -> pd.DataFrame:
    """Read a table, pruned to `days` (first and last, both included) and to the partition values of `where`.

    A table that does not exist reads as an empty frame with the columns asked for. With `exact`, columns keep their
    Arrow types, so that rows can be written back as they were: pandas makes floats of integers with gaps. Raises
    PermanentError where the table has no such version or column.
    """
    import pandas as pd

    rows = read_arrow(model, table, columns, days, version, where)
    if rows is None:
        return pd.DataFrame(columns=list(columns or []))
    return rows.to_pandas(types_mapper=pd.ArrowDtype) if exact else rows.to_pandas()


def read_arrow(
    model: str,
    table: str,
    columns: Sequence[str] | None = None,
    days: tuple[date, date] | None = None,
    version: int | None = None,
    where: Mapping[str, str] | None = None,
) -> pa.Table | None:
    """As `read`, before the rows become a frame; None where the table does not exist."""
    opened = _open(model, table, version)
    if opened is None:
        return None
    stored = _stored_names(model, table, opened, columns or ())
    filters: list[tuple[str, str, object]] = [(name, "=", value) for name, value in (where or {}).items()]
    if days is not None:
        filters += [("day", ">=", days[0].isoformat()), ("day", "<=", days[1].isoformat())]
    rows = opened.to_pyarrow_table(columns=list(dict.fromkeys(stored.values())) or None, filters=filters or None)
    return pa.table({name: rows[held] for name, held in stored.items()}) if columns else rows


def _stored_names(model: str, table: str, opened: DeltaTable, columns: Sequence[str]) -> dict[str, str]:
    """The name that each column has in this version of the table, whichever of its names is asked for."""
    there = table_schema.names_of(opened)
    found = {name: name for name in columns}
    if set(columns) - set(there):
        renamed = table_schema.renamings(DeltaTable(table_uri(model, table)))
        found = table_schema.stored_names(columns, there, renamed)
    if missing := sorted(set(columns) - set(found)):
        raise PermanentError(
            f"table {table_uri(model, table)}: version {opened.version()} has no column {', '.join(missing)}; a column "
            f"added to data.columns, or renamed by data.was, is there once days are ingested again ({model}__ingest)"
        )
    return found


def columns_of(model: str, table: str, version: int | None = None) -> tuple[str, ...]:
    """Names of a table's columns; none where it does not exist."""
    opened = _open(model, table, version)
    return () if opened is None else table_schema.names_of(opened)


def opened(model: str, table: str) -> DeltaTable | None:
    """The table as it is now, for what is asked of its schema; None where it does not exist."""
    return _open(model, table)


def partition_snapshots(model: str, table: str, version: int | None = None) -> dict[str, str]:
    """Map each day to a digest that changes whenever that day's rows are replaced.

    Made from the names of the day's files, which are new with every write.
    """
    opened = _open(model, table, version)
    return {} if opened is None else digests(opened)


def digests(opened: DeltaTable) -> dict[str, str]:
    """As `partition_snapshots`, of a table that is open."""
    actions = pa.table(opened.get_add_actions(flatten=True)).select(["path", "partition.day"]).to_pylist()
    paths: dict[str, list[str]] = {}
    for action in actions:
        paths.setdefault(action["partition.day"], []).append(action["path"])
    return {day: hashlib.sha256("\n".join(sorted(files)).encode()).hexdigest()[:16] for day, files in paths.items()}


def _open(model: str, table: str, version: int | None = None) -> DeltaTable | None:
    uri = table_uri(model, table)
    try:
        return DeltaTable(uri, version=version)
    except TableNotFoundError:
        return None
    except DeltaError as error:
        if version is None:
            raise
        newest = DeltaTable(uri).version()
        raise PermanentError(f"table {uri}: no version {version}; versions are 0 to {newest} ({error})") from error


def _to_arrow(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)


def _with_columns(rows: pa.Table, columns: Mapping[str, pa.Array]) -> pa.Table:
    for name, values in columns.items():
        rows = rows.append_column(name, values)
    return rows


def _ensure(model: str, table: str, schema: pa.Schema, partition_by: list[str]) -> str:
    """Create the table where it is missing; of several that try at once, one creates and the others find it."""
    uri = table_uri(model, table)
    if _open(model, table) is None:
        if "://" not in uri:
            Path(uri).parent.mkdir(parents=True, exist_ok=True)
        create = functools.partial(DeltaTable.create, mode="ignore", partition_by=partition_by)
        commits.repeat(uri, lambda: create(uri, schema, configuration=KEEP_VERSIONS))
    return uri


def _replace(
    model: str,
    table: str,
    rows: pa.Table,
    predicate: str,
    partition_by: list[str],
    made_from: Mapping[str, str] | None = None,
) -> int:
    uri = _ensure(model, table, rows.schema, partition_by)

    def write() -> int:
        opened = DeltaTable(uri)  # anew at each attempt, so that it takes in what won the race before
        now = digests(opened) if made_from else {}
        if changed := sorted(day for day, digest in (made_from or {}).items() if now.get(day) != digest):
            raise TransientError(
                f"table {uri}: day {', '.join(changed)} was replaced by another writer in between; nothing was "
                "changed, the task's retry reads it again"
            )
        table_schema.refuse_casts(uri, opened, rows.schema)
        write_deltalake(
            opened, rows, mode="overwrite", predicate=predicate, partition_by=partition_by, schema_mode="merge"
        )
        return opened.version()

    return commits.repeat(uri, write)

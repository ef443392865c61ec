"""A model's tables, as Delta Lake: a partition is replaced whole in one commit and every version stays readable.

The root is a folder or an `s3://` address (`NIGHTSHIFT_TABLES`); credentials for the latter come from the usual AWS
variables, which deltalake reads itself. Nothing deletes old versions: a version number names a snapshot for ever.
"""

from __future__ import annotations

import functools
import hashlib
import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from include.config import environment
from include.errors import PermanentError, TransientError

if TYPE_CHECKING:
    import pandas as pd

    from include.config.schema import ColumnType

ATTEMPTS = 12
KEEP_VERSIONS = {
    # By default every hundredth commit deletes log entries older than 30 days, after which an old version opens as an
    # empty table without a word; and a VACUUM by any engine may delete replaced files that are a week old.
    "delta.enableExpiredLogCleanup": "false",
    "delta.logRetentionDuration": "interval 36500 days",
    "delta.deletedFileRetentionDuration": "interval 36500 days",
}
ARROW_TYPES: Mapping[str, pa.DataType] = {
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
}
Result = TypeVar("Result")


def table_uri(model: str, table: str) -> str:
    """Address of a table: `<root>/<model>/<table>`."""
    return f"{environment.tables_uri().rstrip('/')}/{model}/{table}"


def schema_for(columns: Mapping[str, ColumnType], extra: Mapping[str, ColumnType] | None = None) -> pa.Schema:
    """Arrow schema of declared columns, followed by `extra` ones."""
    kinds = {**columns, **(extra or {})}
    return pa.schema([pa.field(name, ARROW_TYPES[kind]) for name, kind in kinds.items()])


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
    predicate = " AND ".join(f"{name} = '{value}'" for name, value in partition.items())
    return _replace(model, table, rows, predicate, list(partition))


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
    listed = ", ".join(f"'{day.isoformat()}'" for day in days)
    predicate = " AND ".join([f"day IN ({listed})", *(f"{name} = '{value}'" for name, value in inner.items())])
    return _replace(model, table, rows, predicate, ["day", *inner], made_from or {})


def append(model: str, table: str, frame: pd.DataFrame, schema: pa.Schema) -> int:
    """Append rows in one commit and return that commit's version."""
    rows = _to_arrow(frame, schema)
    uri = _ensure(model, table, rows.schema, [])

    def write() -> int:
        opened = DeltaTable(uri)
        write_deltalake(opened, rows, mode="append", schema_mode="merge")
        return opened.version()

    return _retried(uri, write)


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
    missing = sorted(set(columns or ()) - {field.name for field in opened.schema().fields})
    if missing:
        raise PermanentError(
            f"table {table_uri(model, table)}: version {opened.version()} has no column {', '.join(missing)}; "
            f"a column added to data.columns is there once its days are ingested again ({model}__ingest)"
        )
    filters: list[tuple[str, str, object]] = [(name, "=", value) for name, value in (where or {}).items()]
    if days is not None:
        filters += [("day", ">=", days[0].isoformat()), ("day", "<=", days[1].isoformat())]
    return opened.to_pyarrow_table(columns=list(columns) if columns else None, filters=filters or None)


def columns_of(model: str, table: str, version: int | None = None) -> tuple[str, ...]:
    """Names of a table's columns; none where it does not exist."""
    opened = _open(model, table, version)
    return () if opened is None else tuple(field.name for field in opened.schema().fields)


def partition_snapshots(model: str, table: str, version: int | None = None) -> dict[str, str]:
    """Map each day to a digest that changes whenever that day's rows are replaced.

    Made from the names of the day's files, which are new with every write.
    """
    opened = _open(model, table, version)
    return {} if opened is None else _digests(opened)


def _digests(opened: DeltaTable) -> dict[str, str]:
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
        _retried(uri, lambda: create(uri, schema, configuration=KEEP_VERSIONS))
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
        now = _digests(opened) if made_from else {}
        if changed := sorted(day for day, digest in (made_from or {}).items() if now.get(day) != digest):
            raise TransientError(
                f"table {uri}: day {', '.join(changed)} was replaced by another writer in between; nothing was "
                "changed, the task's retry reads it again"
            )
        write_deltalake(
            opened, rows, mode="overwrite", predicate=predicate, partition_by=partition_by, schema_mode="merge"
        )
        return opened.version()

    return _retried(uri, write)


def _retried(uri: str, write: Callable[[], Result]) -> Result:
    """Repeat a write that lost the race for the next version number; the loser has written nothing visible."""
    for attempt in range(ATTEMPTS):
        try:
            return write()
        except CommitFailedError as error:
            if attempt == ATTEMPTS - 1:
                raise TransientError(
                    f"table {uri}: other writers were first in each of {ATTEMPTS} attempts ({error}); "
                    "nothing was changed, the task's retry writes it again"
                ) from error
            time.sleep(random.uniform(0.05, 0.2) * (attempt + 1))  # noqa: S311 - spreads retries, no secret
        except DeltaError as error:
            raise PermanentError(
                f"table {uri}: the rows do not fit the table ({error}); nothing was changed. Compare their types with "
                "data.columns: a type cannot change in place, a new column name can be added"
            ) from error
        except OSError as error:
            raise TransientError(
                f"table {uri}: the storage failed ({error}); the task's retry writes it again"
            ) from error
    raise AssertionError("unreachable")

"""A model's tables, as Delta Lake: a partition is replaced whole in one commit and every version stays readable.

The root is a folder or an `s3://` address (`NIGHTSHIFT_TABLES`); credentials for the latter come from the usual AWS
variables, which deltalake reads itself. Nothing here deletes old versions: a version number names a snapshot for ever.
"""

from __future__ import annotations

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
from include.errors import TransientError

if TYPE_CHECKING:
    import pandas as pd

    from include.config.schema import ColumnType

ATTEMPTS = 12
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


def schema_for(columns: Mapping[str, ColumnType]) -> pa.Schema:
    """Arrow schema of declared columns."""
    return pa.schema([pa.field(name, ARROW_TYPES[kind]) for name, kind in columns.items()])


def table_version(model: str, table: str) -> int | None:
    """Newest version of a table, or None where it does not exist."""
    opened = _open(model, table)
    return None if opened is None else opened.version()


def replace_partition(
    model: str, table: str, frame: pd.DataFrame, partition: Mapping[str, str], schema: pa.Schema
) -> int:
    """Replace one partition whole, in one commit, and return the new version.

    `partition` gives the value of each partition column; `frame` has the columns of `schema` without them. An empty
    frame empties the partition. Writers of other partitions never disturb this one.
    """
    values = {name: pa.array([value] * len(frame), pa.string()) for name, value in partition.items()}
    rows = _with_columns(_to_arrow(frame, schema), values)
    predicate = " AND ".join(f"{name} = '{value}'" for name, value in partition.items())
    return _replace(model, table, rows, predicate, list(partition))


def replace_days(
    model: str, table: str, frame: pd.DataFrame, day_of_row: pd.Series, days: Sequence[date], schema: pa.Schema
) -> int:
    """Replace the `day` partitions of `days` in one commit; `day_of_row` names each row's day. Returns the version."""
    values = {"day": pa.array([day.isoformat() for day in day_of_row], pa.string())}
    rows = _with_columns(_to_arrow(frame, schema), values)
    listed = ", ".join(f"'{day.isoformat()}'" for day in days)
    return _replace(model, table, rows, f"day IN ({listed})", ["day"])


def append(model: str, table: str, frame: pd.DataFrame, schema: pa.Schema) -> int:
    """Append rows in one commit and return the version."""
    rows = _to_arrow(frame, schema)
    uri = _ensure(model, table, rows.schema, [])
    _retried(uri, lambda: write_deltalake(uri, rows, mode="append"))
    return DeltaTable(uri).version()


def read(
    model: str,
    table: str,
    columns: Sequence[str] | None = None,
    days: tuple[date, date] | None = None,
    version: int | None = None,
    where: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Read a table, pruned to `days` (first and last, both included) and to the partition values of `where`.

    A table that does not exist reads as an empty frame with the columns asked for.
    """
    import pandas as pd

    opened = _open(model, table, version)
    if opened is None:
        return pd.DataFrame(columns=list(columns or []))
    filters: list[tuple[str, str, object]] = [(name, "=", value) for name, value in (where or {}).items()]
    if days is not None:
        filters += [("day", ">=", days[0].isoformat()), ("day", "<=", days[1].isoformat())]
    return opened.to_pandas(columns=list(columns) if columns else None, filters=filters or None)


def partition_snapshots(model: str, table: str, version: int | None = None) -> dict[str, str]:
    """Map each day to a digest that changes whenever that day's rows are replaced.

    Made from the names of the day's files, which are new with every write.
    """
    opened = _open(model, table, version)
    if opened is None:
        return {}
    actions = pa.table(opened.get_add_actions(flatten=True)).select(["path", "partition.day"]).to_pylist()
    paths: dict[str, list[str]] = {}
    for action in actions:
        paths.setdefault(action["partition.day"], []).append(action["path"])
    return {day: hashlib.sha256("\n".join(sorted(files)).encode()).hexdigest()[:16] for day, files in paths.items()}


def _open(model: str, table: str, version: int | None = None) -> DeltaTable | None:
    try:
        return DeltaTable(table_uri(model, table), version=version)
    except TableNotFoundError:
        return None


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
        _retried(uri, lambda: DeltaTable.create(uri, schema, mode="ignore", partition_by=partition_by))
    return uri


def _replace(model: str, table: str, rows: pa.Table, predicate: str, partition_by: list[str]) -> int:
    uri = _ensure(model, table, rows.schema, partition_by)
    _retried(uri, lambda: write_deltalake(uri, rows, mode="overwrite", predicate=predicate, partition_by=partition_by))
    return DeltaTable(uri).version()


def _retried(uri: str, write: Callable[[], Result]) -> Result:
    """Repeat a write that lost the race for the next version number; the loser has written nothing visible."""
    for attempt in range(ATTEMPTS):
        try:
            return write()
        except (CommitFailedError, DeltaError) as error:
            conflict = isinstance(error, CommitFailedError) or "version" in str(error).lower()
            if not conflict or attempt == ATTEMPTS - 1:
                raise TransientError(
                    f"table {uri}: could not write after {attempt + 1} attempts ({error}); "
                    "nothing was changed, the task's retry writes it again"
                ) from error
            time.sleep(random.uniform(0.05, 0.2) * (attempt + 1))  # noqa: S311 - spreads retries, no secret
    raise AssertionError("unreachable")

"""Rows from somebody's Delta Lake table: the columns that are declared, the days that are asked for."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import DeltaTable, QueryBuilder
from deltalake.exceptions import DeltaError, DeltaProtocolError, TableNotFoundError

from include.config import environment
from include.data.typed_files import frame_of
from include.errors import PermanentError, TransientError

if TYPE_CHECKING:
    import pandas as pd

    from include.config.schema import DeltaSource, ModelConfig


def read(config: ModelConfig, which: str, source: DeltaSource, start: date, end: date) -> pd.DataFrame:
    """Rows of the days from `start` to `end`, both included; of a snapshot, all. Rows without a day come always.

    Files whose partition or statistics lie outside the days are not opened. Settings of the storage, such as AWS's, are
    taken from the environment by deltalake itself.

    Raises PermanentError where there is no such table or it cannot be read, TransientError where the storage fails.
    """
    field = f"include/models/{config.name}.yaml: data.{which}.path"
    address = source.path if "://" in source.path else str(environment.REPOSITORY / source.path)
    return _read(field, address, partial(_rows_of_days, config, start, end))


def read_whole(field: str, address: str) -> pd.DataFrame:
    """All rows and columns of a table; `field` names it in errors, which are those of `read`."""
    return _read(field, address, lambda opened: _rows(opened, None, lambda _: None))


def _read(field: str, address: str, rows_of: Callable[[DeltaTable], pa.Table]) -> pd.DataFrame:
    try:
        return frame_of(rows_of(DeltaTable(address)))
    except TableNotFoundError:
        raise PermanentError(f"{field}: there is no Delta table at {address}; correct the path, or create it") from None
    except (DeltaError, pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        raise PermanentError(f"{field}: {address} cannot be read: {_first_line(error)}; correct the path") from error
    except OSError as error:
        raise TransientError(
            f"{field}: {address}: the storage does not answer ({_first_line(error)}); a retry may help"
        ) from error


def _rows_of_days(config: ModelConfig, start: date, end: date, opened: DeltaTable) -> pa.Table:
    there = {field.name for field in opened.schema().fields}
    declared = [name for name in config.data.columns if name in there]
    return _rows(opened, declared, lambda schema: None if config.data.snapshot else _asked(config, schema, start, end))


def _rows(
    opened: DeltaTable, columns: list[str] | None, asked: Callable[[pa.Schema], ds.Expression | None]
) -> pa.Table:
    """The rows that are asked for, as far as the table can tell."""
    try:
        dataset = opened.to_pyarrow_dataset()
    except DeltaProtocolError:
        # Rows marked as deleted beside the files, as Databricks does: only the table's own engine skips them.
        names = columns if columns is not None else [field.name for field in opened.schema().fields]
        listed = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
        found = QueryBuilder().register("rows", opened).execute(f"select {listed} from rows")  # noqa: S608 - quoted names
        whole = _without_views(pa.table(found.read_all()))
        only = asked(whole.schema)
        return whole if only is None else whole.filter(only)
    return dataset.to_table(columns=columns, filter=asked(dataset.schema))


def _without_views(rows: pa.Table) -> pa.Table:
    """The engine's views of text and bytes as such, which Arrow can filter, in lists and structs too."""
    return rows.cast(pa.schema([(field.name, _without_view(field.type)) for field in rows.schema]))


def _without_view(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_binary_view(kind):
        return pa.binary()
    if pa.types.is_list(kind):
        return pa.list_(_without_view(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _without_view(field.type)) for field in kind])
    return kind


def _asked(config: ModelConfig, schema: pa.Schema, start: date, end: date) -> ds.Expression | None:
    """Which rows can be of the days asked for, as far as the table itself can tell; None where it cannot."""
    data = config.data
    name = data.time or data.day
    if name not in schema.names:
        return None
    kind, column = schema.field(name).type, ds.field(name)
    if pa.types.is_date(kind):
        inside = (column >= start) & (column <= end)
    elif pa.types.is_timestamp(kind):
        # A midnight of another zone may be a day that begins at another moment: a day more at both ends is looked at.
        more = timedelta(days=1) if data.columns.get(name) == "date" and kind.tz else timedelta(0)
        days = (start - more, end + more + timedelta(days=1))
        first, after = (_moment(day, kind, config.schedule.timezone) for day in days)
        inside = (column >= first) & (column < after)
    else:
        return None  # text, which may be no day at all
    return inside | column.is_null()


def _moment(day: date, kind: pa.TimestampType, zone: str) -> pa.Scalar:
    """The first moment of a calendar day in the model's zone, for a column of that type."""
    midnight = datetime.datetime.combine(day, datetime.time())
    return pa.scalar(midnight.replace(tzinfo=ZoneInfo(zone)) if kind.tz else midnight, type=kind)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)

"""Tables that are read whole each night: which day they are filed under, whether anything changed, how many stay."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from include.data import tables
from include.data.windows import VALIDATED, row_keys
from include.errors import PermanentError

if TYPE_CHECKING:
    import pandas as pd

    from include.config.schema import ModelConfig

DAYS_LATE = 1
"""Days by which a night may be over when its task runs: it may start before midnight, and be retried after it."""


def refuse_other_days(config: ModelConfig, days: Sequence[date], night: date | None, today: date | None) -> None:
    """Refuse to file the table as it is now under a day that it is not of.

    A source that looks back (a function, a query that binds its days, a file a day) may be asked for any. All others
    only for the day before `night`, and for a night that `today` is of, as a backfill's is not. Without a night, for
    one day. Raises PermanentError.
    """
    if not config.data.snapshot or config.data.source.looks_back:
        return
    asked = f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"
    own = None if night is None else night - timedelta(days=1)
    late = night is not None and today is not None and not 0 <= (today - night).days <= DAYS_LATE
    if not late and len(days) == 1 and own in (None, days[0]):
        return
    means = f"the snapshot of night {night} is {own}" + (f", and today is {today}" if late else "") if night else "one"
    raise PermanentError(
        f"{config.name}: {asked} cannot be ingested: {config.data.source.place} gives its table as it is now, which "
        f"would be filed under a day that it is not of ({means}). Run {config.name}__ingest without days, or give a "
        "source that looks back: a query with :start and :end, a file a day with {day} in its path, or a python source"
    )


def same_as(config: ModelConfig, accepted: pd.DataFrame, schema: pa.Schema) -> dict[date, date]:
    """For each snapshot among the accepted rows, the stored one before it where no row differs, in any column."""
    if not config.data.snapshot or accepted.empty:
        return {}
    found = {}
    stored = _stored_days(config)
    for day in sorted(set(accepted[config.data.day])):
        rows = accepted[accepted[config.data.day] == day]
        before = max((one for one in stored if one < day), default=None)
        if before is None or set(schema.names) - set(tables.columns_of(config.name, VALIDATED)):
            continue
        earlier = tables.read_arrow(config.name, VALIDATED, schema.names, (before, before))
        now = pa.Table.from_pandas(
            rows.assign(row_key=row_keys(config, rows))[schema.names], schema=schema, preserve_index=False
        )
        if earlier is not None and _content(config, earlier, schema).equals(_content(config, now, schema)):
            found[day] = before
    return found


def beyond_keeping(config: ModelConfig, written: Collection[date]) -> list[date]:
    """Stored days of a snapshot that leave the table once those `written` are in it: all but the newest ones.

    Nothing is lost by it: earlier versions of the table hold them, and a registered version's run names its own.
    """
    if not config.data.snapshot or not written:
        return []
    kept = sorted({*_stored_days(config), *written})[-config.data.keep_snapshots :]
    return sorted(day for day in _stored_days(config) if day not in kept and day not in written)


def _stored_days(config: ModelConfig) -> list[date]:
    return sorted(date.fromisoformat(day) for day in tables.partition_snapshots(config.name, VALIDATED))


def _content(config: ModelConfig, rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows without the day that they are filed under, in the order of their keys."""
    plain = rows.select(schema.names).cast(schema).replace_schema_metadata(None)
    return plain.drop_columns([config.data.day]).sort_by("row_key").combine_chunks()

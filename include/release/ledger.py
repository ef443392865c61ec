"""The ledger of releases: one line for each intention, outcome and refusal. Lines are added, never changed.

A Delta table `releases` of the model, so that it is read by whatever reads the rest and every past state of it can be
read again. What a run last said of a version is not said twice: a task that runs again adds no line.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pyarrow as pa

from include.contracts import ReleaseEvent
from include.data import tables

TABLE = "releases"
SCHEMA = pa.schema(
    [
        pa.field("at", pa.timestamp("us", tz="UTC")),
        pa.field("model", pa.string()),
        pa.field("event", pa.string()),
        pa.field("version", pa.int64()),
        pa.field("champion_before", pa.int64()),
        pa.field("champion_after", pa.int64()),
        pa.field("actor", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("airflow_run_id", pa.string()),
        pa.field("evidence", pa.string()),
    ]
)
INTEGERS = ("version", "champion_before", "champion_after")


def append(event: ReleaseEvent) -> ReleaseEvent:
    """Add a line and return it. Where this run's last line on this version is the same event, that line is returned.

    Only the last one counts, so that a run which was refused, then retried and interrupted, can be closed again.
    """
    last = latest(history(event.model)).get((event.airflow_run_id, event.version))
    if last is not None and last.event == event.event:
        return last
    row = pd.DataFrame([event.model_dump()])
    for column in INTEGERS:
        row[column] = row[column].astype("Int64")
    tables.append(event.model, TABLE, row, SCHEMA)
    return event


def history(model: str) -> list[ReleaseEvent]:
    """Every line of a model, oldest first."""
    frame = tables.read(model, TABLE, SCHEMA.names)
    rows = frame.astype(object).where(frame.notna(), None).to_dict(orient="records")
    events = [ReleaseEvent.model_validate(_plain({str(key): value for key, value in row.items()})) for row in rows]
    return sorted(events, key=lambda event: event.at)


def latest(events: Sequence[ReleaseEvent]) -> dict[tuple[str, int], ReleaseEvent]:
    """The last line of each (Airflow run, version), in the order in which those pairs first came."""
    return {(event.airflow_run_id, event.version): event for event in events}


def _plain(row: dict[str, object]) -> dict[str, object]:
    """Integers that may be missing come back from pandas as floats."""
    numbers = {column: None if row[column] is None else int(str(row[column]).removesuffix(".0")) for column in INTEGERS}
    moment = row["at"]
    return {**row, **numbers, "at": moment.to_pydatetime() if isinstance(moment, pd.Timestamp) else moment}

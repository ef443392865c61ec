"""The ledger of releases: one line for each intention, outcome and refusal. Lines are added, never changed.

A Delta table `releases` of the model, so that it is read by whatever reads the rest and every past state of it can be
read again. What a run last said of a version is not said twice: a task that runs again adds no line. A column that is
newer than the table is added by the next line, and is empty in the lines before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

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
        pa.field("rule", pa.string()),
        pa.field("answered_by", pa.string()),
        pa.field("aims_at", pa.string()),
        pa.field("interrupted", pa.bool_()),
    ]
)
INTEGERS = ("version", "champion_before", "champion_after")
SMALL_FILES = 32
"""Lines that may lie in a file of their own: the ledger is read at every step of a release."""
NEWER = ("rule", "answered_by", "aims_at")
"""Text columns that a table written by an earlier version of Nightshift lacks."""


def append(event: ReleaseEvent) -> ReleaseEvent:
    """Add a line and return it. Where this run's last line on this version says the same, that line is returned.

    Only the last one counts, so that a run which was refused, then retried and interrupted, can be closed again. The
    answer of another person is another line.
    """
    last = latest(history(event.model)).get((event.airflow_run_id, event.version))
    if last is not None and (last.event, last.answered_by) == (event.event, event.answered_by):
        return last
    tables.append(event.model, TABLE, row_of(event), SCHEMA)
    if event.event != "intended":  # the outcome is what a promotion must not be late with
        tables.compact(event.model, TABLE, above=SMALL_FILES)
    return event


def row_of(event: ReleaseEvent) -> pd.DataFrame:
    """The line as a row of the table."""
    row = pd.DataFrame([event.model_dump()])
    return row.astype(dict.fromkeys(INTEGERS, "Int64"))


def history(model: str) -> list[ReleaseEvent]:
    """Every line of a model, oldest first."""
    frame = tables.read(model, TABLE).reindex(columns=SCHEMA.names)
    rows = frame.astype(object).where(frame.notna(), None).to_dict(orient="records")
    events = [ReleaseEvent.model_validate(_plain({str(key): value for key, value in row.items()})) for row in rows]
    return sorted(events, key=lambda event: event.at)


def latest(events: Sequence[ReleaseEvent]) -> dict[tuple[str, int], ReleaseEvent]:
    """The last line of each (Airflow run, version), in the order in which those pairs first came."""
    return {(event.airflow_run_id, event.version): event for event in events}


def champion(events: Sequence[ReleaseEvent]) -> tuple[int | None, datetime | None]:
    """The version that the ledger says is served, and since when; None before the first release.

    An intention moves nothing, and a refusal says what was served without moving it.
    """
    moves = [event for event in events if event.event in ("promoted", "rolled_back")]
    if not moves:
        return None, None
    served = moves[-1].champion_after
    placed = [event.at for event in moves if event.champion_after == served != event.champion_before]
    return served, placed[-1] if placed else moves[-1].at


def anchor_version(events: Sequence[ReleaseEvent], champion: int | None) -> int | None:
    """The version against which a challenger that need only be no worse than `champion` is held as well.

    The last one that was released by being better, or first: small losses, each within the margin, are summed up from
    there. A version that was released as no worse passes the question on to the champion that it replaced, and so does
    one that a person put in place and that no rule had released. What the ledger does not know answers for itself.
    """
    placed: dict[int, ReleaseEvent] = {}
    for name in ("promoted", "rolled_back"):
        for event in events:
            if event.event == name:
                placed.setdefault(event.version, event)
    version = champion
    while version in placed:
        line = placed.pop(version)  # so that a ledger that runs in a circle ends too
        passes_on = line.event == "rolled_back" or line.rule == "non_inferiority"
        if not passes_on or line.champion_before is None:
            break
        version = line.champion_before
    return version


def _plain(row: dict[str, object]) -> dict[str, object]:
    """Integers that may be missing come back from pandas as floats, newer columns of older lines as missing."""
    numbers = {column: None if row[column] is None else int(str(row[column]).removesuffix(".0")) for column in INTEGERS}
    texts = {column: row[column] or "" for column in NEWER}
    said = {"interrupted": bool(row["interrupted"])} if row["interrupted"] is not None else _read_words(row)
    moment = row["at"].to_pydatetime() if isinstance(row["at"], pd.Timestamp) else row["at"]
    return {**row, **numbers, **texts, **said, "at": moment}


def _read_words(row: Mapping[str, object]) -> dict[str, object]:
    """What a line of the time before these columns says by how its texts begin, as they were written then."""
    evidence, reason = str(row["evidence"] or ""), str(row["reason"] or "")
    aims_at = "rolled_back" if evidence.startswith("rollback of ") else "promoted"
    return {
        "aims_at": aims_at if row["event"] == "intended" else "",
        "interrupted": row["event"] == "refused" and reason.startswith("interrupted before the alias moved"),
    }

"""Requests to retrain that were really made: one for a night, whatever looks at it twice.

The asset event starts the retrain run and may be doubled or lost; this table says whether a request was made. It is
written before the event, by the Airflow run that will make it, so that a killed task's retry makes it all the same.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime

import pandas as pd
import pyarrow as pa

from include import clock
from include.contracts import Contract
from include.data import tables
from include.data.locks import registry_lock

TABLE = "retrain_requests"
SCHEMA = pa.schema(
    [
        pa.field("night", pa.date32()),
        pa.field("at", pa.timestamp("us", tz="UTC")),
        pa.field("airflow_run_id", pa.string()),
        pa.field("reasons", pa.string()),
    ]
)


class Request(Contract):
    """A request that was made, and the Airflow run that made it."""

    night: date
    at: datetime
    airflow_run_id: str
    reasons: tuple[str, ...]


def claim(model: str, night: date, airflow_run_id: str, reasons: Sequence[str]) -> Request:
    """Note that this run asks for retraining on the night, or return the request that stands in its way.

    The caller asks only where the returned request has its own run id. A request of a later night stands in the way
    too: what it started has seen this night's rows. Raises TransientError where another process holds the lock.
    """
    with registry_lock(f"{model}.requests"):
        standing = [made for made in made_requests(model) if made.night >= night]
        if standing:
            return next((made for made in standing if made.airflow_run_id == airflow_run_id), standing[0])
        made = Request(night=night, at=clock.now(), airflow_run_id=airflow_run_id, reasons=tuple(reasons))
        row = made.model_dump() | {"reasons": json.dumps(made.reasons)}
        tables.append(model, TABLE, pd.DataFrame([row]), SCHEMA)
        return made


def nights(model: str) -> tuple[date, ...]:
    """Nights on which retraining was asked for, the earliest first."""
    return tuple(made.night for made in made_requests(model))


def made_requests(model: str) -> list[Request]:
    """Every request, by night."""
    rows = tables.read(model, TABLE, SCHEMA.names).to_dict(orient="records")
    made = [Request.model_validate({**row, "reasons": json.loads(row["reasons"])}) for row in rows]
    return sorted(made, key=lambda request: request.night)

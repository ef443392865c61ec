"""The forms that a person fills in the Airflow UI to run a DAG by hand, checked before the run exists."""

from __future__ import annotations

from airflow.sdk import Param


def optional_date(title: str, description: str) -> Param:
    """A date field that may stay empty."""
    return Param(None, type=["null", "string"], format="date", title=title, description=description)


INGEST = {
    "start": optional_date("First day", "First day to ingest; empty: the day before the run's night."),
    "end": optional_date("Last day", "Last day to ingest; empty: the first day only."),
}
NO_LOOKING_BACK = {
    name: optional_date(
        title, "Leave empty: the source gives its table as it is now, which is the snapshot of the run's night alone."
    )
    for name, title in (("start", "First day"), ("end", "Last day"))
}
"""Ingest's form for a snapshot whose source cannot answer for a day that has passed."""
RETRAIN = {
    "as_of": optional_date("As of night", "Train as on this night, on what was known then; empty: tonight."),
}
SCORE = {
    "start": optional_date("First day", "Score these days again, whoever scored them; empty: what is not scored yet."),
    "end": optional_date("Last day", "Empty: the first day only."),
}
MONITOR = {
    "night": optional_date("Night", "Look at the day before this night; empty: tonight."),
    "tell": Param(
        True, type="boolean", title="Tell", description="Tell people what opens or ends; off for a look at the past."
    ),
}
SHADOW = {
    "night": optional_date("Night", "Judge by what was known on this night; empty: tonight."),
    "recall": Param(
        None,
        type=["null", "string"],
        minLength=5,
        maxLength=500,
        title="Recall",
        description="Why the trial is to end now without a promotion, kept in the ledger; empty: it goes on.",
    ),
}
ROLLBACK = {
    "version": Param(
        None,
        type=["null", "integer"],
        minimum=1,
        title="Version",
        description="Version to serve again; empty: the previous champion.",
    ),
    "reason": Param(
        type="string",
        minLength=5,
        maxLength=500,
        title="Reason",
        description="Why: kept in the ledger beside your name.",
    ),
}

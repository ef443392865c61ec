"""What Airflow calls when a task has ended for good: a failure is told, and told to be over when it is.

Set for every task by the factory. Airflow calls `tell_failure` only once no try is left. Imports wait until then, for
this file is read with every DAG file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from airflow.sdk import Context


def tell_failure(context: Context) -> None:
    """Tell that the task failed; what fails here is logged by Airflow and changes nothing."""
    from airflow.sdk.log import redact

    from include.alerts import failures
    from include.errors import DataRefused

    error, ti = context.get("exception"), context["ti"]
    refused = isinstance(getattr(error, "__cause__", None), DataRefused)
    failures.task_failed(
        _model(context),
        _name(context),
        _night(context),
        str(redact(str(error or ""))),
        ti.try_number,
        {"Airflow": ti.log_url},
        # The night's look says the same of the day before; of days that were ingested by hand it says nothing.
        refused=refused and context["dag_run"].run_type == "scheduled",
        history=refused and any(context["params"].get(name) for name in ("start", "end")),
    )


def tell_end(context: Context) -> None:
    """End the task's alarm, and where the run has come to its end by it, that of a late run.

    A last task without an asset runs beside what the run is for, and may end long before.
    """
    task = context["task"]
    _end(context, last=bool(task.outlets) and not task.downstream_task_ids)


def tell_skip(context: Context) -> None:
    """As `tell_end`: what a task skips after it, ends the run."""
    task = context["task"]
    _end(context, last=bool(task.outlets or task.downstream_task_ids))


def _end(context: Context, last: bool) -> None:
    from include.alerts import failures

    failures.task_ended(_model(context), _name(context), _night(context), last)


def _model(context: Context) -> str:
    """The model that a DAG's name begins with."""
    return context["ti"].dag_id.rpartition("__")[0]


def _name(context: Context) -> str:
    ti = context["ti"]
    number = f"[{ti.map_index}]" if ti.map_index is not None and ti.map_index >= 0 else ""
    return f"{ti.dag_id}.{ti.task_id}{number}"


def _night(context: Context) -> date:
    """The run's night; in UTC where the model file is faulty just now, for a failure must be told."""
    from include.config.loader import find_model
    from include.errors import ConfigError
    from nightshift.nights import night_of

    try:
        timezone = find_model(_model(context)).schedule.timezone
    except ConfigError:
        timezone = "UTC"
    return night_of(context, timezone)

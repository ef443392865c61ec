"""Tasks that failed for good, runs that are late, and what a crash left and was mended: told as alarms.

What Airflow calls when a task ends, or does not. Heavy imports wait until something is told: Airflow imports this file
to check a DAG.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

from include import clock

if TYPE_CHECKING:
    from include.config.schema import AlertsConfig

log = logging.getLogger(__name__)

LONGEST = 600
"""Characters of an error that are told; the log has the rest."""


def task_failed(
    model: str,
    task: str,
    night: date,
    error: str,
    tries: int,
    links: Mapping[str, str],
    refused: bool = False,
    history: bool = False,
) -> None:
    """Tell that a task failed and is not retried any more.

    :param task: `<dag>.<task>`, with `[n]` for a mapped one
    :param refused: whether the night's data was refused, which the night's look tells by the same alarm
    :param history: whether days that a person asked for were refused, who looks at them: nobody is woken
    """
    from include.alerts.message import masked
    from include.alerts.tell import tell_anyway
    from include.contracts import Alarm

    words = masked(error.strip()) or "no error was given"
    words = words if len(words) <= LONGEST else f"{words[:LONGEST]}…"
    alarm = Alarm(
        model=model,
        key="data" if refused else f"task:{task}",
        severity="warning" if history else "critical",
        sentence=words if refused else f"{task} failed after {tries} {'try' if tries == 1 else 'tries'}: {words}",
        next="open the task's log in Airflow; once it is mended, clear the task there",
    )
    tell_anyway(model, _rules(model), night, [alarm], links)


def task_ended(model: str, task: str, night: date, last: bool) -> None:
    """End the alarm of a task that did not fail this time, and with the chain's `last` task that of a late run."""
    from include.alerts.tell import read, tell

    over = {f"task:{task}", *([f"late:{task.partition('.')[0]}"] if last else [])}
    if any(state.is_open for key, state in read(model).items() if key in over):
        tell(model, _rules(model), night, ended=lambda state: state.key in over)


def note(
    model: str,
    key: str,
    sentence: str,
    night: date,
    links: Mapping[str, str],
    severity: Literal["info", "warning"] = "info",
) -> None:
    """Tell something that is over already, in one line and once: `key` names it for ever."""
    from include.alerts.states import NOTE
    from include.alerts.tell import tell
    from include.contracts import Alarm

    alarm = Alarm(model=model, key=f"{NOTE}:{key}", severity=severity, sentence=sentence)
    tell(model, _rules(model), night, [alarm], links=links)


async def run_late(model: str, hours: float, timezone: str, base_url: str, context: Mapping[str, Any]) -> None:
    """Tell that a run has not ended in time: what a DAG's DeadlineAlert calls, in the triggerer.

    Not in a worker: the run may be late because every worker hangs.

    :param context: Airflow's, of `dag_run` (as its REST API gives it) and `deadline` alone
    """
    await asyncio.to_thread(_run_late, model, hours, timezone, base_url, context["dag_run"])


def _run_late(model: str, hours: float, timezone: str, base_url: str, run: Mapping[str, Any]) -> None:
    from include.alerts.tell import tell_anyway
    from include.contracts import Alarm

    dag_id, run_id = str(run["dag_id"]), str(run["dag_run_id"])
    local = ZoneInfo(timezone)
    queued = datetime.fromisoformat(str(run.get("queued_at") or run["run_after"])).astimezone(local)
    alarm = Alarm(
        model=model,
        key=f"late:{dag_id}",
        severity="critical",
        sentence=(
            f"{dag_id} has not ended {hours:g} hours after it was queued, on {queued:%Y-%m-%d %H:%M %Z}; its run is "
            f"{run.get('state')}."
        ),
        next="open the run: which task runs, waits for a person (./nightshift approve) or has no worker",
    )
    address = f"{base_url.rstrip('/')}/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}"
    tell_anyway(model, _rules(model), clock.today(timezone), [alarm], {"Airflow": address})


def _rules(model: str) -> AlertsConfig:
    """Who is told of the model; all targets where its file is faulty just now, for a failure must be told."""
    from include.config.loader import find_model
    from include.config.schema import AlertsConfig
    from include.errors import ConfigError

    try:
        return find_model(model).alerts
    except ConfigError as error:
        log.error("%s", error)
        return AlertsConfig()

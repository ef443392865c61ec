"""How a question is put before people, and how its answer comes back, with no worker held in between.

An answer resumes the task by itself, but Airflow 3.3 can fail a task that is answered within seconds, or not resume it;
it keeps the answer. So a trigger looks for it too, and a retry asks nothing and has the trigger look. Only a person who
clears the task has the question asked anew.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import Param
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred
from airflow.sdk.execution_time.hitl import upsert_hitl_detail

from include.contracts import Approval, Contract
from nightshift.triggers.stored_answer import StoredAnswer

if TYPE_CHECKING:
    from airflow.sdk import Context

APPROVE, REJECT = "Approve", "Reject"
REASON = "reason"
NOTE = Param(None, type=["null", "string"], title="Reason", description="Why: kept in the ledger beside your name.")
FORM = {REASON: NOTE.serialize()}
ASKED = "asked"
"""Key in the task's state store, which outlives its tries."""
SETTLE_SECONDS = 5.0
"""Times the try's number: how long the trigger leaves the scheduler to see the end of the worker that asked."""


class Asked(Contract):
    """A question that has been put before people: about what, after how many clearings of the run, and until when."""

    about: str
    clearings: int
    hours: float
    until: datetime


def must_ask(context: Context, asking: Asked) -> bool:
    """Whether the question is new; False where an earlier try has put it, and its answer is to be waited for.

    Raises AirflowFailException where another question was asked here: Airflow would show that one's text again.
    """
    found = context["task_state_store"].get(ASKED)
    if found is None:
        return True
    asked = Asked.model_validate(found)
    if asked.about != asking.about:
        raise AirflowFailException(
            f"This run has asked about {asked.about}, and Airflow would show that text again; now it is about "
            f"{asking.about}. Next: ./nightshift trigger {context['dag'].dag_id}"
        )
    return asked.clearings != asking.clearings


def ask(context: Context, subject: str, body: str, asking: Asked) -> TaskDeferred:
    """Put the question where people see it; what is returned makes the task wait without a worker."""
    upsert_hitl_detail(
        ti_id=context["ti"].id,
        options=[APPROVE, REJECT],
        subject=subject,
        body=body,
        defaults=[REJECT],
        params=FORM,
    )
    context["task_state_store"].set(ASKED, asking.to_json())
    return wait(context)


def wait(context: Context) -> TaskDeferred:
    """Wait for the answer to the question that was asked, until its own deadline."""
    asked = Asked.model_validate(context["task_state_store"].get(ASKED))
    trigger = StoredAnswer(
        settle_seconds=SETTLE_SECONDS * context["ti"].try_number,
        ti_id=context["ti"].id,
        options=[APPROVE, REJECT],
        defaults=[REJECT],
        params={},  # any text that Airflow has kept is taken
        timeout_datetime=asked.until,
    )
    return TaskDeferred(trigger=trigger, method_name="execute_complete", kwargs={"hours": asked.hours})


def approval_of(event: dict[str, Any], hours: float) -> Approval:
    """The answer as the trigger tells it. Raises RuntimeError, which is retried, where it could not be read."""
    if "error" in event:
        raise RuntimeError(f"the answer could not be read: {event['error']}")
    person = event["responded_by_user"]
    return Approval(
        approved=event["chosen_options"] == [APPROVE],
        asked=True,
        answered_by=person["name"] if person else f"nobody (no answer within {hours:g} hours)",
        reason=str((event["params_input"] or {}).get(REASON) or "no reason given"),
        answered_at=event["responded_at"],
    )

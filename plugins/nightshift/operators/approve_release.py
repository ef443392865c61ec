"""approve_release: ask a person whether the version may be served, where somebody has to be asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk.bases.operatorlink import BaseOperatorLink
from airflow.sdk.exceptions import AirflowSkipException

from include import clock
from nightshift.hooks.tracking import TrackingHook
from nightshift.links import GateReportLink, MlflowLink
from nightshift.operators.base import NightshiftOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class ApproveRelease(NightshiftOperator):
    """Return the Approval. Where the gates refused, skip with the reasons; where nobody has to be asked, say so.

    A question waits in the Airflow UI and holds no worker (see `waiting.py`); silence until the deadline is a no.
    """

    template_fields: Sequence[str] = ("run_context", "decision")
    operator_extra_links: Sequence[BaseOperatorLink] = (MlflowLink(), GateReportLink())
    defaults: ClassVar[dict[str, Any]] = {
        **NightshiftOperator.defaults,
        "retries": 5,
        "retry_delay": timedelta(seconds=5),
    }

    def __init__(self, *, run_context: Any, decision: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_context = run_context
        self.decision = decision

    def run(self, context: Context) -> dict[str, Any]:
        from include.contracts import Approval, GateDecision, RunContext
        from nightshift import question, waiting

        frozen, decision = RunContext.from_json(self.run_context), GateDecision.from_json(self.decision)
        self.link_urls |= question.links(frozen, decision, self.ui_url)
        if decision.held_back:
            raise AirflowSkipException(decision.held_back)
        if not decision.ask_person:
            return Approval(approved=True, asked=False, answered_by="", reason="nobody has to agree").to_json()
        asking = question.asking(frozen, decision, context["dag_run"].clear_number or 0, clock.now())
        if waiting.must_ask(context, asking):
            subject, body = question.question(frozen, decision, self.ui_url, asking.until)
            self.log.info("Waiting for a person until %s: %s", asking.until.isoformat(timespec="minutes"), subject)
            raise waiting.ask(context, subject, body, asking)
        self.log.info("The question has been asked before; waiting for what was answered, or will be")
        raise waiting.wait(context)

    def execute_complete(self, context: Context, event: dict[str, Any], hours: float) -> dict[str, Any]:
        """Airflow calls this in a new process once there is an answer, or none in time."""
        from include.contracts import GateDecision, RunContext
        from nightshift import question, waiting

        approval = waiting.approval_of(event, hours)
        frozen, decision = RunContext.from_json(self.run_context), GateDecision.from_json(self.decision)
        self.link_urls |= question.links(frozen, decision, TrackingHook().get_conn().ui_url)
        self.log.info(approval.summary())
        return approval.to_json()

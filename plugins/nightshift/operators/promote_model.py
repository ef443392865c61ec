"""promote_model: move the champion alias to a version that the gates, and a person where asked, let through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from nightshift.links import MlflowLink
from nightshift.operators.base import NightshiftOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class PromoteModel(NightshiftOperator):
    """Skip, with the reasons, where gates or a person said no or nothing yet; otherwise return the ledger's line.

    Runs where `approve_release` was skipped too: a refusal is told here, and no approval is none where one is needed.
    """

    template_fields: Sequence[str] = ("run_context", "registered", "decision", "approval")

    def __init__(self, *, run_context: Any, registered: Any, decision: Any, approval: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_context = run_context
        self.registered = registered
        self.decision = decision
        self.approval = approval

    def run(self, context: Context) -> dict[str, Any]:
        from include.contracts import Approval, GateDecision, RegisteredVersion, RunContext
        from include.release import card
        from include.release.promotion import promote
        from include.tracking.naming import model_version_url

        if not self.decision:  # the task that judges was skipped: another version, or none, is on trial
            raise AirflowSkipException("No version was judged, so none is promoted")
        decision = GateDecision.from_json(self.decision)
        self.link_urls[MlflowLink.name] = model_version_url(self.ui_url, decision.model, decision.version)
        if decision.held_back:
            raise AirflowSkipException(decision.held_back)
        approval = Approval.from_json(self.approval) if self.approval else None
        event = promote(RunContext.from_json(self.run_context), decision, f"airflow:{self.dag_id}", approval)
        if approval is not None and approval.asked:
            card.answered(RegisteredVersion.from_json(self.registered), approval)
        if event.event != "promoted":
            raise AirflowSkipException(f"Version {event.version} was not promoted: {event.reason}")
        self.log.info("Champion is version %s (before: %s)", event.champion_after, event.champion_before)
        return event.to_json()

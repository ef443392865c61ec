"""promote_model: move the champion alias to a version that passed every gate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from nightshift.links import MlflowLink
from nightshift.operators.base import NightshiftOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class PromoteModel(NightshiftOperator):
    """Skip, with the reasons, where the verdict is refuse; otherwise return the ledger's line."""

    template_fields: Sequence[str] = ("run_context", "decision")

    def __init__(self, *, run_context: Any, decision: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_context = run_context
        self.decision = decision

    def run(self, context: Context) -> dict[str, Any]:
        from include.contracts import GateDecision, RunContext
        from include.release.promotion import promote
        from include.tracking.naming import model_version_url

        decision = GateDecision.from_json(self.decision)
        self.link_urls[MlflowLink.name] = model_version_url(self.ui_url, decision.model, decision.version)
        if decision.verdict == "refuse":
            raise AirflowSkipException(f"Version {decision.version} was refused: " + " ".join(decision.reasons))
        event = promote(RunContext.from_json(self.run_context), decision, actor=f"airflow:{self.dag_id}")
        if event.event != "promoted":
            raise AirflowSkipException(f"Version {event.version} was not promoted: {event.reason}")
        self.log.info("Champion is version %s (before: %s)", event.champion_after, event.champion_before)
        return event.to_json()

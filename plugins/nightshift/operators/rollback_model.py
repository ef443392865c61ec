"""rollback_model: give the champion alias back to the previous, or a named, version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nightshift.links import MlflowLink
from nightshift.operators.base import NightshiftOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class RollbackModel(NightshiftOperator):
    """Takes version and reason from the form; the ledger keeps both and who asked."""

    def run(self, context: Context) -> dict[str, Any]:
        from include.release.rollback import rollback
        from include.tracking.naming import model_version_url

        run = context["dag_run"]
        params = context["params"]
        actor = getattr(run, "triggering_user_name", None) or "airflow"
        event = rollback(self.model, params["version"], params["reason"], actor, run.run_id)
        self.link_urls[MlflowLink.name] = model_version_url(self.ui_url, event.model, event.version)
        self.log.info("Champion is version %s (before: %s): %s", event.version, event.champion_before, event.reason)
        return event.to_json()

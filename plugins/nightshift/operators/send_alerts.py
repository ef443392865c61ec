"""send_alerts: tell people what the night opened and what it ended, and what could not be sent before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightshift.nights import date_param, night_of
from nightshift.operators.base import NightshiftOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class SendAlerts(NightshiftOperator):
    """Reads the decision that was kept of the night, so that it tells what there is however the look ended.

    A target that cannot be reached fails nothing: it is logged, and told with the next look.
    """

    def run(self, context: Context) -> list[str]:
        from include.alerts.tell import tell, tell_decision
        from include.config.loader import find_model
        from include.monitoring.decisions import kept
        from include.tracking.naming import run_url

        config = find_model(self.model)
        night = date_param(context, "night") or night_of(context, config.schedule.timezone)
        decision = kept(self.model, night)
        if decision is None:
            self.log.warning("The night of %s was not decided on; only what waits is told", night)
            return [state.key for state in tell(self.model, config.alerts, night)]
        links = {"Airflow": context["ti"].log_url}
        if decision.mlflow_run_id:
            links["MLflow"] = run_url(self.ui_url, decision.experiment_id, decision.mlflow_run_id)
            self.link_to_run(decision.experiment_id, decision.mlflow_run_id)
        if not context["params"]["tell"]:
            self.log.info("Nobody is told, as the form asks: %s", "; ".join(decision.reasons))
            return []
        told = tell_decision(config.alerts, decision, links)
        if not told:
            self.log.info("Nothing new to tell")
        return [state.key for state in told]

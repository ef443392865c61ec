"""detect_drift: compare the night with the champion's reference, and measure it on labels that have matured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.bases.operatorlink import BaseOperatorLink
from airflow.sdk.exceptions import AirflowSkipException

from nightshift.links import DecisionLink, MlflowLink, ReportLink
from nightshift.nights import date_param, night_of
from nightshift.operators.base import NightshiftOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class DetectDrift(NightshiftOperator):
    """Return the night's MonitorResult; skip where there is nothing to watch: no release yet, or an ended source."""

    operator_extra_links: Sequence[BaseOperatorLink] = (MlflowLink(), ReportLink(), DecisionLink())

    def run(self, context: Context) -> dict[str, Any]:
        from include.config.loader import find_model
        from include.data.source_end import sentence, source_end
        from include.monitoring import decisions
        from include.monitoring.night import monitor_night

        config = find_model(self.model)
        night = date_param(context, "night") or night_of(context, config.schedule.timezone)
        if not date_param(context, "night") and (end := source_end(config, night)):
            decisions.on_data_alone(config, night)  # an alarm on data that an earlier night opened ends by it
            raise AirflowSkipException(sentence(config, end))
        result = monitor_night(config, night)
        if result is None:
            raise AirflowSkipException(f"{self.model} has no champion yet: run {self.model}__retrain first")
        self.link_to_monitoring(result)
        self.log.info("Night %s leads to: %s", night, result.decision.action if result.decision else "nothing")
        for reason in result.reasons:
            self.log.info(reason)
        return result.to_json()

    def link_to_monitoring(self, result: Any) -> None:
        """Point the buttons at the night's MLflow run, its drift report and its decision."""
        from include.tracking.naming import artifact_url
        from include.tracking.runs import experiment_of

        experiment = experiment_of(result.mlflow_run_id)
        self.link_to_run(experiment, result.mlflow_run_id)
        for link, page in ((ReportLink, "drift"), (DecisionLink, "policy")):
            if path := result.reports.get(page):
                self.link_urls[link.name] = artifact_url(self.ui_url, experiment, result.mlflow_run_id, path)

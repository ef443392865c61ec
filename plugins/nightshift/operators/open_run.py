"""open_run: freeze configuration and data of a retrain run, and open its MLflow run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from nightshift.nights import date_param, night_of
from nightshift.operators.base import NightshiftOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class OpenRun(NightshiftOperator):
    """The first task of a retrain run; returns the RunContext that every later task takes.

    Editing the model file after this task changes nothing in the run: later tasks read the frozen configuration. What
    a killed promotion left open is closed first, since the run is frozen to a champion too. Nothing is trained while a
    version is on trial in the shadow: what would be trained could not be compared before that trial ends. Nor by
    itself of a source that has ended.
    """

    def run(self, context: Context) -> dict[str, Any]:
        from include.alerts.failures import note
        from include.config.loader import find_model
        from include.data.source_end import sentence, source_end
        from include.release import trials
        from include.release.promotion import repair
        from include.training.jobs import open_run

        config = find_model(self.model)
        as_of = date_param(context, "as_of") or night_of(context, config.schedule.timezone)
        for event in repair(self.model):
            said = f"Closed an interrupted release: version {event.version} {event.event}: {event.reason}"
            self.log.warning(said)
            note(
                self.model,
                f"repaired:{event.airflow_run_id}:{event.version}",
                said,
                as_of,
                {"Airflow": context["ti"].log_url},
            )
        if not date_param(context, "as_of") and (end := source_end(config, as_of)):
            raise AirflowSkipException(sentence(config, end))
        if tried := trials.on_trial(config):
            raise AirflowSkipException(f"Nothing is trained. {trials.describe_trial(tried)}")
        opened = open_run(config, as_of, context["dag_run"].run_id, context["ti"].log_url)
        self.link_to_run(opened.experiment_id, opened.mlflow_run_id)
        self.log.info("Night %s, %s rows, data version %s", opened.as_of, f"{opened.rows:,}", opened.data_version)
        return opened.to_json()

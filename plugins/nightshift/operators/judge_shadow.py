"""judge_shadow: judge the version on trial by every matured night that champion and challenger both scored."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk.bases.operatorlink import BaseOperatorLink
from airflow.sdk.exceptions import AirflowSkipException

from nightshift.links import GateReportLink, MlflowLink
from nightshift.nights import date_param, night_of
from nightshift.operators.base import NightshiftOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class JudgeShadow(NightshiftOperator):
    """Return the night's Look: the decision, and what the run that trained the version was frozen to.

    Skipped, with the reason, where no version is on trial; a reason in the form recalls the one that is.
    """

    operator_extra_links: Sequence[BaseOperatorLink] = (MlflowLink(), GateReportLink())
    defaults: ClassVar[dict[str, Any]] = {**NightshiftOperator.defaults, "multiple_outputs": True}

    def run(self, context: Context) -> dict[str, Any]:
        from include.config.loader import find_model
        from include.release import promotion, shadow, trials
        from include.tracking.naming import artifact_url
        from include.tracking.runs import experiment_of

        promotion.repair(self.model)  # a promotion that was cut short after the alias moved has ended its trial
        if reason := context["params"].get("recall"):
            actor = getattr(context["dag_run"], "triggering_user_name", None) or "airflow"
            trials.recall(self.model, reason, actor)
        night = date_param(context, "night") or night_of(context, find_model(self.model).schedule.timezone)
        look = shadow.judge_shadow(self.model, night)
        if look is None:
            raise AirflowSkipException(trials.last_ending(self.model))
        experiment = experiment_of(look.mlflow_run_id)
        self.link_to_run(experiment, look.mlflow_run_id)
        page = artifact_url(self.ui_url, experiment, look.mlflow_run_id, "shadow/report.html")
        self.link_urls[GateReportLink.name] = page
        for line in look.decision.summary():
            self.log.log(logging.WARNING if line.refuses else logging.INFO, line.text)
        return look.to_json()

"""evaluate_gates: hold the new version against the gates and against the champion, on the same holdout rows."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.bases.operatorlink import BaseOperatorLink

from nightshift.links import GateReportLink, MlflowLink
from nightshift.operators.base import NightshiftOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class EvaluateGates(NightshiftOperator):
    """Return the GateDecision. A refusal is a result: the run stays green, and the log and the report say why."""

    template_fields: Sequence[str] = ("run_context", "registered")
    operator_extra_links: Sequence[BaseOperatorLink] = (MlflowLink(), GateReportLink())

    def __init__(self, *, run_context: Any, registered: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_context = run_context
        self.registered = registered

    def run(self, context: Context) -> dict[str, Any]:
        from include.contracts import RegisteredVersion, RunContext
        from include.release.judge import evaluate_gates
        from include.tracking.naming import artifact_url

        frozen = RunContext.from_json(self.run_context)
        registered = RegisteredVersion.from_json(self.registered)
        decision = evaluate_gates(frozen, registered)
        self.link_to_run(frozen.experiment_id, registered.mlflow_run_id)
        self.link_urls[GateReportLink.name] = artifact_url(
            self.ui_url, frozen.experiment_id, frozen.mlflow_run_id, "gates/report.html"
        )
        for line in decision.summary():
            self.log.log(logging.WARNING if line.refuses else logging.INFO, line.text)
        return decision.to_json()

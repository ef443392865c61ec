"""Buttons on a task's page: to its MLflow run, its gate report, its data or drift report, its decision.

A link's address is known only once the task has run, so operators leave it in `self.link_urls` and Airflow asks for
it when the task ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseOperatorLink
from airflow.sdk.configuration import conf

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


def report_url(path: str) -> str:
    """Address, under Airflow's own web server, of a report kept in the reports folder (see `page/reports.py`)."""
    return f"{conf.get('api', 'base_url', fallback='').rstrip('/')}/nightshift/reports/{path}"


class _LeftByOperator(BaseOperatorLink):
    """A link whose address the operator left under this link's name."""

    name = ""

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        return getattr(operator, "link_urls", {}).get(self.name, "")


class MlflowLink(_LeftByOperator):
    name = "MLflow"


class GateReportLink(_LeftByOperator):
    name = "Gate report"


class ReportLink(_LeftByOperator):
    name = "Report"


class DecisionLink(_LeftByOperator):
    name = "Decision"

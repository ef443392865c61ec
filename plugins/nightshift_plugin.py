"""The one file of this folder that Airflow scans: registers what Nightshift adds to the web UI."""

from __future__ import annotations

import sys
from typing import Any

from airflow.plugins_manager import AirflowPlugin
from nightshift.links import DecisionLink, GateReportLink, MlflowLink, ReportLink


def _fastapi_apps() -> list[dict[str, Any]]:
    """The web pages, for the API server alone: the other components need not import FastAPI for them."""
    if "api-server" not in " ".join(sys.argv) and "airflow.api_fastapi.app" not in sys.modules:
        return []
    from nightshift.page import reports

    return [{"app": reports.app, "url_prefix": reports.MOUNT, "name": "Nightshift"}]


class NightshiftPlugin(AirflowPlugin):
    name = "nightshift"
    operator_extra_links = [MlflowLink(), GateReportLink(), ReportLink(), DecisionLink()]  # noqa: RUF012 - a plain list is read
    fastapi_apps = _fastapi_apps()

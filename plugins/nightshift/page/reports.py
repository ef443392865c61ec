"""Serves kept reports (validation results, drift) to people who may see the model's DAGs.

A report is HTML made from data, so it is served sandboxed: its scripts run in an origin of their own and cannot read
Airflow's token.
"""

from __future__ import annotations

from pathlib import Path

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import FastAPI, HTTPException
from fastapi.responses import FileResponse

from include.config import environment

MOUNT = "/nightshift"
HEADERS = {
    "Content-Security-Policy": "sandbox allow-scripts allow-popups; default-src 'none'; img-src data: blob:; "
    "style-src 'unsafe-inline'; font-src data:; script-src 'unsafe-inline' 'unsafe-eval' blob: data:; "
    "worker-src blob:; connect-src data: blob:",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

app = FastAPI(title="Nightshift", docs_url=None, redoc_url=None, openapi_url=None)


@app.get("/reports/{path:path}")
def report(path: str, user: GetUserDep) -> FileResponse:
    """Return one HTML report of the reports folder; 404 for anything else, wherever the path points."""
    root = (environment.state_dir() / "reports").resolve()
    found: Path = (root / path).resolve()
    if not found.is_relative_to(root) or found.suffix != ".html" or not found.is_file():
        raise HTTPException(404, "No such report. Reports are kept on the machine that ran the task.")
    return FileResponse(found, media_type="text/html", headers=HEADERS)

"""The exporter of an instance: the world from tables and registry, runs from Airflow's API.

Here ports and passwords are in the state folder; in containers variables say where Airflow and MLflow are.
"""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

from include.config.loader import load_models
from include.local.instance import api_of
from include.local.settings import PREFERRED
from include.status import exporter
from include.status.model import statuses
from include.status.openmetrics import FinishedRun

if TYPE_CHECKING:
    from include.local.airflow_api import AirflowApi
    from include.local.instance import Instance


def port_of(instance: Instance) -> int:
    """The instance's port, or in a container, which has all ports to itself, the preferred one."""
    return instance.settings.ports["metrics"] if instance.settings else PREFERRED["metrics"]


def collector(instance: Instance) -> exporter.WorldCollector:
    """Reads every model, and the newest run of each of their DAGs."""

    def runs() -> list[FinishedRun]:
        return finished_runs(api_of(instance))

    return exporter.WorldCollector(statuses, runs)


def finished_runs(api: AirflowApi) -> list[FinishedRun]:
    """The newest finished run of each DAG of each model."""
    models, _ = load_models()
    split = ((dag_id, *dag_id.rpartition("__")[::2]) for dag_id in api.dag_ids())
    named = {dag_id: (model, dag) for dag_id, model, dag in split if model in models}
    return [
        FinishedRun(*named[run.dag_id], run.seconds, run.ended, run.state == "success")
        for run in api.newest_finished(named)
        if run.seconds is not None and run.ended is not None
    ]


def serve_until_stopped(collector: exporter.WorldCollector, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    exporter.serve(collector, host, port, stop)

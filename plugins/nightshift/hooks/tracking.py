"""Where MLflow is, by Airflow's connection `mlflow`. Not named mlflow.py: a module's bare name must shadow nothing."""

from __future__ import annotations

import os
from typing import Any

from airflow.sdk import BaseHook

CONNECTION_ID = "mlflow"


class TrackingHook(BaseHook):
    """Points this process at the tracking server of an Airflow connection.

    The connection's host and port give the address that tasks use; `extra` may hold `ui_url`, the address that a
    person's browser uses where that differs (in a cluster), and `tracking_uri`, which replaces host and port.
    """

    conn_name_attr = "mlflow_conn_id"
    default_conn_name = CONNECTION_ID
    conn_type = "http"
    hook_name = "MLflow tracking server"

    def __init__(self, mlflow_conn_id: str = CONNECTION_ID) -> None:
        super().__init__()
        self.mlflow_conn_id = mlflow_conn_id
        self.tracking_uri = ""
        self.ui_url = ""

    def get_conn(self) -> Any:
        """Set MLFLOW_TRACKING_URI for this process and return self."""
        connection = self.get_connection(self.mlflow_conn_id)
        extra = connection.extra_dejson
        scheme = connection.schema or "http"
        address = f"{scheme}://{connection.host}:{connection.port or 5000}"
        self.tracking_uri = extra.get("tracking_uri") or address
        self.ui_url = (extra.get("ui_url") or address).rstrip("/")
        os.environ["MLFLOW_TRACKING_URI"] = self.tracking_uri
        return self

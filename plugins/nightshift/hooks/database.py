"""How a model's `data.source.connection` is looked up: by Airflow, in its database or its secrets backends."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from include.errors import PermanentError


def connection_parts(conn_id: str) -> dict[str, Any]:
    """What Airflow knows of a connection, for `include.data.connections`. Raises PermanentError where it has none."""
    try:
        found = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise PermanentError(
            f"connection {conn_id!r}: Airflow has none of that id; add it under Admin > Connections, in "
            f"airflow_settings.yaml, or as the environment variable AIRFLOW_CONN_{conn_id.upper()}"
        ) from None
    names = ("conn_type", "host", "login", "password", "schema", "port")
    return {name: getattr(found, name) for name in names} | {"extra": found.extra_dejson}

"""Bring Airflow's database up to date and load `airflow_settings.yaml` into it; run before the components start.

    python -m nightshift.prepare [FILE]

The file has the Astro CLI's format, which Airflow's own import commands refuse. One process does all: each of those
commands would cost another start of Python and Airflow. `NIGHTSHIFT_MLFLOW_HOST`, `_PORT` and `_UI_URL` override the
connection `mlflow`, for a port that was chosen at start or a service's name in a cluster.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from include.errors import ConfigError


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ConnectionEntry(_Entry):
    conn_id: str
    conn_type: str
    conn_host: str | None = None
    conn_schema: str | None = None
    conn_login: str | None = None
    conn_password: str | None = None
    conn_port: int | None = None
    conn_uri: str | None = None
    conn_extra: dict[str, Any] | str | None = None


class PoolEntry(_Entry):
    pool_name: str
    pool_slot: int = Field(ge=-1)
    pool_description: str = ""
    pool_include_deferred: bool = False


class VariableEntry(_Entry):
    variable_name: str
    variable_value: Any


class AirflowSection(_Entry):
    connections: list[ConnectionEntry] = []
    pools: list[PoolEntry] = []
    variables: list[VariableEntry] = []


class AirflowSettings(_Entry):
    airflow: AirflowSection


def read_settings(path: Path) -> AirflowSection:
    """Read the file. Raises ConfigError with every fault."""
    try:
        return AirflowSettings.model_validate(yaml.safe_load(path.read_text())).airflow
    except OSError as error:
        raise ConfigError(str(path), [f"cannot be read: {error.strerror}"]) from None
    except yaml.YAMLError as error:
        raise ConfigError(str(path), [f"not readable as YAML: {error}"]) from None
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in error.errors()]
        raise ConfigError(str(path), faults) from None


def load(section: AirflowSection) -> None:
    """Write connections, pools and variables into Airflow's database, replacing those of the same name."""
    from airflow.models.connection import Connection
    from airflow.models.pool import Pool
    from airflow.models.variable import Variable
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    with create_session() as session:
        for entry in section.connections:
            session.execute(delete(Connection).where(Connection.conn_id == entry.conn_id))
            session.add(Connection(**_connection_fields(entry)))
        for pool in section.pools:
            Pool.create_or_update_pool(
                pool.pool_name,
                slots=pool.pool_slot,
                description=pool.pool_description,
                include_deferred=pool.pool_include_deferred,
                session=session,
            )
        for variable in section.variables:
            Variable.set(variable.variable_name, variable.variable_value, session=session)


def _connection_fields(entry: ConnectionEntry) -> dict[str, Any]:
    extra = entry.conn_extra if isinstance(entry.conn_extra, dict) else json.loads(entry.conn_extra or "{}")
    host, port = entry.conn_host, entry.conn_port
    if entry.conn_id == "mlflow":
        host = os.environ.get("NIGHTSHIFT_MLFLOW_HOST", host)
        port = int(os.environ.get("NIGHTSHIFT_MLFLOW_LISTEN", port or 5000))
        if ui_url := os.environ.get("NIGHTSHIFT_MLFLOW_UI_URL"):
            extra = {**extra, "ui_url": ui_url}
    return {
        "conn_id": entry.conn_id,
        "conn_type": entry.conn_type,
        "host": host,
        "schema": entry.conn_schema,
        "login": entry.conn_login,
        "password": entry.conn_password,
        "port": port,
        "extra": json.dumps(extra) if extra else None,
    }


def main(path: Path) -> None:
    """Migrate, then load; safe to repeat at every start."""
    section = read_settings(path)
    from airflow.utils.db import upgradedb

    upgradedb()
    load(section)
    print(f"{path.name}: {len(section.connections)} connections, {len(section.pools)} pools loaded")  # noqa: T201


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1] if len(sys.argv) > 1 else "airflow_settings.yaml"))
    except ConfigError as error:
        sys.exit(str(error))

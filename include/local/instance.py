"""This machine's instance as a command finds it: its settings, its registry's address, a client of its Airflow."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from include.local.airflow_api import AirflowApi
    from include.local.settings import LocalSettings


def settings() -> LocalSettings:
    """The instance's settings, with the addresses of the registry and of its lock set for this process."""
    from include.local.settings import load_settings

    found = load_settings()
    point_at(found)
    return found


def point_at(found: LocalSettings) -> None:
    """Let this process read what the instance has: its registry, its lock, and hashes made with its key."""
    from include.local.settings import hash_key, lock_database

    os.environ["MLFLOW_TRACKING_URI"] = found.mlflow_url
    os.environ["NIGHTSHIFT_LOCK_DATABASE"] = lock_database(found)
    os.environ["NIGHTSHIFT_HASH_KEY"] = hash_key(found)


def airflow_api() -> AirflowApi:
    """A client of the instance's Airflow, as its one user; points this process at the registry too."""
    from include.local.airflow_api import AirflowApi
    from include.local.settings import USER

    found = settings()
    return AirflowApi(found.airflow_url, USER, found.secrets.password)

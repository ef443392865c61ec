"""Where things are: every variable Nightshift reads is read here, so that large differs from local only in values."""

from __future__ import annotations

import os
from pathlib import Path

from include.errors import PermanentError

REPOSITORY = Path(__file__).resolve().parents[2]
"""The checkout: the folder that holds `dags`, `plugins` and `include`."""


USER = "admin"
"""Airflow's one user."""


def state_dir() -> Path:
    """Folder of everything a local start writes (`NIGHTSHIFT_STATE`, default `.nightshift`)."""
    return Path(os.environ.get("NIGHTSHIFT_STATE", REPOSITORY / ".nightshift")).resolve()


def models_dir() -> Path:
    """Folder of the model files (`NIGHTSHIFT_MODELS`)."""
    return Path(os.environ.get("NIGHTSHIFT_MODELS", REPOSITORY / "include" / "models"))


def tables_uri() -> str:
    """Root of the Delta tables (`NIGHTSHIFT_TABLES`): a folder, or `s3://bucket/prefix`."""
    return os.environ.get("NIGHTSHIFT_TABLES") or str(state_dir() / "tables")


def tracking_uri() -> str:
    """Where MLflow answers (`MLFLOW_TRACKING_URI`)."""
    return os.environ.get("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")


def airflow_url() -> str:
    """Where Airflow answers (`NIGHTSHIFT_AIRFLOW_URL`); empty on one machine, whose instance knows its own."""
    return os.environ.get("NIGHTSHIFT_AIRFLOW_URL", "")


def in_containers() -> bool:
    """Whether variables say where the services are, as in containers; else they are this machine's own."""
    return bool(airflow_url())


def start_command() -> str:
    """What starts the services, for messages."""
    return "docker compose up --wait, on the containers' host" if in_containers() else "make up"


def lock_database() -> str:
    """PostgreSQL database whose advisory locks keep releases apart (`NIGHTSHIFT_LOCK_DATABASE`), as SQLAlchemy or libpq
    write it. Empty: a file in the state folder is locked instead, which serves the processes of one machine.
    """
    return os.environ.get("NIGHTSHIFT_LOCK_DATABASE", "")


def alert_targets() -> str:
    """Whom alarms are told (`NIGHTSHIFT_ALERTS`): apprise addresses, or the path of an apprise file. Holds secrets."""
    return os.environ.get("NIGHTSHIFT_ALERTS", "").strip()


def hash_key() -> str:
    """The secret that personal columns are hashed with (`NIGHTSHIFT_HASH_KEY`); empty where none is set."""
    return os.environ.get("NIGHTSHIFT_HASH_KEY", "").strip()


def threads_per_task() -> int:
    """Threads that one task may use (`NIGHTSHIFT_THREADS`, default 1).

    Two fits side by side that each take every core are ten times slower than two that take one each. Raises
    PermanentError for anything but a number.
    """
    text = os.environ.get("NIGHTSHIFT_THREADS", "1")
    if not text.isdecimal() or int(text) < 1:
        raise PermanentError(f"NIGHTSHIFT_THREADS: received {text!r}; allowed is a whole number of threads, 1 or more")
    return int(text)

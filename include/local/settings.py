"""What a local start needs to know: ports, secrets, addresses; and every variable its processes get from it."""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from include.config import environment
from include.errors import PermanentError
from include.local.runtime import socket_dir

HOST = "127.0.0.1"
FOLDERS = ("run", "logs", "airflow", "reports", "tables", "mlflow")
PREFERRED = {"airflow": 8080, "mlflow": 5000, "metrics": 9464}
FORCED = {
    "airflow": "NIGHTSHIFT_AIRFLOW_PORT",
    "mlflow": "NIGHTSHIFT_MLFLOW_PORT",
    "metrics": "NIGHTSHIFT_METRICS_PORT",
}
PARALLELISM = 16
"""A worker is busy for up to five seconds after its task's end, until its supervisor notices; few workers would make
the next task wait. How much runs at once is the pools' business."""


@dataclass(frozen=True)
class Secrets:
    """Made once for a state folder and kept there, readable by its owner alone."""

    password: str
    jwt: str
    fernet: str
    session: str
    hashing: str = ""
    """What personal columns are hashed with: another one would give every row another name."""


@dataclass(frozen=True)
class LocalSettings:
    """One local instance."""

    state: Path
    ports: dict[str, int]
    secrets: Secrets
    database: str
    """`embedded`, `sqlite`, or a server's URL with `{name}`."""

    @property
    def airflow_url(self) -> str:
        return f"http://{HOST}:{self.ports['airflow']}"

    @property
    def mlflow_url(self) -> str:
        return f"http://{HOST}:{self.ports['mlflow']}"


def load_settings(starting: bool = False) -> LocalSettings:
    """Read the instance's settings, making ports and secrets on the first start.

    Ports are chosen again only when `starting`, for whoever asks later must find what runs. Raises PermanentError
    where a port that a variable forces is taken by another program.
    """
    state = environment.state_dir()
    for folder in FOLDERS:
        (state / folder).mkdir(parents=True, exist_ok=True)
        (state / folder).chmod(0o700)  # not the state folder itself: root's PostgreSQL runs as another user
    return LocalSettings(
        state=state,
        ports=_ports(state / "run" / "ports.json", starting),
        secrets=_secrets(state / "run" / "secrets.json"),
        database=_database(),
    )


def database_url(settings: LocalSettings, name: str) -> str:
    """SQLAlchemy address of the database `name` (`airflow` or `mlflow`)."""
    if settings.database == "sqlite":
        return f"sqlite:///{settings.state}/{name}/{name}.db"
    if settings.database == "embedded":
        return f"postgresql+psycopg2://postgres@/{name}?host={socket_dir(settings.state / 'postgres')}"
    return settings.database.replace("{name}", name)


def lock_database(settings: LocalSettings) -> str:
    """What `NIGHTSHIFT_LOCK_DATABASE` is here: MLflow's database where it is PostgreSQL; empty locks a file."""
    url = database_url(settings, "mlflow")
    return url if url.startswith("postgresql") else ""


def hash_key(settings: LocalSettings) -> str:
    """What `NIGHTSHIFT_HASH_KEY` is here: a key that was given goes before the instance's own."""
    return environment.hash_key() or settings.secrets.hashing


def component_environment(settings: LocalSettings) -> dict[str, str]:
    """Every variable of every component, on top of this process's own."""
    return {**_ours(settings), **_airflow(settings), **_libraries(settings)}


def _ours(settings: LocalSettings) -> dict[str, str]:
    root = environment.REPOSITORY
    binaries = str(Path(sys.executable).parent)
    return {
        "PATH": os.pathsep.join([binaries, os.environ.get("PATH", "")]),
        "PYTHONPATH": os.pathsep.join([str(root), str(root / "plugins")]),
        "NIGHTSHIFT_STATE": str(settings.state),
        "NIGHTSHIFT_DATABASE": settings.database,
        "NIGHTSHIFT_THREADS": os.environ.get("NIGHTSHIFT_THREADS", "1"),
        "NIGHTSHIFT_MLFLOW_DATABASE": database_url(settings, "mlflow"),
        "NIGHTSHIFT_LOCK_DATABASE": lock_database(settings),
        "NIGHTSHIFT_HASH_KEY": hash_key(settings),
        "NIGHTSHIFT_MLFLOW_LISTEN": str(settings.ports["mlflow"]),
        "NIGHTSHIFT_ARTIFACTS": str(settings.state / "mlflow" / "artifacts"),
        "MLFLOW_TRACKING_URI": settings.mlflow_url,
    }


def _airflow(settings: LocalSettings) -> dict[str, str]:
    home, root = settings.state / "airflow", environment.REPOSITORY
    options = {
        "CORE__DAGS_FOLDER": root / "dags",
        "CORE__PLUGINS_FOLDER": root / "plugins",
        "CORE__LOAD_EXAMPLES": False,
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": PARALLELISM,
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": False,
        "CORE__EXECUTION_API_SERVER_URL": f"{settings.airflow_url}/execution/",
        "CORE__FERNET_KEY": settings.secrets.fernet,
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{environment.USER}:admin",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": settings.state / "run" / "passwords.json",
        "CORE__HOSTNAME_CALLABLE": "include.local.settings.host_name",
        "DATABASE__SQL_ALCHEMY_CONN": database_url(settings, "airflow"),
        "API__HOST": HOST,
        "API__PORT": settings.ports["airflow"],
        "API__BASE_URL": settings.airflow_url,
        "API__WORKERS": 1,
        "API__SECRET_KEY": settings.secrets.session,
        "API__INSTANCE_NAME": "Nightshift",
        "API__DEFAULT_WRAP": True,  # a gate's sentence is longer than the page is wide
        "API_AUTH__JWT_SECRET": settings.secrets.jwt,
        # Tasks fork from a process that has imported the heavy libraries once. The scheduler's alone: under `core` the
        # triggerer would keep a second one.
        "SCHEDULER__MP_START_METHOD": "forkserver",
        "SCHEDULER__MP_FORKSERVER_PRELOAD": "include.preload",
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": 0.2,
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": 60,
        "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": 60,
        "WORKERS__MIN_HEARTBEAT_INTERVAL": 2,
        "DAG_PROCESSOR__REFRESH_INTERVAL": 30,
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": 15,
        "DAG_PROCESSOR__PARSING_PROCESSES": 1,
        "LOGGING__NAMESPACE_LEVELS": "great_expectations=WARNING alembic=WARNING httpx=WARNING",
    }
    return {"AIRFLOW_HOME": str(home)} | {f"AIRFLOW__{name}": str(value) for name, value in options.items()}


def host_name() -> str:
    """What Airflow's processes call this machine: looking its real name up takes seconds on some, and changes."""
    return HOST


def _libraries(settings: LocalSettings) -> dict[str, str]:
    """Threads on purpose (side by side, fits that each take every core are ten times slower), and no telemetry."""
    threads = os.environ.get("NIGHTSHIFT_THREADS", "1")
    return {
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "OMP_WAIT_POLICY": "PASSIVE",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "GX_ANALYTICS_ENABLED": "False",
        "DO_NOT_TRACK": "1",
        "SCARF_ANALYTICS": "false",
        "GIT_PYTHON_REFRESH": "quiet",
        "PYTHONUNBUFFERED": "1",
    }


def _database() -> str:
    database = os.environ.get("NIGHTSHIFT_DATABASE", "embedded")
    if database not in ("embedded", "sqlite") and ("://" not in database or "{name}" not in database):
        raise PermanentError(
            f"NIGHTSHIFT_DATABASE: received {database!r}; allowed are embedded, sqlite, or a server's URL with "
            "{name} for the database, such as postgresql+psycopg2://user:password@host:5432/{name}"
        )
    return database


def _secrets(path: Path) -> Secrets:
    kept = _kept(
        path,
        "put it back from a copy. Without one, remove it: passwords, the keys of stored connections and the hashes of "
        "personal columns are then made anew",
    )
    fresh = {
        "password": secrets.token_urlsafe(12),
        "jwt": secrets.token_urlsafe(64),
        "fernet": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "session": secrets.token_urlsafe(64),
        "hashing": secrets.token_urlsafe(48),
    }
    if fresh.keys() - kept.keys():  # an instance that an older version made has no secret of what is new
        write_private(path, json.dumps(fresh | kept))
    found = Secrets(**(fresh | kept))
    write_private(path.with_name("passwords.json"), json.dumps({environment.USER: found.password}))
    return found


def _kept(path: Path, remedy: str) -> dict[str, Any]:
    """What an earlier start kept. Raises PermanentError where the file was damaged since."""
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise PermanentError(f"{path} is damaged: it holds no JSON object. Next: {remedy}")
    return found


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone can read, whole or not at all."""
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # readable by its owner alone
    with os.fdopen(handle, "w") as file:
        file.write(text)
    Path(partial).replace(path)


def _ports(path: Path, starting: bool) -> dict[str, int]:
    """The forced ports; else those of the last start where they are free, else the next free ones."""
    kept: dict[str, int] = _kept(path, "./nightshift down, remove it, ./nightshift up: ports are chosen anew")
    if not all(isinstance(port, int) for port in kept.values()):
        raise PermanentError(
            f"{path} holds a port that is no number. Next: ./nightshift down, remove it, ./nightshift up"
        )
    chosen = {} if starting else kept  # an instance that an older version started has no port of what is new
    for name, preferred in PREFERRED.items():
        if name in chosen:
            continue
        forced = _forced(FORCED[name])
        if forced and starting and not is_free(forced):
            raise PermanentError(
                f"{FORCED[name]}: port {forced} is taken by {owner_of(forced)}; stop that, or give another port"
            )
        wanted = [kept.get(name, preferred), *range(preferred, 65536)]
        chosen[name] = forced or next(port for port in wanted if port not in chosen.values() and is_free(port))
    write_private(path, json.dumps(chosen))
    return chosen


def _forced(variable: str) -> int | None:
    """The port that a variable asks for. Raises PermanentError for anything but a port's number."""
    text = os.environ.get(variable, "")
    if not text:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise PermanentError(f"{variable}: received {text!r}; allowed is a port's number, 1 to 65535")
    return int(text)


def is_free(port: int) -> bool:
    """Whether nothing listens on the port, on loopback or on all interfaces."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def owner_of(port: int) -> str:
    """Name the process that listens on a port, as far as this user may see."""
    import psutil

    for connection in psutil.net_connections("tcp"):
        if connection.laddr and connection.laddr.port == port and connection.pid:
            return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return "a process of another user"

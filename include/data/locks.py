"""One change of a model's champion at a time, wherever the processes run: a lock that goes when its holder does.

Where `NIGHTSHIFT_LOCK_DATABASE` names a PostgreSQL database it is an advisory lock of the session there, for processes
on many machines; else a lock on a file in the state folder, for those of one. A killed process's connection and file
are closed by its operating system, which gives both locks back: nothing expires under a slow holder, and nothing is
left to clean up.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import filelock
import psycopg2
from psycopg2 import errors

from include import clock
from include.config import environment
from include.errors import PermanentError, TransientError

if TYPE_CHECKING:
    from psycopg2 import extensions

WAIT_SECONDS = 60.0
"""Longer than any promotion takes; a task that waited so long gives its worker back and is retried."""
MAX_NAME = 63
"""Bytes that PostgreSQL keeps of a session's name."""
SCHEME = re.compile(r"^postgres(ql)?(\+\w+)?://")
SESSION = {
    # A limit that the database's owner set for queries must not end the wait, nor the lock.
    "statement_timeout": "0",
    "idle_session_timeout": "0",
    # A machine that lost power closes nothing: by default the server would notice after two hours.
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
HOLDER = """
SELECT held.pid, session.application_name, session.state_change
FROM pg_locks AS held LEFT JOIN pg_stat_activity AS session USING (pid)
WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
  AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND held.classid::bigint = %s AND held.objid::bigint = %s
"""


@dataclass(frozen=True)
class RegistryLock:
    """Proof that the model's lock is held; `confirm` raises TransientError where it has been lost meanwhile."""

    model: str
    confirm: Callable[[], None]


def registry_lock(model: str) -> AbstractContextManager[RegistryLock]:
    """Hold the model's lock; entering waits for whoever holds it. Not re-entrant: pass the `RegistryLock` on.

    `<model>.<what>`, such as `flight_delay.alarms`, is a lock of its own, on something else of the model.

    Raises TransientError, naming the holder, after `WAIT_SECONDS`, and where the database does not answer;
    PermanentError where `NIGHTSHIFT_LOCK_DATABASE` is no PostgreSQL address, or the state folder cannot hold locks.
    """
    url = environment.lock_database()
    if not url:
        return _file_lock(model)
    if not SCHEME.match(url):
        raise PermanentError(
            f"NIGHTSHIFT_LOCK_DATABASE: received an address of kind {url.partition(':')[0]!r}; allowed is that of "
            "PostgreSQL, such as postgresql://user:password@host:5432/mlflow, or nothing, which locks a file"
        )
    return _database_lock(SCHEME.sub("postgresql://", url), model)


def advisory_key(model: str) -> int:
    """The model's 64-bit lock number, signed as PostgreSQL takes it; by a hash, so that every process has the same."""
    digest = hashlib.sha256(f"nightshift/registry/{model}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


@contextmanager
def _database_lock(dsn: str, model: str) -> Iterator[RegistryLock]:
    connection = _connect(dsn, model)
    try:
        _acquire(connection, model)
        yield RegistryLock(model, partial(_confirm, connection, model))
    finally:
        connection.close()  # and the server gives the lock back, as it does for a killed process


def _connect(dsn: str, model: str) -> extensions.connection:
    try:
        connection = psycopg2.connect(
            dsn,
            application_name=_myself().encode()[:MAX_NAME].decode(errors="ignore"),
            connect_timeout=10,
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
        )
    except psycopg2.ProgrammingError:
        raise PermanentError(
            "NIGHTSHIFT_LOCK_DATABASE: PostgreSQL's library cannot read the address (not shown, as it may hold a "
            "password); write it as postgresql://user:password@host:5432/mlflow, special characters as %XX"
        ) from None
    except psycopg2.OperationalError as error:
        raise TransientError(
            f"{model}: the database of its lock did not let us in: {str(error).strip()}\nNothing was changed; a retry "
            f"helps once it answers. Next: ./nightshift status; {environment.start_command()} starts it"
        ) from error
    connection.autocommit = True  # else the session would sit in a transaction, and hold up the server's own cleaning
    return connection


def _acquire(connection: extensions.connection, model: str) -> None:
    settings = SESSION | {"lock_timeout": f"{WAIT_SECONDS * 1000:.0f}"}
    try:
        with connection.cursor() as cursor:
            # A setting that this server is too old to know is left out.
            cursor.execute(
                "SELECT set_config(name, given.value, false) FROM pg_settings "
                "JOIN unnest(%s, %s) AS given (name, value) USING (name)",
                (list(settings), list(settings.values())),
            )
            cursor.execute("SELECT pg_advisory_lock(%s)", (advisory_key(model),))
    except errors.LockNotAvailable:
        raise TransientError(_told(model, *_database_holder(connection, model))) from None
    except psycopg2.Error as error:
        raise _lost(model, error) from error


def _database_holder(connection: extensions.connection, model: str) -> tuple[str, str]:
    """Who holds the lock, and how to end a holder that hangs."""
    with connection.cursor() as cursor:
        cursor.execute(HOLDER, _halves(advisory_key(model)))
        found = cursor.fetchone()
    if found is None:
        return "a process that has just let go", "run the task again"
    pid, name, since = found
    held = f"{name or 'a session without a name'}, since {since:%Y-%m-%d %H:%M:%S %Z}"
    return held, f"if it hangs, end it, or its session in the database: SELECT pg_terminate_backend({pid})"


def _confirm(connection: extensions.connection, model: str) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"{HOLDER} AND held.pid = pg_backend_pid()", _halves(advisory_key(model)))
            found = cursor.fetchone()
    except psycopg2.Error as error:
        raise _lost(model, error) from error
    if found is None:
        raise _lost(model, None)


def _lost(model: str, error: Exception | None) -> TransientError:
    why = f" ({str(error).strip()})" if error else ""
    return TransientError(
        f"{model}: the lock on its champion was lost before the alias moved{why}; nothing was changed. A retry helps "
        "once the database answers. Next: ./nightshift status"
    )


def _halves(key: int) -> tuple[int, int]:
    """As `pg_locks` shows a 64-bit number: its upper and its lower 32 bits."""
    return key >> 32 & 0xFFFFFFFF, key & 0xFFFFFFFF


@contextmanager
def _file_lock(model: str) -> Iterator[RegistryLock]:
    path = environment.state_dir() / "locks" / f"{model}.lock"
    # The library's way out where a disk has no locks is a marker file, which outlives a killed process.
    lock = filelock.FileLock(path, timeout=WAIT_SECONDS, fallback_to_soft=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except filelock.Timeout:
        holder = path.read_text(encoding="utf-8") or "a process that did not give its name"
        raise TransientError(_told(model, holder, "if it hangs, end it")) from None
    except OSError as error:
        raise PermanentError(
            f"{model}: {path} cannot be locked ({error}). Next: set NIGHTSHIFT_STATE to a folder on a local disk, or "
            "NIGHTSHIFT_LOCK_DATABASE to a PostgreSQL database"
        ) from error
    try:
        path.write_text(f"{_myself()}, since {clock.now():%Y-%m-%d %H:%M:%S} UTC", encoding="utf-8")
        yield RegistryLock(model, lambda: None)  # a file's lock cannot be lost while its holder lives
    finally:
        lock.release()


def _told(model: str, holder: str, remedy: str) -> str:
    name, _, what = model.partition(".")
    changed = f"its {what} are being changed" if what else "its champion is being changed"
    return (
        f"{name}: {changed} by {holder}; waited {WAIT_SECONDS:.0f} s, changed nothing. "
        f"A retry helps once that is done. Next: {remedy}; the lock goes with its holder"
    )


def _myself() -> str:
    return f"nightshift process {os.getpid()} on {socket.gethostname()}"

"""One holder at a time, in a file and in the real PostgreSQL; a killed one lets go, a waiting one learns who holds."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg2
import pytest

from include.config import environment
from include.data import locks
from include.data.locks import registry_lock
from include.errors import PermanentError, TransientError
from include.local import postgres
from include.local.settings import LocalSettings, Secrets, lock_database

MODEL = "parcels"
HOLD = f"""
import time
from include.data.locks import registry_lock
with registry_lock({MODEL!r}):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = LocalSettings(tmp_path_factory.mktemp("lock"), {}, Secrets("", "", "", ""), "embedded")
    postgres.start(settings)
    yield lock_database(settings)
    postgres.stop(settings.state)


@pytest.fixture(params=["file", "database"])
def kind(request: pytest.FixtureRequest, state: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = request.getfixturevalue("database") if request.param == "database" else ""
    monkeypatch.setenv("NIGHTSHIFT_LOCK_DATABASE", url)
    return str(request.param)


@pytest.fixture
def holder(kind: str) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Start a process that holds the lock until it is killed."""
    with ExitStack() as stack:

        def start() -> subprocess.Popen[str]:
            variables = os.environ | {"PYTHONPATH": str(environment.REPOSITORY)}
            process = subprocess.Popen([sys.executable, "-c", HOLD], env=variables, stdout=subprocess.PIPE, text=True)
            stack.callback(process.wait)
            stack.callback(process.kill)
            assert process.stdout is not None and process.stdout.readline() == "held\n"
            return process

        yield start


def test_a_killed_holder_lets_go_at_once(holder, monkeypatch):
    monkeypatch.setattr(locks, "WAIT_SECONDS", 10.0)
    for _ in range(2):
        process = holder()
        process.kill()
        started = time.monotonic()
        with registry_lock(MODEL) as held:
            held.confirm()
            assert time.monotonic() - started < 5


def test_waiting_ends_with_the_holders_name_and_what_to_do(holder, monkeypatch):
    monkeypatch.setattr(locks, "WAIT_SECONDS", 0.3)
    process = holder()
    with pytest.raises(TransientError) as caught, registry_lock(MODEL):
        pytest.fail("two held it")
    said = str(caught.value)
    assert f"being changed by nightshift process {process.pid} on " in said
    assert ", since 20" in said
    assert "changed nothing" in said and "Next: if it hangs, end it" in said


def test_models_do_not_wait_for_each_other_and_the_lock_is_given_back(holder, monkeypatch):
    monkeypatch.setattr(locks, "WAIT_SECONDS", 0.3)
    holder()
    for _ in range(2):
        with registry_lock("flight_delay"):
            pass


def test_an_error_inside_gives_the_lock_back(kind):
    with pytest.raises(ZeroDivisionError), registry_lock(MODEL):
        raise ZeroDivisionError
    with registry_lock(MODEL):
        pass


def test_a_lock_that_the_server_dropped_is_noticed_before_the_alias_moves(database, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_LOCK_DATABASE", database)
    with registry_lock(MODEL) as held:
        held.confirm()
        other = psycopg2.connect(locks.SCHEME.sub("postgresql://", database))
        with other, other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'")
        other.close()
        with pytest.raises(TransientError, match="lock on its champion was lost"):
            held.confirm()
        with registry_lock(MODEL):  # and another may hold it by then
            pass


@pytest.mark.parametrize("url", ["mysql://root:sesame@host/x", "postgresql://root:sesame@host/x?nonsense=1"])
def test_an_unusable_address_is_told_without_its_password(state, monkeypatch, url):
    monkeypatch.setenv("NIGHTSHIFT_LOCK_DATABASE", url)
    with pytest.raises(PermanentError, match=r"NIGHTSHIFT_LOCK_DATABASE.*postgresql://user:password") as caught:
        registry_lock(MODEL).__enter__()
    assert "sesame" not in str(caught.value)


def test_a_database_that_is_down_is_worth_a_retry_and_its_password_is_not_told(state, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_LOCK_DATABASE", "postgresql+psycopg2://root:sesame@127.0.0.1:1/mlflow")
    with pytest.raises(TransientError, match="did not let us in") as caught, registry_lock(MODEL):
        pytest.fail("no server, and yet a lock")
    assert "sesame" not in str(caught.value)


def test_a_state_folder_that_cannot_hold_locks_is_told(state, monkeypatch):
    monkeypatch.delenv("NIGHTSHIFT_LOCK_DATABASE", raising=False)
    (state / "locks").write_text("a file where the folder should be")
    with pytest.raises(PermanentError, match=r"cannot be locked.*Next: set NIGHTSHIFT_STATE"), registry_lock(MODEL):
        pytest.fail("nothing to lock, and yet a lock")


def test_the_number_of_a_models_lock_never_changes():
    """Two versions of Nightshift may run side by side during a deployment."""
    assert locks.advisory_key("flight_delay") == -7972076121286779544
    assert locks.advisory_key("flight_delay") != locks.advisory_key(MODEL)

"""The real server, in folders with difficult names."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import sqlalchemy

from include.errors import PermanentError
from include.local import postgres, runtime
from include.local.runtime import socket_dir
from include.local.settings import LocalSettings, Secrets, database_url


@pytest.fixture(params=["short", "with space", "long" * 30])
def settings(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[LocalSettings]:
    state = tmp_path / request.param
    state.mkdir()
    made = LocalSettings(state=state, ports={}, secrets=Secrets("", "", "", ""), database="embedded")
    yield made
    postgres.stop(made.state)


def ask(settings: LocalSettings, name: str) -> str:
    engine = sqlalchemy.create_engine(database_url(settings, name), poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        return str(connection.execute(sqlalchemy.text("SELECT current_database()")).scalar())


def server(settings: LocalSettings) -> int:
    return int((settings.state / "postgres/postmaster.pid").read_text().split("\n")[0])


def alive(pid: int) -> bool:
    """Whether it runs, rather than waits for somebody to take note of its end."""
    try:
        process = psutil.Process(pid)
        process.wait(2)
    except psutil.NoSuchProcess:
        return False
    except psutil.TimeoutExpired:
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def test_it_starts_once_serves_both_databases_and_stops(settings: LocalSettings) -> None:
    postgres.start(settings)
    pid = server(settings)
    postgres.start(settings)
    assert server(settings) == pid
    assert [ask(settings, name) for name in postgres.DATABASES] == ["airflow", "mlflow"]
    assert not [found for found in psutil.Process(pid).net_connections("inet") if found.status == psutil.CONN_LISTEN]
    assert postgres.stop(settings.state) is True
    assert not alive(pid)
    assert postgres.stop(settings.state) is False


def test_nobody_else_may_enter_the_sockets_folder(settings: LocalSettings) -> None:
    postgres.start(settings)
    for folder in (settings.state / "postgres", socket_dir(settings.state / "postgres")):
        assert folder.stat().st_mode & 0o077 == 0, folder


def test_after_a_crash_and_a_reused_process_number_it_starts_again(tmp_path: Path) -> None:
    made = LocalSettings(state=tmp_path, ports={}, secrets=Secrets("", "", "", ""), database="embedded")
    postgres.start(made)
    try:
        pid = server(made)
        others = psutil.Process(pid).children()
        os.kill(pid, signal.SIGKILL)
        psutil.wait_procs(others, timeout=10)
        data = tmp_path / "postgres"
        for file in (data / "postmaster.pid", socket_dir(data) / ".s.PGSQL.5432.lock"):
            file.write_text(file.read_text().replace(str(pid), str(os.getpid()), 1))
        time.sleep(0.2)
        postgres.start(made)
        assert ask(made, "airflow") == "airflow"
    finally:
        assert postgres.stop(made.state)


def test_a_folder_that_a_stranger_made_first_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for folder, owner in ((tmp_path / "link", os.geteuid()), (tmp_path / "real", os.geteuid() + 1)):
        with pytest.raises(PermanentError, match="TMPDIR"):
            runtime.refuse_foreign(folder, owner)

"""The keeper of one process, run as the Procfile runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from include.config import environment


def keeper(state: Path, code: str, **options: object) -> subprocess.Popen[str]:
    (state / "run").mkdir(exist_ok=True)
    command = [sys.executable, "-m", "include.local.keep", "thing", "--", sys.executable, "-c", code]
    variables = os.environ | {"NIGHTSHIFT_STATE": str(state), "PYTHONPATH": str(environment.REPOSITORY)}
    return subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True, **options)  # type: ignore[call-overload]


def until(true: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def kept_pid(state: Path) -> int:
    log = state / "logs/thing.log"
    until(lambda: log.exists() and log.read_text().endswith("\n"))
    return int(log.read_text().split()[-1])


SLEEPER = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, lambda *_: exit(3)); " + SLEEPER


@pytest.mark.parametrize("code", [SLEEPER, STUBBORN])
def test_told_to_stop_it_ends_what_it_keeps_and_says_all_is_well(tmp_path: Path, code: str) -> None:
    process = keeper(tmp_path, code)
    pid = kept_pid(tmp_path)
    process.terminate()
    assert process.wait(10) == 0
    assert not psutil.pid_exists(pid)


def test_what_dies_is_started_again(tmp_path: Path) -> None:
    process = keeper(tmp_path, SLEEPER)
    first = kept_pid(tmp_path)
    os.kill(first, signal.SIGKILL)
    log = tmp_path / "logs/thing.log"
    until(lambda: len(log.read_text().split()) == 2)
    assert kept_pid(tmp_path) != first and process.poll() is None
    process.terminate()
    assert process.wait(10) == 0


def test_told_to_stop_between_two_starts_it_starts_nothing(tmp_path: Path) -> None:
    process = keeper(tmp_path, "print('ran', flush=True); exit(7)")
    assert process.stdout is not None and "ended with code 7" in process.stdout.readline()
    process.terminate()
    assert process.wait(10) == 0
    assert (tmp_path / "logs/thing.log").read_text().split() == ["ran"]


def test_killed_parents_leave_no_orphan(tmp_path: Path) -> None:
    """honcho forks a process for each line of the Procfile, which starts the keeper in a session of its own."""
    (tmp_path / "run").mkdir()
    start = [sys.executable, "-m", "include.local.keep", "thing", "--", sys.executable, "-c", SLEEPER]
    middle = f"import subprocess; subprocess.run({start!r}, start_new_session=True)"
    leader = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {middle!r}])"
    variables = os.environ | {"NIGHTSHIFT_STATE": str(tmp_path), "PYTHONPATH": str(environment.REPOSITORY)}
    honcho = subprocess.Popen([sys.executable, "-c", leader], env=variables, start_new_session=True)
    pid = kept_pid(tmp_path)
    keeping = psutil.Process(pid).parent()
    assert keeping is not None
    honcho.kill()
    honcho.wait()
    until(lambda: not psutil.pid_exists(pid) and not keeping.is_running())

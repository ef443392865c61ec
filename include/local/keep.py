"""Keep one process of the Procfile running: restart it when it dies, and write what it prints to its own log file.

    python -m include.local.keep NAME -- COMMAND [ARG ...]

A component that dies again and again within a minute is given up with its exit code, which ends the others too and
shows in `./nightshift status`. Where honcho itself is killed, the component is ended rather than left without a parent.
Imports nothing but the standard library: seven of these stay in memory.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

TRIES, WITHIN_SECONDS = 5, 60.0
LOOK_SECONDS, KILL_SECONDS = 1.0, 15.0


def main(name: str, command: list[str]) -> int:
    """Run `command` until it is told to stop; return its last exit code."""
    log = Path(os.environ["NIGHTSHIFT_STATE"]) / "logs" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    # Every descendant stays in this session, so `down` finds them all even where this process was killed.
    (log.parents[1] / "run" / f"{name}.session").write_text(f"{os.getsid(0)} {time.time()}")
    stopping = threading.Event()

    def stop(signum: int, frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    orphaned = _watch_parents()
    starts: list[float] = []
    while True:
        starts = [moment for moment in starts if time.monotonic() - moment < WITHIN_SECONDS] + [time.monotonic()]
        with log.open("ab") as output:
            child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)  # noqa: S603
        code = _wait(child, stopping, orphaned)
        if stopping.is_set():
            return 0
        print(f"{name} ended with code {code}; its log: {log}", flush=True)  # noqa: T201 - honcho collects it
        if len(starts) >= TRIES:
            print(f"{name} ended {TRIES} times within {WITHIN_SECONDS:.0f} s: giving up", flush=True)  # noqa: T201
            return code or 1
        if stopping.wait(min(2.0 ** len(starts), 15.0)):
            return 0


def _watch_parents() -> Callable[[], bool]:
    """Return a question: is honcho gone, or the process that it forked to start this one and whose group it leads?"""
    parent = os.getppid()
    honcho = os.getpgid(parent)
    return lambda: os.getppid() != parent or not _exists(honcho)


def _wait(child: subprocess.Popen[bytes], stopping: threading.Event, orphaned: Callable[[], bool]) -> int:
    """Wait for the child's end, and bring it about when told to stop or when honcho is gone."""
    while not stopping.is_set():
        try:
            return child.wait(timeout=LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            if orphaned():  # killed, honcho could not tell anyone
                stopping.set()
    child.terminate()
    try:
        return child.wait(timeout=KILL_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[3:]))

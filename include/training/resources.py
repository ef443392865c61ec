"""What a piece of work takes: seconds, CPU seconds, peak memory.

`ru_maxrss` cannot say it: a task is forked from a server process that has imported everything, one process may run
several tasks, and that figure never falls. Linux keeps a peak that can be reset: writing 5 to /proc/self/clear_refs
sets VmHWM to the memory held now (proc(5)). Elsewhere, and where /proc is read-only, a thread looks every 10 ms, which
gives a lower bound.

Memory is this process's resident set, with its rows and the pages that it shares with the server it was forked from;
processes that the work starts are not in it. CPU seconds are of this process with all its threads, and of its children.
"""

from __future__ import annotations

import os
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import psutil

from include.contracts import Resources

CLEAR_REFS = Path("/proc/self/clear_refs")
STATUS = Path("/proc/self/status")
RESET_PEAK = b"5"
SAMPLE_SECONDS = 0.01
MB = 1e6


class Spent:
    """Filled in when the work has ended."""

    resources: Resources


class _Peak(Protocol):
    def stop(self) -> float:
        """Most bytes that were resident since the start."""


@contextmanager
def measured(clear_refs: Path = CLEAR_REFS) -> Iterator[Spent]:
    """Measure the work inside the `with` block; nothing else should run in this process meanwhile.

    :param clear_refs: where Linux takes the order to reset the peak; a path that does not exist means sampling
    """
    spent, peak = Spent(), _start(clear_refs)
    started, before = time.perf_counter(), _cpu_seconds()
    try:
        yield spent
    finally:
        seconds, cpu, highest = time.perf_counter() - started, _cpu_seconds() - before, peak.stop()
        spent.resources = Resources(seconds=seconds, cpu_seconds=max(0.0, cpu), peak_memory_mb=highest / MB)


def _start(clear_refs: Path) -> _Peak:
    try:
        order = os.open(clear_refs, os.O_WRONLY)  # never creates the file
        with os.fdopen(order, "wb") as file:
            file.write(RESET_PEAK)
        return _KernelPeak()
    except OSError:
        return _SampledPeak()


class _KernelPeak:
    """Linux's own high-water mark, since it was reset."""

    def stop(self) -> float:
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024.0


class _SampledPeak:
    """The largest resident set that a thread has seen; short peaks, and those of code that holds the GIL, escape it."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._highest = self._process.memory_info().rss
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        self._ended.set()
        self._thread.join()
        return float(max(self._highest, self._process.memory_info().rss))

    def _watch(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            self._highest = max(self._highest, self._process.memory_info().rss)


def _cpu_seconds() -> float:
    """User and system seconds of this process's threads, its ended children and its living ones."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = time.process_time() + ended.ru_utime + ended.ru_stime
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            times = child.cpu_times()
            total += times.user + times.system
    return total

"""The peak of the work alone: neither what came before it nor what the process was forked from is in it."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from include.training.resources import CLEAR_REFS, measured

BIG, SMALL = 40_000_000, 20_000_000  # float64: 320 and 160 MB
WAYS = [pytest.param(CLEAR_REFS, id="kernel"), pytest.param(Path("/nowhere/clear_refs"), id="sampled")]


def held_mb() -> float:
    return psutil.Process().memory_info().rss / 1e6


@pytest.mark.parametrize("way", WAYS)
def test_a_peak_is_seen_though_it_is_gone_and_an_earlier_higher_one_is_not(way: Path) -> None:
    np.ones(BIG)  # freed at once: `ru_maxrss` would tell of it for ever
    before = held_mb()
    with measured(way) as spent:
        rows = np.ones(SMALL)
        time.sleep(0.1)
        del rows
    assert before + 150 < spent.resources.peak_memory_mb < before + 220
    with measured(way) as next_task:
        pass
    assert next_task.resources.peak_memory_mb < before + 60


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
def test_a_forked_task_does_not_inherit_the_servers_peak() -> None:
    np.ones(BIG)
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()
    task = context.Process(target=_task, args=(answers,))
    task.start()
    peak, held = answers.get()
    task.join()
    assert held + 150 < peak < held + 220


def _task(answers: multiprocessing.SimpleQueue) -> None:
    held = held_mb()
    with measured() as spent:
        np.ones(SMALL)
    answers.put((spent.resources.peak_memory_mb, held))


def test_cpu_seconds_count_threads_and_children_but_not_waiting() -> None:
    code = "import time\nwhile time.process_time() < 0.3: pass"
    with measured() as spent:
        busy = [threading.Thread(target=_spin, args=(0.1,)) for _ in range(2)]
        for thread in busy:
            thread.start()
        for thread in busy:
            thread.join()
        subprocess.run([sys.executable, "-c", code], check=True)
        time.sleep(0.3)
    assert 0.48 < spent.resources.cpu_seconds < spent.resources.seconds - 0.2


def _spin(seconds: float) -> None:
    started = time.thread_time()
    while time.thread_time() - started < seconds:
        pass


def test_work_that_fails_is_measured_and_its_error_is_kept() -> None:
    with pytest.raises(ZeroDivisionError), measured() as spent:
        _ = 1 / 0
    assert spent.resources.seconds >= 0

"""Nights trained side by side, each process on one thread; what is finished is kept, whatever happens to the rest."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from include.config.loader import config_json, parse_config_json
from include.contracts import DayRange
from include.replay.history import History, Place, environment_with
from include.replay.nights import train_night
from include.replay.store import Store

if TYPE_CHECKING:
    from include.config.schema import ModelConfig

ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_MAX_THREADS"), "1"),
    "OMP_WAIT_POLICY": "PASSIVE",
}
"""Two fits side by side that each take every core are ten times slower than two that take one each."""

_work: tuple[ModelConfig, History, Store]
"""What a process of the pool was started with."""


def train_nights(
    config: ModelConfig,
    place: Place,
    days: DayRange,
    store: Store,
    nights: Sequence[date],
    processes: int,
    done: Callable[[date], None],
) -> None:
    """Train `nights` and keep each in `store` as soon as it is there; `done` is told of every one.

    An interruption lets the nights under way end, which are then kept too, and starts no other.
    """
    if not nights:
        return
    context = multiprocessing.get_context("spawn")  # a fork would inherit whatever threads the parent has
    start = (config_json(config), place, days, str(store.folder))
    with environment_with(ONE_THREAD), ProcessPoolExecutor(min(processes, len(nights)), context, _start, start) as pool:
        waiting: dict[Future[date], date] = {}
        remaining = iter(nights)
        try:
            while True:
                # A night more than there are processes, so that an interruption has little to wait for.
                while len(waiting) <= processes and (night := next(remaining, None)) is not None:
                    waiting[pool.submit(_train, night)] = night
                if not waiting:
                    return
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    del waiting[future]
                    done(future.result())
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _start(text: str, place: Place, days: DayRange, folder: str) -> None:
    """Read the rows once for a process; it leaves an interruption to the process that started it."""
    global _work
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    config = parse_config_json(text)
    _work = config, History.load(config, place, days), Store(Path(folder))


def _train(night: date) -> date:
    config, history, store = _work
    store.keep(train_night(config, history, night))
    return night

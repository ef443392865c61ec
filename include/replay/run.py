"""A stretch of history under one policy or several: rows, trained nights, decisions, and what they came to."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

from include.errors import PermanentError
from include.replay import history as rows_of
from include.replay import plan as planned
from include.replay.decisions import Nights
from include.replay.history import History, Origin, Place
from include.replay.nights import Night, train_night
from include.replay.outcome import outcome
from include.replay.plan import Plan
from include.replay.pool import train_nights
from include.replay.records import Compute, NightRecord, Outcome
from include.replay.store import Store


class Progress(Protocol):
    """What a person sees meanwhile."""

    def stage(self, title: str, total: int) -> Callable[[], None]:
        """Begin a stage of `total` steps; what is returned is called after each."""

    def say(self, message: str) -> None:
        """Tell what is going on."""


class Silent:
    """Shows nothing."""

    def stage(self, title: str, total: int) -> Callable[[], None]:
        return lambda: None

    def say(self, message: str) -> None:
        pass


@dataclass(frozen=True)
class Request:
    """Policies by name over the same nights, how their rows are had, and how many processes train."""

    plans: dict[str, Plan]
    origin: Origin = "auto"
    processes: int = 0

    def __post_init__(self) -> None:
        if len({(plan.config.name, plan.first, plan.last) for plan in self.plans.values()}) != 1:
            raise PermanentError("policies are compared on the same model and nights")


@dataclass(frozen=True)
class Replayed:
    """What became of one policy, with what it was made from."""

    outcome: Outcome
    plan: Plan
    place: Place
    store: Store


def replay(request: Request, progress: Progress | None = None) -> list[Replayed]:
    """Run every policy's nights; nothing outside the replay's folders is written, and no server is asked.

    Raises NotEnoughData, naming the days, where neither the live table nor the source has the rows.
    """
    shown = progress or Silent()
    found = []
    for name, plan in request.plans.items():
        started = time.perf_counter()
        place = rows_for(plan, request.origin, shown)
        shown.say(f"{name}: rows of {place.told()}")
        history = History.load(plan.config, place, plan.days)
        store = Store(planned.nights_folder(plan.config))
        trained_now = _train(name, plan, place, history, store, request.processes, shown)
        nights, records = decide(plan, history, store, shown.stage(f"{name}: deciding", len(plan.nights)))

        def spent(seconds: list[float], started: float = started, now: int = trained_now, plan: Plan = plan) -> Compute:
            return Compute(
                nights=len(seconds),
                cpu_seconds=sum(seconds),
                candidates=len(plan.config.training.candidates),
                trained_now=now,
                wall_seconds=time.perf_counter() - started,
            )

        found.append(Replayed(outcome(name, plan, nights, records, place.told(), spent), plan, place, store))
    return found


def rows_for(plan: Plan, origin: Origin, progress: Progress) -> Place:
    """Where the rows are; days that the replay's own tables lack are read from the source first."""
    folder = planned.rows_folder(plan.config)
    place = rows_of.locate(plan, origin, folder)
    if place is not None and not place.own:
        return place
    if origin != "live":
        gaps, _ = rows_of.missing(plan.config, plan.days, str(folder / "tables"))
        chunks = rows_of.chunks(gaps.days)
        done = progress.stage("reading the source", len(chunks)) if chunks else None
        for chunk in chunks:
            rows_of.fill(plan.config, chunk, folder)
            if done is not None:
                done()
        place = rows_of.locate(plan, "source", folder)
    if place is None:
        raise rows_of.refuse(plan, origin, folder)
    return place


def _train(
    name: str, plan: Plan, place: Place, history: History, store: Store, processes: int, progress: Progress
) -> int:
    """Train the scheduled nights that are not there yet; returns how many those were."""
    due = [night for night in plan.scheduled if store.load(night, history.seen(plan.config, night)) is None]
    if not due:
        return 0
    tick = progress.stage(f"{name}: training {len(due)} nights", len(due))
    wanted = processes or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    train_nights(plan.config, place, plan.days, store, due, wanted, lambda _: tick())
    return len(due)


def decide(
    plan: Plan, history: History, store: Store, tick: Callable[[], None] = lambda: None, until: date | None = None
) -> tuple[Nights, list[NightRecord]]:
    """The nights in their order, up to `until`; what a night asks for beyond the schedule is trained here."""

    def trained(night: date) -> Night:
        kept = store.load(night, history.seen(plan.config, night))
        if kept is None:
            kept = train_night(plan.config, history, night)
            store.keep(kept)
        return kept

    nights = Nights(plan.config, history, store, trained)
    records = []
    asked: Sequence[date] = [night for night in plan.nights if until is None or night <= until]
    for record in nights.run(asked, plan.scheduled):
        records.append(record)
        tick()
    return nights, records


def kept_in(request: Request) -> Path:
    """The folder of the page and the figures of a request."""
    return planned.result_folder(list(request.plans.values()), list(request.plans))

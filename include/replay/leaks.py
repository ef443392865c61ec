"""Whether anything that a night decides depends on what it could not know: its future is changed, and it decides again.

Everything after night T, rows and labels that had not arrived, becomes something else. Night T is trained again, and
all nights up to it decide again: whatever differs has looked ahead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from include.replay.history import History, Place
from include.replay.nights import Night, train_night
from include.replay.plan import Plan
from include.replay.records import NightRecord
from include.replay.run import decide
from include.replay.store import Store

Train = Callable[[Any, History, date], Night]
CHECKED = 3
"""Nights whose future is changed by default: each is trained again."""
TIMED = ("scoring_ms", "seconds", "cpu_seconds")
"""What differs from one training to the next without any leak."""


@dataclass(frozen=True)
class Leak:
    """Something of a night that came out otherwise when the future of `changed` did."""

    changed: date
    night: date
    what: str

    def told(self) -> str:
        return f"night {self.night} saw the future: {self.what} changed with what came after night {self.changed}"


def check_leaks(
    plan: Plan,
    place: Place,
    store: Store,
    nights: Sequence[date] | None = None,
    train: Train = train_night,
    tick: Callable[[], None] = lambda: None,
) -> list[Leak]:
    """Every leak that the futures of `nights` show; by default of three nights, spread over the stretch.

    :param train: what trains a night from a history; it is called on the history as it was, and as it was altered
    """
    history = History.load(plan.config, place, plan.days)
    found: list[Leak] = []
    for night in nights if nights is not None else spread(plan.scheduled):
        altered = history.altered(plan.config, night)
        before, after = (train(plan.config, rows, night) for rows in (history, altered))
        found += [Leak(night, night, what) for what in _differences(before, after)]
        original, again = (decide(plan, rows, store, until=night)[1] for rows in (history, altered))
        found += _changed(night, original, again)
        tick()
    return found


def spread(nights: Sequence[date], count: int = CHECKED) -> list[date]:
    """`count` nights from the second to the last, evenly."""
    places = np.linspace(min(1, len(nights) - 1), len(nights) - 1, min(count, len(nights)))
    return [nights[place] for place in dict.fromkeys(places.round().astype(int).tolist())]


def _differences(before: Night, after: Night) -> list[str]:
    """What of a trained night is not the same; the day that it scores first is of the next night, and may differ."""
    texts = [one.trained.model_dump(exclude=set(TIMED)) for one in (before, after)]
    found = [f"its {name}" for name in texts[0] if texts[0][name] != texts[1][name]]
    return found if np.array_equal(before.holdout, after.holdout) else [*found, "its holdout scores"]


def _changed(night: date, before: Sequence[NightRecord], after: Sequence[NightRecord]) -> list[Leak]:
    found = []
    for one, other in zip(before, after, strict=True):
        pair = [record.model_dump(exclude={"reasons"}) for record in (one, other)]
        found += [Leak(night, one.night, f"its {name}") for name in pair[0] if pair[0][name] != pair[1][name]]
    return found

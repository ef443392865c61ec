"""What becomes of alarms from night to night, so that each is told once, again after a while, and once it has ended.

Pure. What is to be told is noted in the state before it is sent and taken out once it has arrived, target by target: a
process killed in between tells it again, and never forgets it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from typing import Literal

from pydantic import Field

from include.contracts import Alarm, Contract

News = Literal["", "opened", "still open", "recovered"]
NOTE = "note"
"""Kind of what is told once and is over with that."""


class AlarmState(Contract):
    """An alarm, open or ended. `waiting`: targets that have not heard its `news`; `told`: the last night it was."""

    key: str
    severity: Literal["critical", "warning", "info"]
    sentence: str
    next: str = ""
    links: dict[str, str] = Field(default_factory=dict)
    opened: date
    seen: date
    closed: date | None = None
    told: date | None = None
    news: News = ""
    waiting: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        return self.key.partition(":")[0]

    @property
    def is_open(self) -> bool:
        return self.closed is None


def advance(
    states: Mapping[str, AlarmState],
    raised: Sequence[Alarm],
    ended: Callable[[AlarmState], bool],
    night: date,
    remind_after: int,
    targets: Collection[str],
    links: Mapping[str, str],
) -> dict[str, AlarmState]:
    """The states after `night`, on which `raised` are open; of the others, those that `ended` says are over.

    :param remind_after: nights after which an open alarm is told again
    :param targets: who is told; those that are no longer there are waited for no longer
    :param links: where to look, by name
    """
    names = tuple(sorted(targets))
    known = {key: _without_strangers(state, names) for key, state in states.items()}
    for alarm in raised:
        known[alarm.key] = _raised(known.get(alarm.key), alarm, night, remind_after, names, dict(links))
    now = {alarm.key for alarm in raised}
    for key, state in known.items():
        if state.is_open and key not in now and ended(state):
            known[key] = state.model_copy(update={"closed": night, "news": "recovered", "waiting": names})
    return known


def delivered(state: AlarmState, arrived: Collection[str], night: date) -> AlarmState:
    """The state once its news have arrived at these targets."""
    waiting = tuple(name for name in state.waiting if name not in arrived)
    told = night if len(waiting) < len(state.waiting) else state.told
    return state.model_copy(update={"waiting": waiting, "told": told, "news": state.news if waiting else ""})


def _raised(
    state: AlarmState | None,
    alarm: Alarm,
    night: date,
    remind_after: int,
    names: tuple[str, ...],
    links: dict[str, str],
) -> AlarmState:
    if state is not None and alarm.kind == NOTE:
        return state
    if state is None or not state.is_open:
        return AlarmState(
            key=alarm.key,
            severity=alarm.severity,
            sentence=alarm.sentence,
            next=alarm.next,
            links=links,
            opened=night,
            seen=night,
            closed=night if alarm.kind == NOTE else None,
            news="opened",
            waiting=names,
        )
    latest = {
        "severity": alarm.severity,
        "sentence": alarm.sentence,
        "next": alarm.next,
        "links": links,
        "seen": max(night, state.seen),
    }
    if state.told is not None and (night - state.told).days >= remind_after:
        latest |= {"news": "still open", "waiting": names}
    return state.model_copy(update=latest)


def _without_strangers(state: AlarmState, names: Collection[str]) -> AlarmState:
    waiting = tuple(name for name in state.waiting if name in names)
    return state.model_copy(update={"waiting": waiting, "news": state.news if waiting else ""})

"""What a person reads: what happened, since when, how bad it is, where to look. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from include.alerts.states import NOTE, AlarmState

PASSWORD = re.compile(r"(\w[\w+.-]*://)[^\s/@]+@")
"""User and password of an address, as an error message may quote one."""
RANK = {"critical": 0, "warning": 1, "info": 2}
LONGEST_TITLE = 120


@dataclass(frozen=True)
class Message:
    """A text, and its lines as records for machines. `kind` is how a target may colour it."""

    title: str
    body: str
    kind: Literal["critical", "warning", "info", "recovered"]
    records: tuple[dict[str, object], ...] = ()


def compose(model: str, news: Sequence[AlarmState]) -> Message:
    """One message of all that is new of a model, the worst first."""
    ordered = sorted(news, key=lambda state: (state.news == "recovered", RANK[state.severity], state.key))
    worst = ordered[0]
    kind = "recovered" if worst.news == "recovered" else worst.severity
    more = f" (and {len(ordered) - 1} more)" if len(ordered) > 1 else ""
    title = masked(f"[{kind}] {model}: {worst.sentence if kind != 'recovered' else f'{worst.key} recovered'}")
    if len(title) > LONGEST_TITLE:
        title = f"{title[: LONGEST_TITLE - 1]}…"
    records = tuple(_record(model, state) for state in ordered)
    return Message(title + more, masked("\n\n".join(_told(state) for state in ordered)), kind, records)


def masked(text: str) -> str:
    """The text without users and passwords in the addresses that it quotes."""
    return PASSWORD.sub(r"\1***@", text)


def headline(state: AlarmState) -> str:
    """Which alarm, how bad, and since when, in a line."""
    if state.kind == NOTE:
        return f"NOTE, on the night of {state.opened}"
    if state.news == "recovered" or not state.is_open:
        return f"RECOVERED {state.key}, open from the night of {state.opened} to {state.closed}"
    nights = (state.seen - state.opened).days + 1
    since = f"since the night of {state.opened}" + (f", {nights} nights" if nights > 1 else "")
    again = "STILL OPEN, " if state.news == "still open" else ""
    return f"{again}{state.severity.upper()} {state.key}, {since}"


def _told(state: AlarmState) -> str:
    lines = [
        headline(state),
        f"  {state.sentence}" if state.is_open or state.kind == NOTE else f"  was: {state.sentence}",
    ]
    if state.is_open:
        lines += [f"  Next: {state.next}"] if state.next else []
    return "\n".join([*lines, *(f"  {name}: {address}" for name, address in state.links.items())])


def _record(model: str, state: AlarmState) -> dict[str, object]:
    kept = state.model_dump(mode="json", exclude={"waiting", "told"})
    return {
        "model": model,
        **{name: masked(value) if isinstance(value, str) else value for name, value in kept.items()},
    }

"""Tells people what is new: alarms that began, that stay open, that ended; each once, to each target.

State is the table `alarms` of the model, a row for each alarm that there ever was. It is read and written under a lock,
so two tasks that fail together tell two things once, and what could not be sent is sent the next time that anything is
told. A target that fails is logged and fails nobody: the night is more than its messages. Where the lock cannot be had,
or for failures the table, people are told without: twice is better than never.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from include.alerts import targets
from include.alerts.message import Message, compose, headline, masked
from include.alerts.states import AlarmState, advance, delivered
from include.contracts import Alarm, PolicyDecision
from include.data import tables
from include.data.locks import registry_lock
from include.errors import NightshiftError

if TYPE_CHECKING:
    from include.alerts.targets import Target
    from include.config.schema import AlertsConfig

log = logging.getLogger(__name__)

TABLE = "alarms"
JSON_COLUMNS = ("links", "waiting")
SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in ("key", "severity", "sentence", "next", "links")),
        *(pa.field(name, pa.date32()) for name in ("opened", "seen", "closed", "told")),
        *(pa.field(name, pa.string()) for name in ("news", "waiting")),
    ]
)
POLICY_KINDS = frozenset({"data", "harm", "drift", "age"})
"""Kinds of alarm that nights' decisions open and end."""
SENDERS = 8


def tell_decision(rules: AlertsConfig, decision: PolicyDecision, links: Mapping[str, str]) -> list[AlarmState]:
    """Tell what a night's decision changed. A night before the last one told changes nothing: it is past."""
    known = read(decision.model)
    last = max((state.closed or state.seen for state in known.values() if state.kind in POLICY_KINDS), default=None)
    if last is not None and decision.night < last:
        log.info("The night of %s is past: alarms are those of %s, and stay so", decision.night, last)
        return tell(decision.model, rules, decision.night)
    judged = set(decision.judged)
    return tell(decision.model, rules, decision.night, decision.alarms, lambda state: state.kind in judged, links=links)


def tell(
    model: str,
    rules: AlertsConfig,
    night: date,
    raised: Sequence[Alarm] = (),
    ended: Callable[[AlarmState], bool] = lambda state: False,
    links: Mapping[str, str] | None = None,
) -> list[AlarmState]:
    """Bring the model's alarms up to date, tell what is new or did not arrive before, and return what was told.

    :param raised: alarms that are open now
    :param ended: which of the other open ones are over
    Raises TransientError where the tables' storage fails.
    """
    audience = _audience(model, rules)
    with _alone(model):
        before = read(model)
        names = [target.id for target in audience]
        states = advance(before, raised, ended, night, rules.remind_after_nights, names, links or {})
        if states != before:
            _write(model, states)  # before anything is sent: a kill from here on repeats, and forgets nothing
        news = [state for state in states.values() if state.waiting]
        if not news:
            return []
        arrived = _send(model, audience, news)
        told = {state.key: delivered(state, arrived & set(state.waiting), night) for state in news}
        _write(model, states | told)
        return news


def tell_anyway(
    model: str, rules: AlertsConfig, night: date, raised: Sequence[Alarm], links: Mapping[str, str]
) -> None:
    """As `tell`; where the table cannot be read or written, all are told: its outage may be what there is to tell."""
    try:
        tell(model, rules, night, raised, links=links)
    except Exception as error:
        log.error("The state of alarms cannot be kept (%s); told without it", masked(str(error)))
        audience = _audience(model, rules)
        names = [target.id for target in audience]
        states = advance({}, raised, lambda state: False, night, rules.remind_after_nights, names, links)
        _send(model, audience, list(states.values()))


def read(model: str) -> dict[str, AlarmState]:
    """Every alarm of the model that there ever was, by its key."""
    if tables.table_version(model, TABLE) is None:
        return {}
    frame = tables.read(model, TABLE, SCHEMA.names)
    rows = frame.astype(object).where(frame.notna(), None).to_dict(orient="records")
    parsed = ({**row, **{name: json.loads(row[name]) for name in JSON_COLUMNS}} for row in rows)
    return {str(row["key"]): AlarmState.model_validate(row) for row in parsed}


def open_alarms(model: str) -> list[AlarmState]:
    """The model's open alarms, the oldest first."""
    return sorted(
        (state for state in read(model).values() if state.is_open), key=lambda state: (state.opened, state.key)
    )


def unmatched(tags: Collection[str], known: Iterable[Target]) -> list[str]:
    """Tags that no target has."""
    return sorted(set(tags) - {tag for target in known for tag in target.tags})


def _audience(model: str, rules: AlertsConfig) -> list[Target]:
    known, faults = targets.load()
    for fault in faults:
        log.error("%s", fault)
    if lost := unmatched(rules.tags, known):
        log.error(
            "include/models/%s.yaml: alerts.tags: no target in NIGHTSHIFT_ALERTS has the tag %s. "
            "Next: ./nightshift alerts --test",
            model,
            ", ".join(lost),
        )
    return targets.chosen(known, rules.tags)


def _message(model: str, target: Target, news: Sequence[AlarmState]) -> Message | None:
    """What one target has not heard yet; None where it has heard everything."""
    mine = [state for state in news if target.id in state.waiting]
    return compose(model, mine) if mine else None


@contextmanager
def _alone(model: str) -> Iterator[None]:
    """Hold the lock of the model's alarms; without it, where it cannot be had, something may be told twice."""
    with ExitStack() as stack:
        try:
            stack.enter_context(registry_lock(f"{model}.alarms"))
        except NightshiftError as error:
            log.warning("Told without the lock of alarms: %s", error)
        yield


def _send(model: str, audience: Sequence[Target], news: Sequence[AlarmState]) -> set[str]:
    """Log the news and send them, side by side so that targets that do not answer cost one wait; who was reached."""
    for state in news:
        log.warning("%s: %s", masked(headline(state)), masked(state.sentence))
    wanted = [(target, message) for target in audience if (message := _message(model, target, news)) is not None]
    with ThreadPoolExecutor(SENDERS) as pool:
        failures = list(pool.map(lambda pair: pair[0].send(pair[1]), wanted))
    for (target, _), why in zip(wanted, failures, strict=True):
        if why:
            log.error("Not told to %s: %s; sent again with the next look", target.name, why)
        else:
            log.info("Told to %s", target.name)
    return {target.id for (target, _), why in zip(wanted, failures, strict=True) if not why}


def _write(model: str, states: Mapping[str, AlarmState]) -> None:
    rows = [
        state.model_dump() | {name: json.dumps(getattr(state, name)) for name in JSON_COLUMNS}
        for state in states.values()
    ]
    frame = pd.DataFrame(rows, columns=SCHEMA.names)
    tables.replace_partition(model, TABLE, frame, {"model": model}, SCHEMA)

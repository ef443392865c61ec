"""Versions that a person took back: not served again by a schedule while nothing about them has changed."""

from __future__ import annotations

from collections.abc import Sequence

from include.contracts import ReleaseEvent, RunContext
from include.release import ledger
from include.tracking import registry


def recalled(events: Sequence[ReleaseEvent]) -> dict[int, ReleaseEvent]:
    """The rollback that took each version back, for those that no later rollback has put in place again."""
    found: dict[int, ReleaseEvent] = {}
    for event in events:
        if event.event == "rolled_back":
            if event.champion_before is not None:
                found.pop(event.champion_before, None)  # the newest comes last
                found[event.champion_before] = event
            found.pop(event.version, None)
    return found


def rolled_back_twin(
    model: str, config_hash: str, data_hash: str, events: Sequence[ReleaseEvent] | None = None
) -> ReleaseEvent | None:
    """The newest rollback that took back a version of this very configuration and data; None where there is none.

    A version that was deleted from the registry has no twin: what it was trained on is not known any more.

    :param events: the ledger, where the caller has read it
    """
    found = recalled(ledger.history(model) if events is None else events)
    twins = registry.same_training(model, config_hash, data_hash) if found else set()
    return next((event for version, event in reversed(found.items()) if version in twins), None)


def taken_back(context: RunContext, version: int, events: Sequence[ReleaseEvent] | None = None) -> str:
    """Why `version`, trained in this run, must not be promoted after what a person decided; empty: nothing speaks.

    The same rows and the same model file make the same model: what was wrong with it then is wrong with it now.
    """
    event = rolled_back_twin(context.model, context.config_hash, context.data_hash, events)
    if event is None:
        return ""
    twin = event.champion_before
    who = (
        f"Version {version} was"
        if twin == version
        else f"Version {version} has the data and configuration of version {twin}, which was"
    )
    return (
        f"{who} taken back on {event.at:%Y-%m-%d %H:%M} UTC by {event.actor}: {event.reason} "
        f"Next: change include/models/{context.model}.yaml, or wait for a night with new data; a person may serve it "
        f"again: ./nightshift rollback {context.model} --to {twin} --reason <why>"
    )

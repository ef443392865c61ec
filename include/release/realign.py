"""The registry put back to what the ledger released, after an alias was moved by hand or a version deleted.

Nobody is served what the ledger did not release. A version that cannot be read any more is served no longer: the next
one that passes its gates takes its place.
"""

from __future__ import annotations

from include import clock
from include.contracts import ReleaseEvent
from include.data.locks import registry_lock
from include.errors import PermanentError
from include.release import ledger, promotion
from include.scoring import loader
from include.tracking import registry

ACTOR = "repair"


def disagreement(model: str, champion: int | None, released: int | None) -> str:
    """What is wrong between MLflow's champion and the ledger's, with the next command; empty where they agree."""
    if champion == released:
        return ""
    return (
        f"MLflow's champion is {promotion.named(champion)}, the ledger released {promotion.named(released)}: "
        f"./nightshift repair {model}"
    )


def realign(model: str) -> list[ReleaseEvent]:
    """Close what is open, then put the champion's alias where the ledger has it; return the lines added.

    Where that version or its record is gone, no version is served any more. Raises TransientError where MLflow does
    not answer.
    """
    with registry_lock(model):
        added = promotion.close_pending(model)
        released, _ = ledger.champion(ledger.history(model))
        champion = registry.champion_version(model)
        usable = released is not None and _is_usable(model, released)
        if (usable and champion == released) or (champion is None and released is None):
            return added
        if usable and released is not None:
            registry.set_champion(model, released, None)
            return [*added, _line(model, released, champion, released, "put back to what the ledger released")]
        if champion is not None:
            registry.remove_champion(model)
        gone = "its version or its record is gone from MLflow" if released else "the ledger never released it"
        named = released or champion or 0
        return [*added, _line(model, named, None, None, f"no version is served: {gone}")]


def _is_usable(model: str, version: int) -> bool:
    """Whether the version is there with all that scoring reads of it."""
    if version not in registry.versions(model):
        return False
    try:
        loader.training(model, version)
        loader.load(model, version)
    except PermanentError:
        return False
    return True


def _line(model: str, version: int, before: int | None, after: int | None, reason: str) -> ReleaseEvent:
    now = clock.now()
    return ledger.append(
        ReleaseEvent(
            at=now,
            model=model,
            event="rolled_back",
            version=version,
            champion_before=before,
            champion_after=after,
            actor=ACTOR,
            reason=reason,
            airflow_run_id=f"repair {now.isoformat()}",
        )
    )

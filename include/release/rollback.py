"""Back to an earlier version, by a person, with a reason. Same order as a promotion: intention, alias, outcome."""

from __future__ import annotations

from include import clock
from include.contracts import ReleaseEvent
from include.data.locks import registry_lock
from include.errors import NightshiftError, PermanentError, TransientError
from include.release import ledger, promotion
from include.release.recalls import rolled_back_twin, taken_back
from include.tracking import naming, registry, runs

__all__ = ["rollback", "rolled_back_twin", "taken_back"]


def rollback(model: str, to: int | None, reason: str, actor: str, airflow_run_id: str) -> ReleaseEvent:
    """Serve version `to`, by default the one that was champion before; return the ledger's line.

    A rollback that has finished and runs again returns its own line. Raises PermanentError, with the next command,
    for an empty reason and for a version that does not exist, is champion already, or never earned being served.
    """
    if not reason.strip():
        raise PermanentError(
            f"rollback of {model}: `reason` is empty; the ledger keeps why a version was taken back. "
            f"Next: ./nightshift rollback {model} --reason 'wrong prices since Monday'"
        )
    with registry_lock(model) as lock:
        promotion.close_pending(model)
        history = ledger.history(model)
        for event in history:
            if event.event == "rolled_back" and event.airflow_run_id == airflow_run_id:
                return event
        champion = registry.champion_version(model)
        target = to if to is not None else _previous(model, champion, history)
        _check(model, target, champion, history)
        intended = ReleaseEvent(
            at=clock.now(),
            model=model,
            event="intended",
            version=target,
            champion_before=champion,
            champion_after=target,
            actor=actor,
            reason=reason.strip(),
            airflow_run_id=airflow_run_id,
            evidence=f"rollback of {promotion.named(champion)}",
            aims_at="rolled_back",
        )
        return promotion.move_alias(intended, lock)


def _previous(model: str, champion: int | None, history: list[ReleaseEvent]) -> int:
    """The version served before `champion`: by its alias, or by the ledger where a crash left the alias on itself."""
    if champion is None:
        lost = ledger.champion(history)[0] is not None
        raise PermanentError(
            f"{model} has no champion, so there is none before it. Next: "
            + (f"./nightshift repair {model}" if lost else f"./nightshift train {model}")
        )
    previous = registry.alias_version(model, naming.PREVIOUS_CHAMPION)
    if previous is not None and previous != champion:
        return previous
    for event in reversed(history):
        if event.event in ("promoted", "rolled_back") and event.champion_after == champion and event.champion_before:
            return event.champion_before
    raise PermanentError(
        f"{model}: version {champion} is the first champion, there is none before it to go back to. "
        f"Next: {_others(history, model, champion)}"
    )


def _check(model: str, target: int, champion: int | None, history: list[ReleaseEvent]) -> None:
    """Raise PermanentError unless `target` exists, is not served already, and was champion once or passed its gates."""
    if target == champion:
        raise PermanentError(
            f"{model}: version {target} is already the champion; nothing was changed. "
            f"Next: {_others(history, model, champion)}"
        )
    try:
        info = registry.version_info(model, target)
    except TransientError:
        raise
    except NightshiftError as error:
        raise PermanentError(
            f"{model}: `to` is {target}, but the registry has no such version. "
            f"Next: {_others(history, model, target)} ({error})"
        ) from error
    served = any(event.event in ("promoted", "rolled_back") and event.version == target for event in history)
    if served:
        return
    verdict = runs.run_metrics(info.mlflow_run_id)[1].get("verdict", "none")
    if verdict != "promote":
        raise PermanentError(
            f"{model}: version {target} was never champion and did not pass its gates (verdict: {verdict}), so it is "
            f"not served. Next: {_others(history, model)}"
        )


def _others(history: list[ReleaseEvent], model: str, but: int | None = None) -> str:
    """The versions that were served before, which may be named; without one, what makes a new one."""
    known = set(registry.versions(model)) - {but}
    served = sorted({event.version for event in history if event.event in ("promoted", "rolled_back")} & known)
    if not served:
        return f"./nightshift train {model}, for no other version that was served is left"
    return (
        f"./nightshift rollback {model} --to {served[-1]} --reason WHY (served before: {', '.join(map(str, served))})"
    )

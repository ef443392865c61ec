"""The champion changes here: intention into the ledger, alias moved, outcome into the ledger.

The alias alone says who is served and moves in one call, so exactly one champion exists whatever is killed when. What
a crash leaves is an intention without an outcome, which the next promotion or rollback closes from what the registry
says. All of it happens under the model's lock. Late and doubled runs change nothing: the champion must be the one that
was gated against, and older; and what a person took back does not return by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

import numpy as np

from include import clock
from include.contracts import Approval, GateDecision, ReleaseEvent, RunContext
from include.data.locks import RegistryLock, registry_lock
from include.errors import NightshiftError, PermanentError, TransientError
from include.gates import decide
from include.release import ledger
from include.release.recalls import taken_back
from include.tracking import models, naming, registry, runs
from include.training.fit import predict_scores

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from include.config.schema import ModelConfig
    from include.contracts import GateResult

SETTLE_SECONDS = 2.0
"""Many times what the registry takes to answer a request that it has received (0.06 s on a loaded machine)."""


def promote(context: RunContext, decision: GateDecision, actor: str, approval: Approval | None = None) -> ReleaseEvent:
    """Make the judged version the champion, or return the refusal that says why not; both are in the ledger.

    A finished promotion that runs again returns its own line, even if a person has rolled it back since.

    :param approval: what became of the question to a person; the ledger names who answered
    """
    model, version = context.model, decision.version
    with registry_lock(model) as lock:
        close_pending(model)
        events = ledger.history(model)
        for event in events:
            if event.event == "promoted" and (event.airflow_run_id, event.version) == (context.airflow_run_id, version):
                return event
        champion = registry.champion_version(model)
        intended = _intention(context, decision, champion, actor, approval)
        if rejection := _rejection(decision, approval):
            return ledger.append(_closing(intended, "refused", champion, rejection, intended.answered_by or actor))
        if objection := _objection(context, decision, champion, events):
            return ledger.append(_closing(intended, "refused", champion, objection))
        return move_alias(intended, lock)


def move_alias(intended: ReleaseEvent, lock: RegistryLock) -> ReleaseEvent:
    """Write the intention, move the alias if the champion is still `champion_before`, write what came of it.

    :param lock: the model's, held by the caller since before it asked who is champion
    """
    intended = ledger.append(intended)
    model, before = intended.model, intended.champion_before
    champion = registry.champion_version(model)
    if champion != before:
        reason = f"champion changed from {named(before)} to {named(champion)} before the alias moved"
        return ledger.append(_closing(intended, "refused", champion, reason))
    lock.confirm()
    registry.set_champion(model, intended.version, before)
    return ledger.append(_closing(intended, _outcome(intended), intended.version, intended.reason))


def repair(model: str) -> list[ReleaseEvent]:
    """Close every intention that has no outcome, from what the registry says; return the lines added.

    Waits for a promotion that is under way: what is open once the lock is held, nobody is working at.
    """
    with registry_lock(model):
        return close_pending(model)


def close_pending(model: str) -> list[ReleaseEvent]:
    """As `repair`, for a caller that holds the lock."""
    pending = [event for event in ledger.latest(ledger.history(model)).values() if event.event == "intended"]
    if not pending:
        return []
    champion = _settled_champion(model, pending)
    added = []
    for intended in pending:
        if champion == intended.version:
            reason = f"{intended.reason} (interrupted after the alias moved; outcome written by the next run)"
            added.append(ledger.append(_closing(intended, _outcome(intended), champion, reason)))
        else:
            reason = f"interrupted before the alias moved; the champion is {named(champion)}"
            closing = _closing(intended, "refused", champion, reason)
            added.append(ledger.append(closing.model_copy(update={"interrupted": True})))
    return added


def _settled_champion(model: str, pending: Sequence[ReleaseEvent]) -> int | None:
    """The champion, once no request of a killed process can move it any more.

    A process that is killed while the server works at its request leaves the alias to be moved a moment later.
    """
    champion = registry.champion_version(model)
    if any(champion == intended.version for intended in pending):
        return champion
    time.sleep(SETTLE_SECONDS)
    return registry.champion_version(model)


def verify_champion(model: str, version: int) -> GateResult:
    """Load `models:/<model>@champion` as scoring does and replay golden rows; return the parity figures.

    Raises PermanentError where another version is served or its predictions are not those of training.
    """
    served = registry.champion_version(model)
    help_line = f"Next: ./nightshift rollback {model} --reason <why>, or ./nightshift history {model} for the history"
    if served != version:
        raise PermanentError(f"{model}@champion is {named(served)}, expected is version {version}. {help_line}")
    address = f"models:/{model}@{naming.CHAMPION}"
    info = registry.version_info(model, version)
    config = runs.load_config(info.tags["parent_run_id"])
    found = replay(info.mlflow_run_id, config, lambda: models.load_pipeline_by_uri(address))
    gate = decide.parity_gate(version, found, config.task)
    if not gate.passed:
        raise PermanentError(f"{address}: {gate.sentence} {help_line}")
    return gate


def replay(mlflow_run_id: str, config: ModelConfig, load: Callable[[], Pipeline]) -> decide.Replay:
    """Golden rows of a candidate's run, with what the pipeline that `load` returns gives them now.

    Raises TransientError where MLflow does not answer: that says nothing about the model. Any other fault is in the
    result, since whatever a model raises is the reason not to serve it.
    """
    recorded = np.empty(0)
    try:
        rows, recorded = runs.load_golden(mlflow_run_id)
        return decide.Replay(recorded, predict_scores(load(), rows, config))
    except TransientError:
        raise
    except Exception as error:
        return decide.Replay(recorded, None, f"{type(error).__name__}: {error}")


def _rejection(decision: GateDecision, approval: Approval | None) -> str:
    """Why gates or people do not let this version through, empty where they do."""
    if decision.verdict != "promote":
        return "gates refused it: " + " ".join(decision.reasons)
    if approval is not None and not approval.approved:
        return f"rejected by {approval.answered_by}: {approval.reason}" if approval.answered_by else approval.reason
    if decision.ask_person and (approval is None or not approval.asked):
        return "a person has to agree, and nobody was asked: " + " ".join(decision.ask_person)
    return ""


def _objection(
    context: RunContext, decision: GateDecision, champion: int | None, events: Sequence[ReleaseEvent]
) -> str:
    """Why this version must not be served now, though it was let through; empty when nothing speaks against it."""
    if champion != decision.champion_version:
        return (
            f"champion changed from {named(decision.champion_version)} to {named(champion)} since version "
            f"{decision.version} was gated; next: ./nightshift train {context.model}, which compares with the new one"
        )
    if champion is not None:
        if champion >= decision.version:
            return f"the champion is {named(champion)}, which is not older than version {decision.version}"
        newest = _as_of(context.model, champion)
        if newest is not None and newest > context.as_of:
            return f"{named(champion)} was trained as of {newest}, after this run's {context.as_of}"
    return taken_back(context, decision.version, events)


def _as_of(model: str, version: int) -> date | None:
    """Night that a version was trained as of; None where its record cannot be read, which speaks for a newer one."""
    try:
        tag = registry.version_info(model, version).tags.get("as_of")
    except TransientError:
        raise
    except NightshiftError:
        return None
    return date.fromisoformat(tag) if tag else None


def _intention(
    context: RunContext, decision: GateDecision, champion: int | None, actor: str, approval: Approval | None
) -> ReleaseEvent:
    reason = "first release, every gate passed" if decision.first_release else "every gate passed"
    person = approval.answered_by if approval is not None and approval.asked else ""
    if approval is not None and person:
        reason += f"; {person} agreed" + (f": {approval.reason}" if approval.reason else "")
    return ReleaseEvent(
        at=clock.now(),
        model=context.model,
        event="intended",
        version=decision.version,
        champion_before=champion,
        champion_after=decision.version,
        actor=actor,
        reason=reason,
        airflow_run_id=context.airflow_run_id,
        evidence=summary(decision),
        rule="first_release" if decision.first_release else decision.rule,
        answered_by=person,
        aims_at="promoted",
    )


def summary(decision: GateDecision) -> str:
    """The verdict's figures in one line, and where the report is."""
    parts = [
        f"{found.metric} {found.difference:+.4f} [{found.low:+.4f}, {found.high:+.4f}] on {found.rows} rows, "
        f"p {found.p_value:.3g} ({found.method})"
        for found in decision.evidence[:1]
    ]
    return "; ".join([*parts, *([decision.report_uri] if decision.report_uri else [])])


def _closing(
    intended: ReleaseEvent,
    event: Literal["promoted", "rolled_back", "refused"],
    after: int | None,
    reason: str,
    actor: str | None = None,
) -> ReleaseEvent:
    """The line that ends an intention; never before it in time, though another machine's clock be behind."""
    at = max(clock.now(), intended.at + timedelta(microseconds=1))
    said = {"at": at, "event": event, "champion_after": after, "reason": reason, "actor": actor or intended.actor}
    return intended.model_copy(update={**said, "aims_at": ""})


def _outcome(intended: ReleaseEvent) -> Literal["promoted", "rolled_back"]:
    return "rolled_back" if intended.aims_at == "rolled_back" else "promoted"


def named(version: int | None) -> str:
    """A version in a sentence."""
    return "none" if version is None else f"version {version}"

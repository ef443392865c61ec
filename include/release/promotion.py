"""The champion changes here: intention into the ledger, alias moved, outcome into the ledger.

The alias alone says who is served and moves in one call, so exactly one champion exists whatever is killed when. What
a crash leaves is an intention without an outcome, which the next promotion or rollback closes from what the registry
says. Late and doubled runs change nothing: the champion must be the one that was gated against, and older.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Literal

import numpy as np

from include.contracts import GateDecision, ReleaseEvent, RunContext
from include.errors import NightshiftError, PermanentError, TransientError
from include.release import gates, ledger
from include.tracking import models, naming, registry, runs
from include.training.fit import predict_scores

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from include.config.schema import ModelConfig
    from include.contracts import GateResult

ROLLBACK = "rollback"
"""What an intention's `evidence` starts with when it is a rollback's; a promotion's starts with its figures."""
Outcome = Literal["promoted", "rolled_back"]


def promote(context: RunContext, decision: GateDecision, actor: str) -> ReleaseEvent:
    """Make the judged version the champion, or return the refusal that says why not; both are in the ledger.

    A finished promotion that runs again returns its own line, even if a person has rolled it back since.
    """
    model, version = context.model, decision.version
    repair(model)
    for event in ledger.history(model):
        if event.event == "promoted" and (event.airflow_run_id, event.version) == (context.airflow_run_id, version):
            return event
    champion = registry.champion_version(model)
    reason = _objection(context, decision, champion)
    if reason:
        return ledger.append(_event(context, decision, "refused", champion, champion, actor, reason))
    reason = "first release, every gate passed" if decision.first_release else "every gate passed"
    intended = _event(context, decision, "intended", champion, version, actor, reason)
    return move_alias(intended, "promoted")


def move_alias(intended: ReleaseEvent, outcome: Outcome) -> ReleaseEvent:
    """Write the intention, move the alias if the champion is still `champion_before`, write what came of it."""
    intended = ledger.append(intended)
    model, before = intended.model, intended.champion_before
    champion = registry.champion_version(model)
    if champion != before:
        reason = f"champion changed from {named(before)} to {named(champion)} before the alias moved"
        return ledger.append(_closing(intended, "refused", champion, reason))
    registry.set_champion(model, intended.version, before)
    return ledger.append(_closing(intended, outcome, intended.version, intended.reason))


def repair(model: str) -> list[ReleaseEvent]:
    """Close every intention that has no outcome, from what the registry says; return the lines added.

    Called before anything else is intended: an unfinished task of before is dead by then, or about to find that the
    champion is no longer the one it gated against.
    """
    pending = [event for event in ledger.latest(ledger.history(model)).values() if event.event == "intended"]
    if not pending:
        return []
    champion = registry.champion_version(model)
    added = []
    for intended in pending:
        if champion == intended.version:
            outcome: Outcome = "rolled_back" if intended.evidence.startswith(ROLLBACK) else "promoted"
            reason = f"{intended.reason} (interrupted after the alias moved; outcome written by the next run)"
            added.append(ledger.append(_closing(intended, outcome, champion, reason)))
        else:
            reason = f"interrupted before the alias moved; the champion is {named(champion)}"
            added.append(ledger.append(_closing(intended, "refused", champion, reason)))
    return added


def verify_champion(model: str, version: int) -> GateResult:
    """Load `models:/<model>@champion` as scoring does and replay golden rows; return the parity figures.

    Raises PermanentError where another version is served or its probabilities are not those of training.
    """
    served = registry.champion_version(model)
    help_line = f"Next: ./nightshift rollback {model} --reason <why>, or ./nightshift history {model} for the history"
    if served != version:
        raise PermanentError(f"{model}@champion is {named(served)}, expected is version {version}. {help_line}")
    address = f"models:/{model}@{naming.CHAMPION}"
    info = registry.version_info(model, version)
    config = runs.load_config(info.tags["parent_run_id"])
    found = replay(info.mlflow_run_id, config, lambda: models.load_pipeline_by_uri(address))
    gate = gates.parity_gate(version, found)
    if not gate.passed:
        raise PermanentError(f"{address}: {gate.sentence} {help_line}")
    return gate


def replay(mlflow_run_id: str, config: ModelConfig, load: Callable[[], Pipeline]) -> gates.Replay:
    """Golden rows of a candidate's run, with what the pipeline that `load` returns gives them now.

    Raises TransientError where MLflow does not answer: that says nothing about the model. Any other fault is in the
    result, since whatever a model raises is the reason not to serve it.
    """
    recorded = np.empty(0)
    try:
        rows, recorded = runs.load_golden(mlflow_run_id)
        return gates.Replay(recorded, predict_scores(load(), rows, config))
    except TransientError:
        raise
    except Exception as error:
        return gates.Replay(recorded, None, f"{type(error).__name__}: {error}")


def _objection(context: RunContext, decision: GateDecision, champion: int | None) -> str:
    """Why this version must not be served, empty when nothing speaks against it."""
    if decision.verdict != "promote":
        return "gates refused it: " + " ".join(decision.reasons)
    if champion != decision.champion_version:
        return (
            f"champion changed from {named(decision.champion_version)} to {named(champion)} since version "
            f"{decision.version} was gated; next: trigger {context.model}__retrain, which compares with the new one"
        )
    if champion is None:
        return ""
    if champion >= decision.version:
        return f"the champion is {named(champion)}, which is not older than version {decision.version}"
    newest = _as_of(context.model, champion)
    if newest is not None and newest > context.as_of:
        return f"{named(champion)} was trained as of {newest}, after this run's {context.as_of}"
    return ""


def _as_of(model: str, version: int) -> date | None:
    """Night that a version was trained as of; None where its record cannot be read, which speaks for a newer one."""
    try:
        tag = registry.version_info(model, version).tags.get("as_of")
    except TransientError:
        raise
    except NightshiftError:
        return None
    return date.fromisoformat(tag) if tag else None


def _event(
    context: RunContext,
    decision: GateDecision,
    event: Literal["intended", "refused"],
    before: int | None,
    after: int | None,
    actor: str,
    reason: str,
) -> ReleaseEvent:
    return ReleaseEvent(
        at=datetime.now(UTC),
        model=context.model,
        event=event,
        version=decision.version,
        champion_before=before,
        champion_after=after,
        actor=actor,
        reason=reason,
        airflow_run_id=context.airflow_run_id,
        evidence=summary(decision),
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
    intended: ReleaseEvent, event: Literal["promoted", "rolled_back", "refused"], after: int | None, reason: str
) -> ReleaseEvent:
    return intended.model_copy(
        update={"at": datetime.now(UTC), "event": event, "champion_after": after, "reason": reason}
    )


def named(version: int | None) -> str:
    """A version in a sentence."""
    return "none" if version is None else f"version {version}"

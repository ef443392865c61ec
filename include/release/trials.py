"""The life of a trial: a challenger earns its place beside the champion, night by night, or it ends for a reason.

At most one version of a model is on trial. The ledger says which: the line `trial` begins it, a later line that
promotes or refuses the version ends it. Whether it still makes sense is asked of the registry at every look: the
challenger must be the one on trial, and the champion the one that it went on trial against.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from include import clock
from include.config.next_commands import trigger
from include.contracts import Contract, GateDecision, RegisteredVersion, ReleaseEvent, RunContext
from include.errors import NightshiftError, PermanentError, TransientError
from include.release import ledger, promotion
from include.release.recalls import taken_back
from include.tracking import naming, registry, runs

if TYPE_CHECKING:
    from include.config.schema import ModelConfig

FILE = "gates/trial.json"
"""In the run of the candidate that is on trial."""
ACTOR = "shadow"
ENDINGS = ("promoted", "refused", "rolled_back")


class Trial(Contract):
    """A version on trial: the run that trained it, and the decision that let it on trial, with what it was held to."""

    context: RunContext
    registered: RegisteredVersion
    admitted: GateDecision

    @property
    def version(self) -> int:
        return self.registered.version

    @property
    def champion(self) -> int:
        """The version that it is compared with; who goes on trial has one."""
        return int(self.admitted.champion_version or 0)

    @property
    def since(self) -> date:
        """First day that counts: no row of it was known when the version was trained, chosen and held to its gates."""
        return self.context.as_of


def begin(context: RunContext, registered: RegisteredVersion, decision: GateDecision) -> ReleaseEvent:
    """Put a version on trial; doing it again changes nothing.

    What the nightly looks need is kept first, so that a trial that the ledger knows can be judged.
    """
    trial = Trial(context=context, registered=registered, admitted=decision)
    runs.log_json(registered.mlflow_run_id, trial.to_json(), FILE)
    return ledger.append(
        ReleaseEvent(
            at=clock.now(),
            model=context.model,
            event="trial",
            version=registered.version,
            champion_before=decision.champion_version,
            champion_after=decision.champion_version,
            actor="gates",
            reason=" ".join(decision.reasons),
            airflow_run_id=context.airflow_run_id,
            evidence=promotion.summary(decision),
            rule=decision.rule,
        )
    )


def load(model: str, version: int) -> Trial:
    """What `begin` kept. Raises PermanentError where the version, or its record, is gone."""
    info = registry.version_info(model, version)
    return Trial.from_json(runs.load_json(info.mlflow_run_id, FILE))


def open_line(events: Sequence[ReleaseEvent]) -> ReleaseEvent | None:
    """The line that began the trial that has not ended; None where there is none.

    A promotion that was interrupted ends no trial: the next look judges the same nights again.
    """
    found: ReleaseEvent | None = None
    for event in events:
        if event.event == "trial":
            found = event
        elif found is not None and event.version == found.version and event.event in ENDINGS:
            found = found if event.interrupted else None
    return found


def current(model: str) -> ReleaseEvent | None:
    """The line of the version that is on trial now. A trial that the world has ended is closed first, with its reason.

    A version that has become champion while its promotion's outcome is not written yet is on trial no more.
    """
    events = ledger.history(model)
    line = open_line(events)
    if line is None:
        return None
    champion = registry.champion_version(model)
    if champion == line.version:
        return None
    if reason := _ended_by_the_world(line, champion, events):
        close(line, champion, reason)
        return None
    return line


def on_trial(config: ModelConfig) -> ReleaseEvent | None:
    """As `current`, for a model whose file asks for trials; without them, nothing is on trial."""
    return current(config.name) if config.release.evidence == "shadow" else None


def recall(model: str, reason: str, actor: str) -> ReleaseEvent | None:
    """End the trial because a person says so; None where no version is on trial."""
    line = current(model)
    if line is None:
        return None
    return close(line, registry.champion_version(model), f"Recalled by {actor}: {reason}", actor)


def close(line: ReleaseEvent, champion: int | None, reason: str, actor: str = ACTOR, figures: str = "") -> ReleaseEvent:
    """End a trial without a promotion: the ledger's line, and the verdict at the version's run where that is left."""
    try:
        run_id = registry.version_info(line.model, line.version).mlflow_run_id
        runs.set_tags(run_id, {"verdict": "refuse", "verdict_reasons": reason})
    except TransientError:
        raise
    except NightshiftError:
        pass  # the version was deleted, which may be why its trial ends
    said = {"at": clock.now(), "event": "refused", "champion_before": champion, "champion_after": champion}
    return ledger.append(line.model_copy(update={**said, "actor": actor, "reason": reason, "evidence": figures}))


def describe_trial(line: ReleaseEvent) -> str:
    """Which version is on trial since when, as a sentence, and how a person ends it."""
    return (
        f"Version {line.version} is on trial against version {line.champion_after} since {line.at:%Y-%m-%d}. "
        f"Next: wait for its end, or {trigger(line.model, 'shadow', recall='why it is to end')}"
    )


def last_ending(model: str) -> str:
    """How the last trial ended, as a sentence; for whoever looks when none is open."""
    events = ledger.history(model)
    tried = {event.version for event in events if event.event == "trial"}
    ended = [event for event in events if event.version in tried and event.event in ENDINGS]
    if not ended:
        return f"No version of {model} is on trial, and none has been; {model}__retrain puts one on trial."
    last = ended[-1]
    how = f"Version {last.version} was {last.event} on {last.at:%Y-%m-%d}: {last.reason}"
    return f"No version of {model} is on trial. {how}"


def _ended_by_the_world(line: ReleaseEvent, champion: int | None, events: Sequence[ReleaseEvent]) -> str:
    """Why the trial makes no sense any more; empty where it does."""
    if champion != line.champion_after:
        return (
            f"Trial ended: the champion changed from {promotion.named(line.champion_after)} to "
            f"{promotion.named(champion)}, and every difference was to the former."
        )
    challenger = registry.alias_version(line.model, naming.CHALLENGER)
    if challenger != line.version:
        return (
            f"Trial ended: {promotion.named(line.version)} is not the challenger any more "
            f"({promotion.named(challenger)} is), so nothing scores in the shadow for it."
        )
    try:
        reason = taken_back(load(line.model, line.version).context, line.version, events)
    except PermanentError as error:
        return f"Trial ended: what version {line.version} was trained with cannot be read any more ({error})."
    return f"Trial ended: {reason}" if reason else ""

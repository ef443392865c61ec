"""The gate task: what the registry would serve, the untouched rows and the champion of now are put before the gates.

`gather` reads, `gates` judges, and here the decision is kept, in three runs and in the ledger.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from include import clock
from include.contracts import GateDecision, RegisteredVersion, ReleaseEvent, RunContext
from include.errors import NightshiftError, TransientError
from include.gates import decide, thresholds
from include.release import card, gather, ledger, promotion, report, trials
from include.tracking import naming, registry, runs
from include.tracking.judgements import key_of

if TYPE_CHECKING:
    from include.config.schema import ModelConfig
    from include.gates.inputs import HoldoutScores

FOLDER = "gates"
ACTOR = "gates"


def evaluate_gates(context: RunContext, registered: RegisteredVersion) -> GateDecision:
    """Judge a registered version against the champion on the frozen holdout rows; keep the decision and its report.

    A refusal is a result and goes into the ledger. A retry finds the same rows and models and decides the same; where
    the version has been promoted meanwhile, the decision that let it through is returned as it was.

    Raises TransientError where MLflow or a table does not answer.
    """
    config = runs.load_config(context.mlflow_run_id)
    champion = registry.champion_version(context.model)
    if champion == registered.version:
        earlier = _earlier(registered)
        if earlier is not None:
            return earlier
    holdout: HoldoutScores | None = None
    tried = trials.on_trial(config)
    if champion != context.champion_version:
        decision = _champion_changed(context, registered, champion)
    elif tried is not None and tried.version != registered.version:
        decision = decide.refuse(
            context.model, registered.version, champion, "no_other_trial", trials.describe_trial(tried)
        )
    else:
        anchor = gather.anchor_of(context)
        holdout, replay, pipeline = gather.scores(config, context, registered, anchor)
        known = gather.facts(config, context, registered, anchor, pipeline, holdout)
        decision = decide.decide(config, registered.version, champion, holdout, replay, known)
    decision = decision.model_copy(update={"report_uri": f"runs:/{context.mlflow_run_id}/{FOLDER}/report.html"})
    _keep(config, context, registered, decision, holdout)
    intervals = thresholds.intervals(config, holdout) if holdout else {}
    card.write(config, context, registered, decision, intervals)
    if decision.verdict == "refuse":
        ledger.append(_refusal(context, decision, champion))
    elif decision.verdict == "trial":
        trials.begin(context, registered, decision)
    return decision


def _champion_changed(context: RunContext, registered: RegisteredVersion, champion: int | None) -> GateDecision:
    before, now = promotion.named(context.champion_version), promotion.named(champion)
    sentence = (
        f"The champion changed while this run was under way: {before} when it opened, {now} now. "
        f"Next: ./nightshift train {context.model}, which compares with the new one."
    )
    return decide.refuse(context.model, registered.version, champion, "champion_unchanged", sentence)


def _earlier(registered: RegisteredVersion) -> GateDecision | None:
    """The decision that let this version through, where it was kept."""
    try:
        decision = GateDecision.from_json(runs.load_json(registered.mlflow_run_id, f"{FOLDER}/decision.json"))
    except TransientError:
        raise
    except NightshiftError:
        return None
    return decision if decision.version == registered.version and decision.verdict == "promote" else None


def _keep(
    config: ModelConfig,
    context: RunContext,
    registered: RegisteredVersion,
    decision: GateDecision,
    holdout: HoldoutScores | None,
) -> None:
    """Files, figures and tags to the candidate's run, the night's run and a run of its own among the releases."""
    release = runs.open_run_in(
        naming.releases_experiment(context.model),
        key_of(context.airflow_run_id, registered.version),
        name=f"{context.as_of} version {registered.version}",
        tags={
            "kind": "release",
            "version": str(registered.version),
            "champion_version": str(decision.champion_version or ""),
            "as_of": str(context.as_of),
            "airflow_run_id": context.airflow_run_id,
            "parent_run_id": context.mlflow_run_id,
            "rule": decision.rule,
            **({"holdout": holdout.name, "answer": holdout.answer} if holdout else {}),
            "compared": str(bool(decision.evidence) or decision.verdict == "trial").lower(),
        },
    )
    tags = {"verdict": decision.verdict, "verdict_reasons": " ".join(decision.reasons)}
    with tempfile.TemporaryDirectory() as folder:
        files = {
            "decision.json": json.dumps(decision.to_json(), indent=1),
            "report.md": report.markdown(decision),
            "report.html": report.page(decision, config, holdout),
        }
        for name, text in files.items():
            Path(folder, name).write_text(text, encoding="utf-8")
        for run_id in (registered.mlflow_run_id, context.mlflow_run_id, release.run_id):
            runs.log_files(run_id, Path(folder), FOLDER)
    for run_id in (registered.mlflow_run_id, context.mlflow_run_id):
        runs.set_tags(run_id, tags)
    runs.log_metrics(release.run_id, _figures(decision), tags=tags)
    runs.end_run(release.run_id)


def _figures(decision: GateDecision) -> dict[str, float]:
    """What MLflow can plot from decision to decision."""
    figures = {f"gate_{gate.name}": gate.value for gate in decision.gates if gate.value is not None}
    figures["promote"] = float(decision.verdict == "promote")
    for found in decision.evidence[:1]:
        figures |= {
            "difference": found.difference,
            "difference_low": found.low,
            "difference_high": found.high,
            "p_value": found.p_value,
            "smallest_detectable": found.smallest_detectable,
        }
    return figures


def _refusal(context: RunContext, decision: GateDecision, champion: int | None) -> ReleaseEvent:
    return ReleaseEvent(
        at=clock.now(),
        model=context.model,
        event="refused",
        version=decision.version,
        champion_before=champion,
        champion_after=champion,
        actor=ACTOR,
        reason=" ".join(decision.reasons),
        airflow_run_id=context.airflow_run_id,
        evidence=promotion.summary(decision),
        rule=decision.rule,
    )

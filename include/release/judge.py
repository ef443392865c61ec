"""The gate task: what the registry would serve, the untouched rows and the champion of now are put before the gates."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from include.contracts import GateDecision, RegisteredVersion, ReleaseEvent, RunContext
from include.data import windows
from include.errors import NightshiftError, TransientError
from include.release import gates, ledger, promotion, report
from include.release.gates import HoldoutScores
from include.tracking import naming, registry, runs
from include.training.fit import predict_scores

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

    from include.config.schema import ModelConfig

FOLDER = "gates"
Result = TypeVar("Result")
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
    if champion != context.champion_version:
        decision = _champion_changed(context, registered, champion)
    else:
        holdout, replay = _scores(config, context, registered)
        decision = gates.decide(config, registered.version, champion, holdout, replay)
    decision = decision.model_copy(update={"report_uri": f"runs:/{context.mlflow_run_id}/{FOLDER}/report.html"})
    _keep(config, context, registered, decision, holdout)
    if decision.verdict == "refuse":
        ledger.append(_refusal(context, decision, champion))
    return decision


def _champion_changed(context: RunContext, registered: RegisteredVersion, champion: int | None) -> GateDecision:
    before, now = promotion.named(context.champion_version), promotion.named(champion)
    sentence = (
        f"The champion changed while this run was under way: {before} when it opened, {now} now. "
        f"Next: trigger {context.model}__retrain, which compares with the new one."
    )
    return gates.refuse(context.model, registered.version, champion, "champion_unchanged", sentence)


def _scores(
    config: ModelConfig, context: RunContext, registered: RegisteredVersion
) -> tuple[HoldoutScores, gates.Replay]:
    """Both models' probabilities on the frozen holdout, and the challenger's golden rows."""
    rows = _holdout_rows(config, context)
    pipeline, fault = _attempt(lambda: registry.load_pipeline(context.model, registered.version))
    ours = theirs = None
    their_fault = ""
    if pipeline is None:
        replay = gates.Replay(np.empty(0), None, fault)
    else:
        replay = promotion.replay(registered.mlflow_run_id, config, lambda: pipeline)
        ours, fault = _attempt(lambda: predict_scores(pipeline, rows, config))
    if context.champion_version is not None:
        version = context.champion_version
        theirs, their_fault = _attempt(lambda: _champion_scores(config, context, version, rows))
    holdout = HoldoutScores(
        y=rows[config.data.label].to_numpy(dtype=np.float64),
        days=rows[config.data.day].to_numpy(dtype="datetime64[D]"),
        challenger=ours,
        champion=theirs,
        challenger_fault=fault,
        champion_fault=their_fault,
    )
    return holdout, replay


def _holdout_rows(config: ModelConfig, context: RunContext) -> pd.DataFrame:
    """The labelled rows of the holdout days, at the table version that the run was frozen to."""
    rows = windows.read_rows(config, context.windows.holdout, context.as_of, version=context.data_version)
    return rows[rows[config.data.label].notna()].reset_index(drop=True)


def _champion_scores(config: ModelConfig, context: RunContext, version: int, rows: pd.DataFrame) -> np.ndarray:
    """Score the same rows by the champion; where it was declared with other features, those are read by row key."""
    info = registry.version_info(context.model, version)
    pipeline: Pipeline = registry.load_pipeline(context.model, version)
    declared = runs.load_config(info.tags["parent_run_id"])
    if declared.features != config.features:
        rows = _holdout_rows(declared, context).set_index("row_key").loc[rows["row_key"]].reset_index()
    return predict_scores(pipeline, rows, declared)


def _attempt(work: Callable[[], Result]) -> tuple[Result | None, str]:
    """What `work` returns, or why it could not: a model that cannot be used is a refusal, not a failed task."""
    try:
        return work(), ""
    except TransientError:
        raise
    except Exception as error:
        return None, f"{type(error).__name__}: {error}"


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
        f"{context.airflow_run_id}/{registered.version}",
        name=f"{context.as_of} version {registered.version}",
        tags={
            "kind": "release",
            "version": str(registered.version),
            "champion_version": str(decision.champion_version or ""),
            "as_of": str(context.as_of),
            "airflow_run_id": context.airflow_run_id,
            "parent_run_id": context.mlflow_run_id,
        },
    )
    tags = {"verdict": decision.verdict, "verdict_reasons": " ".join(decision.reasons)}
    with tempfile.TemporaryDirectory() as folder:
        files = {
            "decision.json": json.dumps(decision.to_json(), indent=1),
            "report.md": report.markdown(decision),
            "report.html": report.page(decision, config.release.against_champion.metric, holdout),
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
        at=datetime.now(UTC),
        model=context.model,
        event="refused",
        version=decision.version,
        champion_before=champion,
        champion_after=champion,
        actor=ACTOR,
        reason=" ".join(decision.reasons),
        airflow_run_id=context.airflow_run_id,
        evidence=promotion.summary(decision),
    )

"""What a night trains, which does not depend on what was decided before: window, configuration and rows are given.

So every night can be trained at any time, in any order, side by side, and what was decided by other rules can be asked
again without training anything. The steps are those of the retrain run's tasks, on rows that are in memory already.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import skops.io
from pydantic import Field

from include.contracts import CandidateResult, Contract
from include.data import splits, windows
from include.data.gaps import require_days
from include.errors import NightshiftError
from include.evidence.metrics import METRICS, compute
from include.release.gather import attempt
from include.tracking.golden_rows import golden_sample
from include.training import trial
from include.training.estimators import skops_trusted_types
from include.training.fit import predict_scores
from include.training.select import select
from include.training.speed import scoring_time

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

    from include.config.schema import Candidate, ModelConfig
    from include.contracts import Selection
    from include.replay.history import History

MB = 1e6


class TrainedNight(Contract):
    """What is kept of a night as text. `fault` says why nothing was trained, as the task of that night would have.

    `recorded` are the golden rows' scores where the model was fitted, `replayed` those of its stored copy; `seen` names
    the rows that it was made from, `first_seen` those of the day that it scores first, where they were there;
    `model_mb` is the stored pipeline's size.
    """

    night: date
    seen: str
    first_seen: str = ""
    fault: str = ""
    candidate: str = ""
    estimator: str = ""
    reason: str = ""
    ranking: tuple[tuple[str, float], ...] = ()
    holdout: dict[str, float] = Field(default_factory=dict)
    train_rate: float | None = None
    rows: int = 0
    scoring_ms: float | None = None
    cost_fault: str = ""
    model_mb: float | None = None
    recorded: tuple[float, ...] = ()
    replayed: tuple[float, ...] = ()
    seconds: float = 0.0
    cpu_seconds: float = 0.0


@dataclass(frozen=True)
class Night:
    """A trained night: the text, the scores of its holdout rows, those of the day it scores first, and its pipeline.

    Scores follow the rows' order, sorted by key; `stored` is the pipeline as skops wrote it.
    """

    trained: TrainedNight
    holdout: np.ndarray = field(default_factory=lambda: np.empty(0))
    first_day: np.ndarray = field(default_factory=lambda: np.empty(0))
    stored: bytes = b""


def train_night(config: ModelConfig, history: History, night: date) -> Night:
    """Train the candidates as of `night`, choose one, and let its stored copy score the holdout.

    The day of the night itself is scored too, from rows as the next night knows them: the version's first served day.
    """
    started, cpu = time.perf_counter(), time.process_time()
    seen = history.seen(config, night)
    try:
        made = _made(config, history, night, seen)
    except NightshiftError as error:  # that night's run would have failed with these words
        return Night(TrainedNight(night=night, seen=seen, fault=str(error)))
    spent = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - cpu}
    return Night(made.trained.model_copy(update=spent), made.holdout, made.first_day, made.stored)


def load_pipeline(stored: bytes, estimator: str) -> Pipeline:
    """The pipeline that `train_night` stored, trusting the same types as the registry's copies do."""
    pipeline: Pipeline = skops.io.loads(stored, trusted=skops_trusted_types(estimator))
    return pipeline


def _made(config: ModelConfig, history: History, night: date, seen: str) -> Night:
    frozen = windows.training_windows(config, night)
    require_days(config, frozen, history.there)
    rows = history.rows(config, frozen.whole, night)
    parts = splits.split(config, rows, frozen)
    selection, candidate, fitted = _chosen(config, parts["train"], parts["validation"])
    stored = skops.io.dumps(fitted.pipeline)
    pipeline = load_pipeline(stored, candidate.estimator)
    golden = golden_sample(parts["validation"][list(config.features.names)])
    holdout = parts["holdout"]
    scores = predict_scores(pipeline, holdout, config)
    scoring_ms, cost_fault = attempt(lambda: scoring_time(pipeline, holdout, config))
    trained = TrainedNight(
        night=night,
        seen=seen,
        first_seen=history.there.get(night, ""),
        candidate=candidate.name,
        estimator=candidate.estimator,
        reason=selection.reason,
        ranking=selection.ranking,
        holdout=compute(METRICS, holdout[config.data.label].to_numpy(), scores),
        train_rate=selection.chosen.metrics["train_rate"],
        rows=len(rows),
        scoring_ms=scoring_ms,
        cost_fault=cost_fault,
        model_mb=len(stored) / MB,
        recorded=tuple(predict_scores(fitted.pipeline, golden, config)),
        replayed=tuple(predict_scores(pipeline, golden, config)),
    )
    return Night(trained, scores, predict_scores(pipeline, history.day(config, night), config), stored)


def _chosen(
    config: ModelConfig, train: pd.DataFrame, validation: pd.DataFrame
) -> tuple[Selection, Candidate, trial.Trial]:
    """Fit every candidate on one thread, and choose; metrics of the train split decide nothing and are left out."""
    results, tried = [], []
    for index, candidate in enumerate(config.training.candidates):
        one = trial.on_rows(config, candidate, train, validation, threads=1, measure=("validation",))
        tried.append(one)
        results.append(
            CandidateResult(
                name=candidate.name,
                index=index,
                mlflow_run_id="",
                model_uri="",
                metrics=one.metrics,
                fit_seconds=one.resources.seconds,
                resources=one.resources,
            )
        )
    selection = select(config, results)
    chosen = selection.chosen.index
    return selection, config.training.candidates[chosen], tried[chosen]

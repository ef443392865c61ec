"""Fit one candidate, and predict with a fitted pipeline. Pure: rows in, pipeline or scores out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from include.errors import PermanentError
from include.training.estimators import build_pipeline

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

    from include.config.schema import Candidate, ModelConfig


@dataclass(frozen=True)
class FittedCandidate:
    """A fitted pipeline, and the features it ignores for want of a single value."""

    pipeline: Pipeline
    left_out: tuple[str, ...] = ()


def fit(config: ModelConfig, candidate: Candidate, train: pd.DataFrame, threads: int) -> FittedCandidate:
    """Fit `candidate` on `train` with at most `threads` threads, whatever the libraries would take by themselves.

    The fitted pipeline predicts on one: a forest adds its trees' votes up in the order in which its threads get there,
    and with two the last bits change from call to call.

    A feature without a value in any row, such as one newer than these rows, is left out: scikit-learn's histogram
    boosting fails on it, and no estimator can learn from it.

    Parameters
    ----------
    train : rows with `features.names` and a label of 0 or 1 in every row
    """
    features = train[list(config.features.names)]
    empty = tuple(str(name) for name in features.columns[features.isna().all()])
    with threadpool_limits(limits=threads):
        pipeline = build_pipeline(_without(config, empty), candidate, threads)
        pipeline.fit(features, train[config.data.label].astype(int))
    estimator = pipeline.named_steps["estimator"]
    if "n_jobs" in estimator.get_params():
        estimator.set_params(n_jobs=1)
    return FittedCandidate(pipeline, empty)


def predict_scores(pipeline: Pipeline, frame: pd.DataFrame, config: ModelConfig, threads: int = 1) -> np.ndarray:
    """Probability of class 1 for each row, float64 (n,); an empty frame gives an empty array."""
    if not len(frame):
        return np.empty(0)
    with threadpool_limits(limits=threads):
        scores: np.ndarray = pipeline.predict_proba(frame[list(config.features.names)])[:, 1]
    return scores.astype(np.float64)


def _without(config: ModelConfig, names: tuple[str, ...]) -> ModelConfig:
    features = config.features
    kept = {
        "numeric": tuple(name for name in features.numeric if name not in names),
        "categorical": tuple(name for name in features.categorical if name not in names),
        "rates": tuple(rate for rate in features.rates if rate.name not in names),
    }
    if not any(kept.values()):
        raise PermanentError(
            f"{config.name}: none of the features has a value in the training rows ({', '.join(names)}); "
            f"look at the source, then ingest the days again: trigger {config.name}__ingest"
        )
    return config.model_copy(update={"features": features.model_copy(update=kept)})

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
    train : rows with `features.names` and a label in every row, as `labels.numbers` gives it
    """
    features = train[list(config.features.names)]
    empty = tuple(str(name) for name in features.columns[features.isna().all()])
    with threadpool_limits(limits=threads):
        pipeline = build_pipeline(_without(config, empty), candidate, threads)
        pipeline.fit(features, _target(config, train[config.data.label]))
    estimator = pipeline.named_steps["estimator"]
    if "n_jobs" in estimator.get_params():
        estimator.set_params(n_jobs=1)
    return FittedCandidate(pipeline, empty)


def predict_scores(pipeline: Pipeline, frame: pd.DataFrame, config: ModelConfig, threads: int = 1) -> np.ndarray:
    """What the model says of each row, float64; an empty frame gives an empty array.

    Returns
    -------
    (n,) probability of class 1 for a binary task, (n, k) of each declared class for a multiclass one, with 0 for a
    class that no training row had, and (n,) values for a regression
    """
    classes = len(config.data.classes) if config.task == "multiclass" else 0
    if not len(frame):
        return np.empty((0, classes) if classes else 0)
    rows = frame[list(config.features.names)]
    with threadpool_limits(limits=threads):
        if config.task == "regression":
            return np.asarray(pipeline.predict(rows), dtype=np.float64)
        found = np.asarray(pipeline.predict_proba(rows), dtype=np.float64)
    if not classes:
        return found[:, 1]
    scores = np.zeros((len(frame), classes))
    scores[:, np.asarray(pipeline.classes_, dtype=int)] = found
    return scores


def _target(config: ModelConfig, label: pd.Series) -> pd.Series:
    """What the estimator learns: whole numbers that stand for classes, or the values themselves."""
    return label if config.task == "regression" else label.astype(int)


def _without(config: ModelConfig, names: tuple[str, ...]) -> ModelConfig:
    features = config.features
    kept = {
        "numeric": tuple(name for name in features.numeric if name not in names),
        "categorical": tuple(name for name in features.categorical if name not in names),
        "target_encoded": tuple(name for name in features.target_encoded if name not in names),
        "rates": tuple(rate for rate in features.rates if rate.name not in names),
        "time": tuple(feature for feature in features.time if not set(feature.names) & set(names)),
    }
    if not any(kept.values()):
        raise PermanentError(
            f"{config.name}: none of the features has a value in the training rows ({', '.join(names)}); "
            f"look at the source, then ingest the days again: trigger {config.name}__ingest"
        )
    return config.model_copy(update={"features": features.model_copy(update=kept)})

"""Fit one candidate, with the parameters that its search finds where it has one. Pure: rows in, pipeline out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from include.training.estimators import build_pipeline
from include.training.features import without
from include.training.predict import on_one_thread, predict_scores
from include.training.search import Searched, search
from include.training.weights import row_weights

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

    from include.config.schema import Candidate, ModelConfig

__all__ = ["FittedCandidate", "fit", "predict_scores"]


@dataclass(frozen=True)
class FittedCandidate:
    """A fitted pipeline, the features it ignores for want of a single value, and what its search found."""

    pipeline: Pipeline
    left_out: tuple[str, ...] = ()
    searched: Searched | None = None


def fit(config: ModelConfig, candidate: Candidate, train: pd.DataFrame, threads: int) -> FittedCandidate:
    """Fit `candidate` on `train` with at most `threads` threads, whatever the libraries would take by themselves.

    Where it has a search, that comes first, on the same rows, and the best setting is then fitted on all of them. The
    fitted pipeline predicts on one thread (`on_one_thread`).

    A feature without a value in any row, such as one newer than these rows, is left out: scikit-learn's histogram
    boosting fails on it, and no estimator can learn from it.

    Parameters
    ----------
    train : rows with `features.names`, what weights are made of, and a label in every row, as `labels.numbers` gives it
    """
    features = train[list(config.features.names)]
    empty = tuple(str(name) for name in features.columns[features.isna().all()])
    seen = without(config, empty)
    weights = row_weights(config, train)
    searched: Searched | None = None
    with threadpool_limits(limits=threads):
        if candidate.search is not None:
            searched = search(seen, candidate, train, weights, threads)
            candidate = candidate.model_copy(update={"params": {**candidate.params, **searched.params}})
        pipeline = build_pipeline(seen, candidate, threads)
        given = {} if weights is None else {"estimator__sample_weight": weights}
        pipeline.fit(features, _target(config, train[config.data.label]), **given)
    return FittedCandidate(on_one_thread(pipeline), empty, searched)


def _target(config: ModelConfig, label: pd.Series) -> pd.Series:
    """What the estimator learns: whole numbers that stand for classes, or the values themselves."""
    return label if config.task == "regression" else label.astype(int)

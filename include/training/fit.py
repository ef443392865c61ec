"""Fit one candidate, with the parameters that its search finds where it has one. Pure: rows in, pipeline out."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from include.data.computed_features import without
from include.errors import NightshiftError, PermanentError
from include.training import early_stopping
from include.training.estimators import build_pipeline
from include.training.predict import on_one_thread, predict_scores
from include.training.search import Searched, search
from include.training.weights import row_weights

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from include.config.schema import Candidate, ModelConfig

__all__ = ["FittedCandidate", "fit", "in_words", "predict_scores"]

log = logging.getLogger(__name__)
FLOAT32 = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class FittedCandidate:
    """A fitted pipeline, the features it ignores for want of a single value, and what its search found.

    `notes` say what was not done as the model file asks for it.
    """

    pipeline: Pipeline
    left_out: tuple[str, ...] = ()
    searched: Searched | None = None
    notes: tuple[str, ...] = ()


def fit(config: ModelConfig, candidate: Candidate, train: pd.DataFrame, threads: int) -> FittedCandidate:
    """Fit `candidate` on `train` with at most `threads` threads, whatever the libraries would take by themselves.

    Where it has a search, that comes first, on the same rows, and the best setting is then fitted on all of them. The
    fitted pipeline predicts on one thread (`on_one_thread`).

    A feature without a value in any row, such as one newer than these rows, is left out: scikit-learn's histogram
    boosting fails on it, and no estimator can learn from it.

    Parameters
    ----------
    train : rows with `features.names`, what weights are made of, and a label in every row, as `labels.numbers` gives it

    Raises PermanentError, in the model file's terms, where the estimator does not take the rows.
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
        pipeline, target = build_pipeline(seen, candidate, threads), _target(config, train[config.data.label])
        settled = early_stopping.settle(pipeline, target)
        given = {} if weights is None else {"estimator__sample_weight": weights}
        with in_words(config, candidate, features, "fitted on"):
            pipeline.fit(features, target, **given)
    if settled:
        log.warning("%s: candidate %s %s", config.name, candidate.name, settled)
    return FittedCandidate(on_one_thread(pipeline), empty, searched, (settled,) if settled else ())


@contextmanager
def in_words(config: ModelConfig, candidate: Candidate, features: pd.DataFrame, what: str) -> Iterator[None]:
    """Say by the model file's names what an estimator has against the rows that it is `what`: fitted on, measured on.

    Raises PermanentError: the same rows would fail again.
    """
    try:
        yield
    except (NightshiftError, MemoryError, OSError):
        raise
    except Exception as error:  # each package raises what it likes
        said = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        huge = [str(name) for name in config.features.names if _beyond_float32(features[name])]
        why = f" Values beyond {FLOAT32:.1e} are in {', '.join(huge)}: bound them by validation.rules." if huge else ""
        raise PermanentError(
            f"{config.name}: training.candidates.{candidate.name} ({candidate.estimator}) cannot be {what} "
            f"{len(features):,} rows: {said}.{why}"
        ) from error


def _beyond_float32(values: pd.Series) -> bool:
    """Whether a column has numbers that trees, which compute in 32 bits, take for infinite."""
    return bool(pd.api.types.is_numeric_dtype(values.dtype) and (values.abs() > FLOAT32).any())


def _target(config: ModelConfig, label: pd.Series) -> pd.Series:
    """What the estimator learns: whole numbers that stand for classes, or the values themselves."""
    return label if config.task == "regression" else label.astype(int)

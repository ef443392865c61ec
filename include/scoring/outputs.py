"""What is kept of a model's output for each row, by task, and how it is read back. Pure.

`score` is one number whatever the task, so that a table can be read without knowing it: the probability of the second
class, the value of a regression, or the probability of the class that is predicted of several. `prediction` names that
class, and `probabilities` has every class's where there are several, in the order of `data.classes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from include.data import labels
from include.training.metrics import THRESHOLD

if TYPE_CHECKING:
    from include.config.schema import ModelConfig


def columns(config: ModelConfig, scores: np.ndarray) -> pd.DataFrame:
    """`score` (float), `prediction` (text) and `probabilities` (lists) of `scores`, as `fit.predict_scores` gives them.

    A row that has no score (NaN) has none of the three; a regression has the first alone.
    """
    several = scores.ndim == 2
    score = np.where(np.isnan(scores).any(axis=1), np.nan, scores.max(axis=1, initial=0.0)) if several else scores
    lists = [None if np.isnan(row).any() else row.tolist() for row in scores] if several else [None] * len(scores)
    return pd.DataFrame(
        {"score": score, "prediction": predicted(config, scores), "probabilities": pd.Series(lists, dtype=object)}
    )


def predicted(config: ModelConfig, scores: np.ndarray) -> np.ndarray:
    """Name of each row's predicted class, (n,) objects; None without a score, and for a regression."""
    found = np.full(len(scores), None, dtype=object)
    if config.task == "regression" or not len(scores):
        return found
    names = np.array(labels.class_names(config), dtype=object)
    several = scores.ndim == 2
    usable = np.isfinite(scores).all(axis=1) if several else np.isfinite(scores)
    called = scores[usable].argmax(axis=1) if several else (scores[usable] >= THRESHOLD).astype(int)
    found[usable] = names[called]
    return found


def stacked(config: ModelConfig, lists: Iterable[Any]) -> np.ndarray:
    """Lists of probabilities as (n, k); a row is NaN where it has none, or as many as another number of classes."""
    width = len(config.data.classes)
    none = np.full(width, np.nan)
    rows = [np.asarray(one, dtype=np.float64) if one is not None else none for one in lists]
    return np.stack([row if row.shape == (width,) else none for row in rows]) if rows else np.empty((0, width))


def aligned(scores: np.ndarray, had: Sequence[object], wanted: Sequence[object]) -> np.ndarray:
    """Probabilities (n, k) of the classes `had` as those of the classes `wanted`, 0 for a class that was not known."""
    if scores.ndim == 1 or tuple(had) == tuple(wanted):
        return scores
    place = {name: number for number, name in enumerate(had)}
    unknown = np.where(np.isnan(scores).any(axis=1), np.nan, 0.0)
    return np.column_stack([scores[:, place[name]] if name in place else unknown for name in wanted])

"""What is kept of a model's output for each row, by task, and how it is read back. Pure.

`score` is one number whatever the task, so that a table can be read without knowing it: the probability of the second
class, the value of a regression, or the probability of the class that is predicted of several. `prediction` names that
class, and `probabilities` has every class's where there are several. `classes` names the classes in the order that
was meant, for `data.classes` may be edited since.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from include.data import labels
from include.evidence.metrics import THRESHOLD

if TYPE_CHECKING:
    from include.config.schema import ModelConfig


def columns(config: ModelConfig, scores: np.ndarray) -> pd.DataFrame:
    """`score`, `prediction` (text), `probabilities` (lists) and `classes` of what `fit.predict_scores` gives.

    A row that has no score (NaN) has none of the first three; a regression has the score alone. `config` is the
    configuration in whose order of classes the scores are.
    """
    several = scores.ndim == 2
    score = np.where(np.isnan(scores).any(axis=1), np.nan, scores.max(axis=1, initial=0.0)) if several else scores
    lists = [None if np.isnan(row).any() else row.tolist() for row in scores] if several else [None] * len(scores)
    names = None if config.task == "regression" else json.dumps(labels.class_names(config))
    return pd.DataFrame(
        {
            "score": score,
            "prediction": predicted(config, scores),
            "probabilities": pd.Series(lists, dtype=object),
            "classes": pd.Series([names] * len(scores), dtype=object),
        }
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
    """Lists of probabilities of the configuration's classes, as `stack` gives them."""
    return stack(len(config.data.classes), lists)


def stack(width: int, lists: Iterable[Any]) -> np.ndarray:
    """Lists of probabilities as (n, `width`); a row is NaN where it has none, or another number of them."""
    none = np.full(width, np.nan)
    rows = [np.asarray(one, dtype=np.float64) if one is not None else none for one in lists]
    return np.stack([row if row.shape == (width,) else none for row in rows]) if rows else np.empty((0, width))


def aligned(scores: np.ndarray, had: Sequence[str], wanted: Sequence[str]) -> np.ndarray | None:
    """Scores of the classes `had`, in words and in their order, as scores of `wanted`; None where none can be made.

    Of two classes a score is the chance of the second: turned round, it is that of the other one. Of several, a class
    that was not known then has probability 0, and one that is none any more leaves no score. Two classes that were not
    declared are 0 and 1, whatever they are called.
    """
    had, wanted = tuple(had), tuple(wanted)
    if had == wanted:
        return scores
    if scores.ndim == 1:
        if had == wanted[::-1]:
            return np.asarray(1 - scores)
        return scores if labels.UNDECLARED in (had, wanted) else None
    if set(had) - set(wanted):
        return None
    place = {name: number for number, name in enumerate(had)}
    unknown = np.where(np.isnan(scores).any(axis=1), np.nan, 0.0)
    return np.column_stack([scores[:, place[name]] if name in place else unknown for name in wanted])


def of_today(config: ModelConfig, declared: ModelConfig, scores: np.ndarray) -> tuple[np.ndarray, ModelConfig]:
    """Scores of a version that was `declared` with other classes as those of today's, and the configuration they suit.

    Where the classes are others the scores stay what they are, the chances of the version's own.
    """
    if config.task == "regression" or declared.task != config.task:
        return scores, declared
    found = aligned(scores, labels.class_names(declared), labels.class_names(config))
    return (scores, declared) if found is None else (found, config)


def fitting_order(lists: pd.Series, predictions: pd.Series, orders: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The first of `orders` in which the largest of each row's probabilities is of the class that was predicted.

    For rows that do not say themselves whose chances their numbers are; empty where no order fits them all.
    """
    for names in orders:
        fits = [
            len(row) == len(names) and names[int(np.argmax(row))] == said
            for row, said in zip(lists, predictions, strict=True)
            if row is not None and said is not None
        ]
        if all(fits):
            return tuple(names)
    return ()

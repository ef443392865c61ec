"""Where a holdout is too good to be true: what a label that got into the features looks like. Pure.

A word, never a refusal: some things can be known that well. Each feature is asked how much it tells by itself, since
what was written down after the fact, a refund date, a final status, tells nearly all alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from include.errors import PermanentError
from include.evidence.metrics import compute, undefined
from include.evidence.paired_difference import EvidenceError, metric_interval
from include.gates.first_release import skill_of
from include.gates.inputs import WORDS, HoldoutScores, dependence, score_fault

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.config.schema import ModelConfig
    from include.config.section import Task

    Floats = NDArray[np.float64]

ASKED = {"binary": "roc_auc", "multiclass": "accuracy", "regression": "r2"}
"""What each task's holdout is looked at by: figures that are near 1 where the label is among the features."""
TOO_GOOD = 0.995
NEAR = 0.98
"""What a feature must reach alone to be named as the likely leak."""
MOST_ROWS, LEAVES, NAMED = 4000, 64, 3


class Alone(NamedTuple):
    """A feature and the figure that it gets by itself, on rows that it was not fitted to."""

    name: str
    value: float


def warnings(config: ModelConfig, holdout: HoldoutScores) -> tuple[str, ...]:
    """A sentence where the holdout's figure is surely above 0.995, with the features to look at; empty elsewhere.

    Accuracy is held against the commonest class: 0.999 is no wonder where 0.999 of the rows are alike.
    """
    metric = ASKED[config.task]
    if holdout.challenger is None or score_fault(holdout.challenger, holdout.challenger_fault, config.task):
        return ()
    try:
        if compute([metric], holdout.y, holdout.challenger, task=config.task)[metric] <= TOO_GOOD:
            return ()  # most holdouts are not near it, and need no resampling
        found = metric_interval(metric, holdout.y, holdout.challenger, **dependence(config, holdout))
        sure = skill_of(config, metric, holdout).interval.low if metric == "accuracy" else found.low
    except (EvidenceError, PermanentError):
        return ()
    if sure <= TOO_GOOD:
        return ()
    ranked = tell_alone(config.task, holdout.y, holdout.features)
    return (
        f"Too good to be true? {_upper(WORDS[metric])} is {found.value:.4f} on {holdout.extent}, with 95 % confidence "
        f"at least {found.low:.4f}. {_where_to_look(metric, ranked)}",
    )


def tell_alone(task: Task, y: Floats, features: Mapping[str, NDArray[Any]]) -> list[Alone]:
    """Each feature's figure by itself, best first: a small tree is fitted to half of (up to 4,000) rows, and judged
    on the other half."""
    rows = np.random.default_rng(0).permutation(len(y))[:MOST_ROWS]
    half = len(rows) // 2
    found = [Alone(name, _figure(task, y[rows], values[rows], half)) for name, values in features.items()]
    return sorted((one for one in found if np.isfinite(one.value)), key=lambda one: -one.value)


def _figure(task: Task, y: Floats, values: NDArray[Any], half: int) -> float:
    metric = ASKED[task]
    column, first, second = _numbers(values)[:, None], slice(None, half), slice(half, None)
    if half < 1 or np.ptp(y[first]) == 0 or np.ptp(y[second]) == 0:
        return float("nan")
    if task == "regression":
        scores = DecisionTreeRegressor(max_leaf_nodes=LEAVES, random_state=0).fit(column[first], y[first])
        return compute([metric], y[second], scores.predict(column[second]), task=task)[metric]
    tree = DecisionTreeClassifier(max_leaf_nodes=LEAVES, random_state=0).fit(column[first], y[first])
    chances = tree.predict_proba(column[second])
    if task == "multiclass":
        return float((tree.classes_[chances.argmax(axis=1)] == y[second]).mean())
    return compute([metric], y[second], chances[:, 1])[metric] if not undefined(metric, y[second], chances) else 0.0


def _numbers(values: NDArray[Any]) -> Floats:
    """Numbers and moments from 0 to 1, categories by the order of their names, what is missing below all: -1.

    Trees keep 24 bits of a number, which two moments of a year would share.
    """
    column = pd.Series(values)
    if pd.api.types.is_datetime64_any_dtype(column):
        numbers = np.where(column.isna(), np.nan, column.astype("int64").to_numpy(dtype=np.float64))
    elif pd.api.types.is_numeric_dtype(column):
        numbers = column.astype("float64").to_numpy()
    else:
        codes = pd.factorize(column.astype("string"), sort=True)[0].astype(np.float64)
        numbers = np.where(codes < 0, np.nan, codes)
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return np.zeros(len(numbers))
    return np.where(np.isfinite(numbers), (numbers - known.min()) / (np.ptp(known) or 1.0), -1.0)


def _where_to_look(metric: str, ranked: list[Alone]) -> str:
    told = [f"{one.name} ({one.value:.3f})" for one in ranked[:NAMED]]
    if ranked and ranked[0].value >= NEAR:
        alone = [f"{one.name} ({one.value:.3f})" for one in ranked if one.value >= NEAR][:NAMED]
        return (
            f"Nearly all of it comes from {', '.join(alone)} alone ({WORDS[metric]} by itself): is that known before "
            "the label is? If not, move it to data.known_afterwards."
        )
    if told:
        return (
            f"No feature tells the label alone; those that tell most are {', '.join(told)}. Look for what is only "
            "known afterwards, and for rows that are there twice."
        )
    return "Look for a feature that is only known afterwards, and for rows that are there twice."


def _upper(word: str) -> str:
    return word[0].upper() + word[1:]

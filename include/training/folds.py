"""Folds for a search over the training rows: later days are judged by models of earlier ones. Pure.

A snapshot has no days: its rows are dealt to folds by chance, seeded, classes in equal shares.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold, StratifiedKFold

from include.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from include.config.schema import ModelConfig

    Fold = tuple[NDArray[np.intp], NDArray[np.intp]]
    """Places of the rows that are fitted on, and of those that are measured on."""


def folds_of(config: ModelConfig, train: pd.DataFrame, count: int) -> list[Fold]:
    """At most `count` folds that `training.select_by` is defined on: those where it is not are left out.

    Raises PermanentError where there are too few days or rows for so many folds, or none of them can be measured on.
    """
    split = _by_row(config, train, count) if config.data.snapshot else _by_day(config, train, count)
    labels = train[config.data.label].to_numpy(dtype=np.float64)
    usable = [(fitted, judged) for fitted, judged in split if _measurable(config, labels[fitted], labels[judged])]
    if not usable:
        raise PermanentError(
            f"{config.name}: none of the {count} folds of the search has rows of all classes that "
            f"{config.training.select_by} needs to be measured. Next: fewer folds (search.folds), or more train_days"
        )
    return usable


def _by_day(config: ModelConfig, train: pd.DataFrame, count: int) -> Iterator[Fold]:
    """Whole days: the last ones in `count` runs of equally many, each judged by all days before that it could know.

    A fold's first judged day takes the place of the night: rows are known from `label_delay_days` before it, as in
    `windows.training_windows`. (Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., 5.10: the
    origin rolls forward and the training rows grow.)
    """
    day = pd.to_datetime(train[config.data.day]).to_numpy(dtype="datetime64[D]")
    known = np.timedelta64(config.data.nights_to_label, "D")
    days = np.unique(day)
    length = len(days) // (count + 1)
    needed = count + int(known.astype(int))
    if length < 1:
        raise PermanentError(
            f"{config.name}: the training rows are of {len(days)} days, too few for search.folds {count}. "
            f"Next: fewer folds, or train_days of {needed} and more"
        )
    for number in range(count):
        start = len(days) - (count - number) * length
        first, last = days[start], days[start + length - 1]
        yield np.flatnonzero(day <= first - known), np.flatnonzero((day >= first) & (day <= last))


def _by_row(config: ModelConfig, train: pd.DataFrame, count: int) -> Iterator[Fold]:
    labels = train[config.data.label].to_numpy()
    if len(train) < 2 * count:
        raise PermanentError(
            f"{config.name}: there are {len(train)} training rows, too few for search.folds {count}. Next: fewer folds"
        )
    if config.task == "regression":
        return iter(KFold(count, shuffle=True, random_state=config.training.seed).split(train))
    rarest = int(np.unique(labels, return_counts=True)[1].min())
    if rarest < count:  # it cannot be in every fold, and scikit-learn would warn of it
        return iter(KFold(count, shuffle=True, random_state=config.training.seed).split(train))
    return iter(StratifiedKFold(count, shuffle=True, random_state=config.training.seed).split(train, labels))


def _measurable(config: ModelConfig, fitted: np.ndarray, judged: np.ndarray) -> bool:
    """Whether a model can learn from the one part and the metric is defined on the other."""
    known, asked = len(np.unique(fitted)), len(np.unique(judged))
    if config.task == "regression":
        return known > 0 and asked > (1 if config.training.select_by == "r2" else 0)
    every = len(config.data.classes) if config.training.select_by == "roc_auc_ovr" else 2
    return known > 1 and asked >= every

"""How much each training row counts: a column's numbers, classes alike, and newer rows more. Pure.

Weights are for fitting alone. Metrics count every row once, so that models with and without them can be compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.utils.class_weight import compute_sample_weight

from include.config.next_commands import trigger
from include.errors import PermanentError

if TYPE_CHECKING:
    from include.config.schema import ModelConfig

NAMED = 3


def row_weights(config: ModelConfig, train: pd.DataFrame) -> np.ndarray | None:
    """The product of all that `training` asks for, float64 (n,) of mean 1; None where it asks for nothing.

    With a mean of 1 a penalty such as C weighs as much as it does without weights. Balanced classes weigh n / (k rows
    of the class), as scikit-learn's `class_weight="balanced"` does.

    Raises PermanentError where a row's weight is missing, negative or no number, or all are 0.
    """
    training = config.training
    if not training.weighted:
        return None
    weights = np.ones(len(train))
    if training.sample_weight is not None:
        weights = weights * _given(config, train, training.sample_weight)
    if training.class_weight is not None:
        weights = weights * compute_sample_weight(training.class_weight, train[config.data.label].astype(int))
    if training.half_life_days is not None:
        day = pd.to_datetime(train[config.data.day])
        age = (day.max() - day).dt.total_seconds().to_numpy() / 86_400
        weights = weights * 0.5 ** (age / training.half_life_days)
    return np.asarray(weights / weights.mean(), dtype=np.float64)


def _given(config: ModelConfig, train: pd.DataFrame, column: str) -> np.ndarray:
    weights = pd.to_numeric(train[column], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    bad = ~np.isfinite(weights) | (weights < 0)
    hint = (
        "Next: rules that set such rows aside (validation.rules: ExpectColumnValuesToNotBeNull, and "
        f"ExpectColumnValuesToBeBetween with min_value 0, of column {column}), then for "
        f"those days {trigger(config.name, 'ingest', start='DAY', end='DAY')}"
    )
    if bad.any():
        keys = train["row_key"][bad] if "row_key" in train else pd.Series(np.flatnonzero(bad))
        named = ", ".join(f"{key} ({weight:g})" for key, weight in zip(keys[:NAMED], weights[bad][:NAMED], strict=True))
        raise PermanentError(
            f"{config.name}: training.sample_weight: {int(bad.sum()):,} of {len(train):,} training rows have a weight "
            f"in {column!r} that is missing, negative or no number: {named}. {hint}"
        )
    if not weights.any():
        raise PermanentError(
            f"{config.name}: training.sample_weight: all {len(train):,} training rows weigh 0 in {column!r}. "
            "Next: look at the source, or remove training.sample_weight"
        )
    return weights

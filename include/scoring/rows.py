"""Scores of rows, each row for itself where some of them cannot be scored. Pure: no table, no registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from include.training.fit import predict_scores

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

    from include.config.schema import ModelConfig

MAX_ERROR_LENGTH = 300


def score_rows(pipeline: Pipeline, rows: pd.DataFrame, config: ModelConfig) -> tuple[np.ndarray, list[str | None]]:
    """Score every row that can be scored.

    Where the pipeline raises on the whole, halves are tried, down to the rows that it raises on.

    Returns
    -------
    scores : as `fit.predict_scores`, (n,) or (n, k); a row is NaN where it could not be scored
    errors : why, for those rows; None for the others
    """
    try:
        scores = predict_scores(pipeline, rows, config)
    except Exception as error:
        if len(rows) <= 1:
            width = (len(config.data.classes),) if config.task == "multiclass" else ()
            reason = f"{type(error).__name__}: {error}"[:MAX_ERROR_LENGTH]
            return np.full((len(rows), *width), np.nan), [reason] * len(rows)
        middle = len(rows) // 2
        first, first_errors = score_rows(pipeline, rows.iloc[:middle], config)
        second, second_errors = score_rows(pipeline, rows.iloc[middle:], config)
        return np.concatenate([first, second]), first_errors + second_errors
    usable = np.isfinite(scores) if scores.ndim == 1 else np.isfinite(scores).all(axis=1)
    errors = [None if fine else f"the model returned {value}" for fine, value in zip(usable, scores, strict=True)]
    return np.where(usable if scores.ndim == 1 else usable[:, None], scores, np.nan), errors

"""Predict with a fitted pipeline: one function for training, scoring and the gates. Pure: rows in, scores out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

    from include.config.schema import ModelConfig


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


def on_one_thread(pipeline: Pipeline) -> Pipeline:
    """Let a fitted pipeline predict on one thread, and return it.

    A forest adds its trees' votes up in the order in which its threads get there, and with two the last bits change
    from call to call.
    """
    estimator = pipeline.named_steps["estimator"]
    if "n_jobs" in estimator.get_params():
        estimator.set_params(n_jobs=1)
    return pipeline

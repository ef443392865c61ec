"""Early stopping holds back some rows of every class; where a class has too few, it cannot, and is switched off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

PARAM = "early_stopping"
AUTO_FROM = 10_000
"""Rows above which scikit-learn's histogram boosting stops early by itself (`early_stopping="auto"`)."""


def settle(pipeline: Pipeline, target: pd.Series) -> str:
    """Switch early stopping off where the rows of a class do not suffice for it; returns why, or nothing.

    scikit-learn draws the rows that it holds back class by class (stratified), so that each class must have two rows,
    and the part held back one for each class.

    :param target: (n,) whole numbers that stand for classes
    """
    estimator = pipeline.named_steps["estimator"]
    params = estimator.get_params(deep=False)
    if PARAM not in params or not hasattr(estimator, "predict_proba"):
        return ""
    wanted = params[PARAM]
    if not (wanted is True or (wanted == "auto" and len(target) > AUTO_FROM)):
        return ""
    counts = target.value_counts()
    share = params.get("validation_fraction")
    held_back = np.inf if share is None else share if isinstance(share, int) else int(np.ceil(share * len(target)))
    if counts.min() > 1 and held_back >= len(counts):
        return ""
    estimator.set_params(**{PARAM: False})
    return (
        f"without early stopping: it holds back rows of each of the {len(counts)} classes, of which the rarest has "
        f"{counts.min():,} of {len(target):,}"
    )

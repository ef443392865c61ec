"""What a prediction that is the same for every row would get: what every model must beat. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, get_args

import numpy as np

from include.config.section import RegressionMetric
from include.evidence.metrics import PINBALL, compute, metrics_of, undefined

if TYPE_CHECKING:
    from include.config.schema import ModelConfig

SHARE = "share_"
BEST_CONSTANT: Mapping[str, str] = {
    **dict.fromkeys(get_args(RegressionMetric), "mean"),
    "mean_absolute_error": "median",
    PINBALL: "quantile",
}


def constants(config: ModelConfig, labels: np.ndarray) -> dict[str, float]:
    """What a prediction that is the same for every row takes from the training rows, by the names it is logged under.

    The `rate` of 1, the `share_0`, `share_1`... of each class, or `mean`, `median` and, where one is trained for, the
    `quantile` of the values. Weights do not count: metrics count every row once.
    """
    labels = np.asarray(labels, dtype=float)
    if config.task == "binary":
        return {"rate": float(labels.mean())}
    if config.task == "multiclass":
        counts = np.bincount(labels.astype(int), minlength=len(config.data.classes))
        return {f"{SHARE}{code}": float(count / len(labels)) for code, count in enumerate(counts)}
    found = {"mean": float(labels.mean()), "median": float(np.median(labels))}
    if config.training.quantile is not None:
        found["quantile"] = float(np.quantile(labels, config.training.quantile))
    return found


def constant_of(metric: str, found: Mapping[str, float]) -> float | np.ndarray | None:
    """The constant that does best by `metric`, of what `constants` found; None where it found nothing that suits.

    The median for the mean absolute error, the quantile for its pinball loss, the mean for squared errors, and shares
    of the classes, (k,), or the rate for everything that is said of classes. F1 is best served by calling every row a
    1: below a rate of a half, the rate calls none and gets 0, which any guess would beat.
    """
    if metric == "f1" and "rate" in found:
        return 1.0
    if shares := [found[name] for name in sorted(found, key=_share_code) if name.startswith(SHARE)]:
        return np.array(shares)
    return found.get(BEST_CONSTANT.get(metric, "rate" if "rate" in found else "mean"))


def baseline_metrics(config: ModelConfig, y_true: np.ndarray, found: Mapping[str, float]) -> dict[str, float]:
    """Every metric of the best constant prediction, as `constants` found it on the training rows."""
    y_true = np.asarray(y_true, dtype=float)
    values: dict[str, float] = {}
    for name in metrics_of(config):
        constant = constant_of(name, found)
        if constant is not None:
            everywhere = np.broadcast_to(constant, (len(y_true), *np.shape(constant)))
            if not undefined(name, y_true, everywhere):
                values |= compute([name], y_true, everywhere, task=config.task, quantile=config.training.quantile)
    return values


def _share_code(name: str) -> int:
    return int(name.removeprefix(SHARE)) if name.startswith(SHARE) else -1

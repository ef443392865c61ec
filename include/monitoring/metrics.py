"""What is measured of the served scores, by task: the task's metrics, each where the rows allow it. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from include.data import labels
from include.evidence.metrics import METRICS, metrics_of
from include.evidence.resampling import Statistic

if TYPE_CHECKING:
    from include.config.schema import ModelConfig

NEED_BOTH_CLASSES = ("roc_auc", "average_precision", "f1")


def quantile(config: ModelConfig) -> float:
    """The quantile that is predicted; the median where none is, of which no pinball loss is asked then."""
    return 0.5 if config.training.quantile is None else config.training.quantile


def value(config: ModelConfig, metric: str, y: np.ndarray, scores: np.ndarray) -> float:
    """One metric of labels (n,) and scores (n,) or (n, k); NaN where the rows allow none."""
    if config.task == "binary":
        return float(METRICS[metric][0](y, scores))
    return Statistic.of(metric, y, scores, quantile(config)).value()


def measured(config: ModelConfig, y: np.ndarray, scores: np.ndarray, who: str) -> tuple[dict[str, float], list[str]]:
    """Every metric that the rows allow, and a sentence for those that they do not; `who` names the version in it."""
    asked, reasons = tuple(metrics_of(config)), []
    if config.task == "binary" and len(np.unique(y)) < 2:
        asked = tuple(name for name in asked if name not in NEED_BOTH_CLASSES)
        reasons = [f"All {len(y):,} labels are {y[0]:g}: {', '.join(NEED_BOTH_CLASSES)} of {who} need both classes."]
    found = {name: value(config, name, y, scores) for name in asked}
    lost = [name for name, number in found.items() if not math.isfinite(number)]
    if lost:
        reasons.append(f"{', '.join(lost)} of {who} cannot be computed: {_why(config, y)}.")
    return {name: number for name, number in found.items() if name not in lost}, reasons


def _why(config: ModelConfig, y: np.ndarray) -> str:
    if config.task == "regression":
        return f"all {len(y):,} labels are {y[0]:g}" if np.ptp(y) == 0 else "a score is not finite"
    absent = [name for number, name in enumerate(labels.class_names(config)) if not (y == number).any()]
    return f"no label is {' or '.join(absent)}" if absent else "a score is not finite"

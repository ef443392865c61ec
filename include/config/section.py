"""What every section of a model file is made of: an immutable base, and the names that sections share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,60}$")]
Column = Annotated[str, StringConstraints(min_length=1)]
Task = Literal["binary", "multiclass", "regression"]
BinaryMetric = Literal["roc_auc", "average_precision", "log_loss", "brier_score", "accuracy", "f1"]
MulticlassMetric = Literal["log_loss", "roc_auc_ovr", "accuracy", "f1_macro"]
RegressionMetric = Literal[
    "mean_absolute_error", "root_mean_squared_error", "mean_squared_error", "r2", "mean_pinball_loss"
]
MetricName = Literal[BinaryMetric, MulticlassMetric, RegressionMetric]
METRICS_OF: Mapping[Task, tuple[MetricName, ...]] = {
    "binary": get_args(BinaryMetric),
    "multiclass": get_args(MulticlassMetric),
    "regression": get_args(RegressionMetric),
}
"""What a model of each task may be chosen and judged by; the first is what an omitted one means."""


class Section(BaseModel):
    """Base of every section: immutable, and a typo is an error rather than a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

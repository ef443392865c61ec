"""What every section of a model file is made of: an immutable base, and the names that sections share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,60}$")]
Column = Annotated[str, StringConstraints(min_length=1, max_length=120)]
MetricName = Literal["roc_auc", "average_precision", "log_loss", "brier_score", "accuracy", "f1"]


class Section(BaseModel):
    """Base of every section: immutable, and a typo is an error rather than a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

"""The section `monitoring` of a model file: what a night is compared with, when it alarms or asks for retraining."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from include.config.section import Column, MetricName, Section


class RetrainRequest(Section):
    """Harm that asks for retraining: the live metric over the last `nights` matured nights passes the bound."""

    metric: MetricName = "roc_auc"
    min: float | None = None
    max: float | None = None
    nights: int = Field(default=7, ge=1, le=90)
    min_rows: int = Field(default=500, ge=1)

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.min is None) == (self.max is None):
            raise ValueError("give exactly one of min and max")
        return self


class DriftConfig(Section):
    """What it takes to alarm: the false discovery rate across columns, and how far beyond ordinary days.

    Floors are added to what 95 % of ordinary days keep: `numeric_floor` in the reference's standard deviations (more
    below 400 rows), `categorical_floor` in Jensen-Shannon distance, `share_floor` as a share of the rows (missing, out
    of range, new categories). `rows_floor` is the part by which the number of rows differs from its weekday's.
    """

    false_discovery_rate: float = Field(default=0.01, gt=0, lt=0.5)
    numeric_floor: float = Field(default=0.1, ge=0)
    categorical_floor: float = Field(default=0.02, ge=0, le=0.83)
    share_floor: float = Field(default=0.05, ge=0, le=1)
    rows_floor: float = Field(default=0.3, ge=0)


class MonitoringConfig(Section):
    """What the nightly look compares, when it alarms, and when it asks for retraining.

    Columns `expected_to_move` by nature, such as temperature through the year, are shown and never alarmed on.
    """

    reference_rows: int = Field(default=20_000, ge=100)
    min_rows: int = Field(default=100, ge=1)
    expected_to_move: tuple[Column, ...] = ()
    drift: DriftConfig = DriftConfig()
    retrain_request: RetrainRequest | None = None

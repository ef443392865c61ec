"""The section `monitoring` of a model file: what a night is compared with, when it alarms or asks for retraining."""

from __future__ import annotations

from typing import Literal, Self

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
    of range, new categories, change of one category). `rows_floor` is the part by which the number of rows differs from
    its weekday's.
    """

    false_discovery_rate: float = Field(default=0.01, gt=0, lt=0.5)
    numeric_floor: float = Field(default=0.1, ge=0)
    categorical_floor: float = Field(default=0.02, ge=0, le=0.83)
    share_floor: float = Field(default=0.05, ge=0, le=1)
    rows_floor: float = Field(default=0.3, ge=0)


class LastingDrift(Section):
    """Drift that lasts: the same column in an alarm on `nights` of the last `of` nights, tonight among them.

    Nights are counted while the same champion is served: the next one has a reference of its own.
    """

    nights: int = Field(default=2, ge=1, le=30)
    of: int = Field(default=3, ge=1, le=30)
    action: Literal["nothing", "alert", "retrain"] = "alert"

    @model_validator(mode="after")
    def _some_of_them(self) -> Self:
        if self.nights > self.of:
            raise ValueError(f"nights is {self.nights}, which is more than of: {self.of}; give at most as many")
        return self


class PolicyConfig(Section):
    """What a night leads to: nothing, an alert, or a request to retrain, which is an alert too.

    Harm is `monitoring.retrain_request`'s bound passed. A champion that is `retrain_after_days` old, or has
    `retrain_after_new_rows` newly labelled rows, asks for retraining where these are given. Every request waits for
    `min_new_rows` rows that were labelled after the champion's training, `cooldown_nights` since the last request, and
    a place among the `weekly_budget` of the last seven nights. A day that was refused or is missing never asks.
    """

    on_harm: Literal["alert", "retrain"] = "retrain"
    drift: LastingDrift = LastingDrift()
    retrain_after_days: int | None = Field(default=None, ge=1)
    retrain_after_new_rows: int | None = Field(default=None, ge=1)
    min_new_rows: int = Field(default=1, ge=0)
    cooldown_nights: int = Field(default=3, ge=1, le=365)
    weekly_budget: int = Field(default=2, ge=0, le=7)
    on_missing_day: Literal["nothing", "alert"] = "alert"


class MonitoringConfig(Section):
    """What the nightly look compares, when it alarms, and what follows.

    Columns `expected_to_move` by nature, such as temperature through the year, are shown and never alarmed on.
    """

    reference_rows: int = Field(default=20_000, ge=100)
    min_rows: int = Field(default=100, ge=1)
    expected_to_move: tuple[Column, ...] = ()
    drift: DriftConfig = DriftConfig()
    retrain_request: RetrainRequest | None = None
    policy: PolicyConfig = PolicyConfig()

"""The section `release` of a model file: what a version must show, and who must agree, before it is served."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from include.config.section import Column, MetricName, Section

CALIBRATION = "expected_calibration_error"
ThresholdMetric = MetricName | Literal["expected_calibration_error"]
SliceMetric = MetricName | Literal["selection_rate", "recall", "false_positive_rate"]
Approval = Literal["automatic", "first_release", "always"]


class Threshold(Section):
    """An absolute bound that the holdout metric's 95 % confidence limit must respect, whoever is champion.

    `min_skill` bounds the share of the way from a constant prediction's figure to a perfect one's: 0 is no better than
    predicting the training rows' rate, 1 is perfect.
    """

    metric: ThresholdMetric
    min: float | None = None
    max: float | None = None
    min_skill: float | None = Field(default=None, ge=0, lt=1)

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if sum(bound is not None for bound in (self.min, self.max, self.min_skill)) != 1:
            raise ValueError("give exactly one of min, max and min_skill")
        if self.metric == CALIBRATION and self.max is None:
            raise ValueError(f"{CALIBRATION} is bounded from above: give max")
        return self


class StaleChampion(Section):
    """When a champion counts as stale, and what then suffices: not to lose more than `margin`.

    It is stale `after_days` nights after the night it was trained as of, or once its live metric, on matured rows
    before the holdout, is surely more than `live_loss` worse than it was when it was released. The challenger must
    then lose no more than `margin` against the champion, and against the anchor too: the last version that was
    released by being better. Small losses cannot add up.
    """

    after_days: int = Field(default=30, ge=1)
    live_loss: float | None = Field(default=None, gt=0)
    margin: float = Field(gt=0)


class AgainstChampion(Section):
    """How the candidate must compare with the champion on the same holdout rows.

    `margin` is the loss that `non_inferiority` tolerates, in the metric's own unit. `alpha` is the chance of promoting
    a model that is no better (superiority), or worse by `margin`, at each judgement; `alpha_per_year` instead bounds
    that chance over any year: it is shared evenly among the nights that `schedule.retrain` makes in a year, and no
    more versions than that are judged.
    """

    metric: MetricName = "roc_auc"
    rule: Literal["superiority", "non_inferiority"] = "superiority"
    alpha: float | None = Field(default=0.01, gt=0, lt=0.5)
    alpha_per_year: float | None = Field(default=None, gt=0, lt=1)
    margin: float = Field(default=0.0, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _budget_replaces_alpha(cls, given: Any) -> Any:
        """A yearly budget takes alpha's default away, so that the resolved configuration names the one that counts."""
        if isinstance(given, dict) and given.get("alpha_per_year") is not None:
            return {"alpha": None, **given}
        return given

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if (self.rule == "non_inferiority") != (self.margin > 0):
            raise ValueError("margin belongs to rule non_inferiority and must then be above 0")
        if (self.alpha is None) == (self.alpha_per_year is None):
            raise ValueError("give one of alpha and alpha_per_year")
        return self


class Slice(Section):
    """A column whose values must be served alike: no value may be worse than the other rows by more than `max_gap`.

    Judged is the gap's upper 95 % confidence limit, over all values together. A value with fewer than `min_rows`
    holdout rows cannot be judged, and a person is asked. Rates have no better side: there the gap is absolute.
    """

    column: Column
    metric: SliceMetric = "roc_auc"
    max_gap: float = Field(gt=0)
    min_rows: int = Field(default=200, ge=1)


class ReleaseConfig(Section):
    """What a version must show before it is served, and whether a person must agree.

    `approval` asks a person in the Airflow UI, never, for the first release or for every one; no answer within
    `approval_hours` means no. `rows: clustered` takes the rows of one day as depending on each other, or those of one
    `cluster_by`, such as a customer; `independent` says that no rows do, and uses DeLong's and McNemar's tests. One
    holdout, the same days, is used to judge `max_holdout_uses` versions at most.
    """

    approval: Approval = "automatic"
    approval_hours: float = Field(default=20, gt=0, le=24 * 14)
    rows: Literal["clustered", "independent"] = "clustered"
    cluster_by: Column | None = None
    resamples: int = Field(default=2000, ge=200, le=100_000)
    min_holdout_rows: int = Field(default=500, ge=1)
    max_holdout_uses: int = Field(default=5, ge=1)
    thresholds: tuple[Threshold, ...] = ()
    against_champion: AgainstChampion = AgainstChampion()
    stale_champion: StaleChampion | None = None
    slices: tuple[Slice, ...] = ()
    max_scoring_ms_per_1000_rows: float | None = Field(default=None, gt=0)
    max_model_mb: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _clusters(self) -> Self:
        if self.rows == "independent" and self.cluster_by is not None:
            raise ValueError("cluster_by belongs to rows: clustered")
        return self

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
    """An absolute bound that the holdout metric's 95 % confidence limit must respect, whoever is champion or nobody.

    `min_skill` bounds the share of the way from a constant prediction's figure to a perfect one's: 0 is no better than
    predicting the same for every row (the training rows' rate or shares of classes; their median, mean or quantile, as
    the metric has it), 1 is perfect.
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


class ShadowTrial(Section):
    """How long a challenger is on trial beside the champion, and what ends the trial.

    Differences are nightly, in the unit of `against_champion.metric`. A trial of `min_nights` or more ends when the
    challenger is surely better (at `against_champion`'s alpha), when it surely gains less than `worth` (where giving up
    one that does gain it has a chance of `futility_alpha`), or `max_nights` after its start. One night counts with at
    most `bound`, ten times `worth` by default; nights of fewer than `min_rows` rows are put together with the next.
    """

    max_nights: int = Field(default=90, ge=2, le=365)
    min_nights: int = Field(default=7, ge=2)
    worth: float = Field(default=0.005, gt=0)
    futility_alpha: float = Field(default=0.1, gt=0, lt=0.5)
    bound: float | None = Field(default=None, gt=0)
    min_rows: int = Field(default=100, ge=2)

    @property
    def largest(self) -> float:
        """The most that one night counts with."""
        return 10 * self.worth if self.bound is None else self.bound

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.min_nights > self.max_nights:
            raise ValueError(f"min_nights ({self.min_nights}) is more than max_nights ({self.max_nights})")
        if self.worth >= self.largest:
            raise ValueError(f"one night must count with more than worth ({self.worth:g}): bound is {self.bound:g}")
        return self


class ReleaseConfig(Section):
    """What a version must show before it is served, and whether a person must agree.

    `evidence` says where it must show that it is better: on the `holdout`, or, once a champion is served, over nights
    in the `shadow`, as `shadow` declares; every other gate is judged on the holdout in either case.

    With no champion yet, a version must be surely better than a constant prediction by `against_champion.metric`;
    `thresholds` are bounds beside that, for every night, the first one and those of an odd season included.

    `approval` asks a person in the Airflow UI, never, for the first release or for every one; no answer within
    `approval_hours` means no. `rows: clustered` takes the rows of one day as depending on each other, or those of one
    `cluster_by`, such as a customer; `independent` says that no rows do, and uses DeLong's and McNemar's tests. One
    holdout, the same days or the same rows of a snapshot, judges `max_holdout_uses` versions at most.
    """

    evidence: Literal["holdout", "shadow"] = "holdout"
    shadow: ShadowTrial | None = None
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

    @model_validator(mode="before")
    @classmethod
    def _usual_trial(cls, given: Any) -> Any:
        """Evidence from the shadow takes the usual trial, so that the resolved configuration spells it out."""
        if isinstance(given, dict) and given.get("evidence") == "shadow" and given.get("shadow") is None:
            return {**given, "shadow": {}}
        return given

    @model_validator(mode="after")
    def _trial(self) -> Self:
        if self.shadow is None:
            return self
        if self.evidence != "shadow":
            raise ValueError("shadow belongs to evidence: shadow")
        margins = [self.against_champion.margin, self.stale_champion.margin if self.stale_champion else 0.0]
        if max(margins) >= self.shadow.largest:
            raise ValueError(f"shadow: one night must count with more than the margin: give a bound > {max(margins):g}")
        return self

    @model_validator(mode="after")
    def _clusters(self) -> Self:
        if self.rows == "independent" and self.cluster_by is not None:
            raise ValueError("cluster_by belongs to rows: clustered")
        return self

"""The section `training` of a model file: the rows that are learnt from, and the candidates that compete."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator

from include.config.estimators import ESTIMATORS, known_estimators
from include.config.near import near
from include.config.section import Column, MetricName, Name, Section

Param = bool | int | float | str | None


def _known(name: str) -> str:
    if name not in ESTIMATORS:
        raise ValueError(
            f"{name!r} is no known estimator{near(name, ESTIMATORS)}; known are {', '.join(known_estimators())}"
        )
    if not ESTIMATORS[name].installed:
        package = ESTIMATORS[name].package
        raise ValueError(f"{name!r} needs the package {package}, which is not installed: pip install {package}")
    return name


EstimatorName = Annotated[
    str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": sorted(ESTIMATORS)}, mode="validation")
]


class Range(Section):
    """Values between `low` and `high`, both included: whole numbers where both are; `log` where orders of magnitude
    count alike."""

    low: int | float
    high: int | float
    log: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low ({self.low:g}) must be below high ({self.high:g})")
        if self.log and self.low <= 0:
            raise ValueError(f"log needs a low above 0, not {self.low:g}")
        return self


def _written_as(given: Any) -> str:
    return "range" if isinstance(given, dict | Range) else "list"


Choice = Annotated[
    Annotated[Range, Tag("range")] | Annotated[tuple[Param, ...], Field(min_length=1), Tag("list")],
    Discriminator(_written_as),
]


class Search(Section):
    """Looks for better parameters on the train split alone, by cross-validation that never trains on later days.

    `random` draws `trials` settings and measures each on every fold; `halving` starts with few rows, and goes on with
    the better third on three times as many. That saves time where a fit's time grows with its rows.
    """

    method: Literal["random", "halving"] = "random"
    trials: int = Field(default=20, ge=2, le=1000)
    folds: int = Field(default=3, ge=2, le=20)
    params: dict[str, Choice] = Field(min_length=1)


class Candidate(Section):
    """One estimator of the closed registry, by scikit-learn's own class and parameter names."""

    name: Name
    estimator: EstimatorName
    params: dict[str, Param] = Field(default_factory=dict)
    search: Search | None = None

    @model_validator(mode="after")
    def _fixed_or_searched(self) -> Self:
        both = sorted(self.params.keys() & (self.search.params.keys() if self.search else set()))
        if both:
            raise ValueError(f"{', '.join(both)} stands in params and in search.params; keep one of the two")
        return self


class Split(Section):
    """Shares of a snapshot's rows, chosen by a hash of their key: the same row is in the same part every night."""

    train: float = Field(default=0.6, gt=0, lt=1)
    validation: float = Field(default=0.2, gt=0, lt=1)
    holdout: float = Field(default=0.2, gt=0, lt=1)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if abs((whole := self.train + self.validation + self.holdout) - 1) > 1e-9:
            raise ValueError(f"train, validation and holdout add up to {whole:g}, and must to 1")
        return self


class TrainingConfig(Section):
    """The window of days, how it is split, and the candidates that compete on its validation part.

    At most `max_missing_share` of the window's days may be missing (refused, or without rows), and never the last. A
    snapshot has no days: its rows are shared out by `split` instead. Each split needs 50 rows at least.

    Rows count alike unless weighted: by the numbers in the column `sample_weight`, so that classes count alike
    (`class_weight: balanced`), or so that a row of `half_life_days` before the newest counts half. Weights multiply,
    and are for fitting alone: metrics count every row once. `quantile` makes a regression predict that quantile, and
    is what mean_pinball_loss is of.
    """

    train_days: int | None = Field(default=None, ge=1)
    validation_days: int | None = Field(default=None, ge=1)
    holdout_days: int | None = Field(default=None, ge=1)
    split: Split | None = None
    max_missing_share: float = Field(default=0.1, ge=0, lt=1)
    select_by: MetricName = "roc_auc"
    quantile: float | None = Field(default=None, gt=0, lt=1)
    class_weight: Literal["balanced"] | None = None
    sample_weight: Column | None = None
    half_life_days: float | None = Field(default=None, gt=0)
    seed: int = 0
    candidates: tuple[Candidate, ...] = Field(min_length=1)

    @property
    def days(self) -> tuple[int, int, int]:
        """Days of train, validation and holdout; a snapshot's parts are all of one day."""
        return self.train_days or 1, self.validation_days or 1, self.holdout_days or 1

    @property
    def weighted(self) -> bool:
        return bool(self.class_weight or self.sample_weight or self.half_life_days)


def with_usual_metric(given: Any, metric: MetricName, *path: str) -> Any:
    """`given`, a mapping of a model file, with `metric` where the path leads and nothing stands."""
    if not isinstance(given, dict):
        return given
    if len(path) == 1:
        return given if path[0] in given else {**given, path[0]: metric}
    return {**given, path[0]: with_usual_metric(given.get(path[0], {}), metric, *path[1:])}

"""A model's whole declaration, as types: frozen, and every unknown key refused.

The YAML file's dotted paths are these attributes' paths, and MLflow's parameter names too:
`training.candidates.0.params.max_depth`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import croniter
from pydantic import Field, StringConstraints, field_validator, model_validator

from include.config import agreement
from include.config.alerts import AlertsConfig
from include.config.data import ColumnType, DataConfig
from include.config.features import FeaturesConfig, RateFeature, TimeFeature
from include.config.monitoring import DriftConfig, LastingDrift, MonitoringConfig, PolicyConfig, RetrainRequest
from include.config.release import AgainstChampion, ReleaseConfig, Slice, StaleChampion, Threshold
from include.config.section import METRICS_OF, Column, MetricName, Name, Section, Task
from include.config.sources import DeltaSource, FilesSource, PythonSource, Source, SqlSource
from include.config.training import (
    Candidate,
    EstimatorName,
    Range,
    Search,
    Split,
    TrainingConfig,
    with_usual_metric,
)

__all__ = [
    "AgainstChampion",
    "AlertsConfig",
    "Candidate",
    "Column",
    "ColumnType",
    "DataConfig",
    "DeltaSource",
    "DriftConfig",
    "EstimatorName",
    "FeaturesConfig",
    "FilesSource",
    "LastingDrift",
    "MetricName",
    "ModelConfig",
    "MonitoringConfig",
    "Name",
    "PolicyConfig",
    "PythonSource",
    "Range",
    "RateFeature",
    "ReleaseConfig",
    "RetrainRequest",
    "Search",
    "Section",
    "Slice",
    "Source",
    "Split",
    "SqlSource",
    "StaleChampion",
    "Task",
    "Threshold",
    "TimeFeature",
    "TrainingConfig",
]

CRON_FIELDS = 5


class ScheduleConfig(Section):
    """When the nightly DAGs run, as cron expressions in `timezone`. Night N ingests day N-1.

    A run that has not ended `deadline_hours` after it was queued is told as late; a retrain run that asks a person has
    `release.approval_hours` on top.
    """

    timezone: str = "UTC"
    ingest: str = "0 2 * * *"
    retrain: str = "0 3 * * *"
    monitor: str = "0 5 * * *"
    deadline_hours: float = Field(default=4, gt=0, le=24 * 7)

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{value!r} is no timezone of the tz database, such as Europe/Berlin") from None
        return value

    @field_validator("ingest", "retrain", "monitor")
    @classmethod
    def _cron(cls, value: str) -> str:
        if len(value.split()) != CRON_FIELDS or not croniter.is_valid(value):
            raise ValueError(f"{value!r} is no cron expression of five fields, such as '0 3 * * *'")
        return value


class Rule(Section):
    """A Great Expectations expectation by its own name and arguments, and what its failure means."""

    expect: Annotated[str, StringConstraints(pattern=r"^Expect[A-Za-z]+$")]
    args: dict[str, Any] = Field(default_factory=dict)
    on_failure: Literal["refuse_day", "quarantine_row", "warn"] = "quarantine_row"


class ValidationConfig(Section):
    """What a day must be like. Types, the day itself and duplicate keys are always checked."""

    max_quarantined_share: float = Field(default=0.05, ge=0, le=1)
    rules: tuple[Rule, ...] = ()


class ScoringConfig(Section):
    """Days back from tonight that are looked at for unscored or changed days."""

    lookback_days: int = Field(default=7, ge=1, le=365)


class ModelConfig(Section):
    """One model file. `name` is its DAGs' prefix, MLflow experiment and registered model.

    `example_data` marks an example that ships: the package of requirements/demo.txt that brings its rows. Where that
    package is not installed the example is not there, and `lint` says so; a package that your own source imports and
    that is missing is an error of the night.
    """

    name: Name
    description: str = Field(min_length=1)
    owner: str = Field(min_length=1)
    tags: tuple[str, ...] = ()
    task: Task
    active: bool = True
    example_data: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    schedule: ScheduleConfig = ScheduleConfig()
    data: DataConfig
    features: FeaturesConfig
    validation: ValidationConfig = ValidationConfig()
    training: TrainingConfig
    release: ReleaseConfig = ReleaseConfig()
    scoring: ScoringConfig = ScoringConfig()
    monitoring: MonitoringConfig = MonitoringConfig()
    alerts: AlertsConfig = AlertsConfig()

    @model_validator(mode="before")
    @classmethod
    def _usual_metrics(cls, given: Any) -> Any:
        """Metrics that are left out are the task's usual ones, so that the resolved configuration names them."""
        if not isinstance(given, dict) or given.get("task") not in [*METRICS_OF]:
            return given
        task: Task = given["task"]
        training = given.get("training")
        quantile = isinstance(training, dict) and training.get("quantile") is not None
        usual: MetricName = "mean_pinball_loss" if quantile else METRICS_OF[task][0]
        given = with_usual_metric(given, usual, "training", "select_by")
        given = with_usual_metric(given, usual, "release", "against_champion", "metric")
        for path in (("release", "slices"), ("monitoring", "retrain_request")):
            given = _filled(given, usual, *path)
        return given

    @model_validator(mode="after")
    def _agree(self) -> Self:
        faults = agreement.faults(self)
        if faults:
            raise agreement.Disagreement(faults)
        return self


def _filled(given: Any, metric: MetricName, section: str, key: str) -> Any:
    """`given` with `metric` in the section, or in each of the list, that stands at `section.key`."""
    held = given.get(section)
    there = held.get(key) if isinstance(held, dict) else None
    if isinstance(there, dict):
        return {**given, section: {**held, key: {"metric": metric, **there}}}
    if isinstance(there, list | tuple):
        filled = [{"metric": metric, **item} if isinstance(item, dict) else item for item in there]
        return {**given, section: {**held, key: filled}}
    return given

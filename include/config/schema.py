"""A model's whole declaration, as types: frozen, and every unknown key refused.

The YAML file's dotted paths are these attributes' paths, and MLflow's parameter names too:
`training.candidates.0.params.max_depth`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import croniter
from pydantic import Field, StringConstraints, field_validator, model_validator

from include.config.alerts import AlertsConfig
from include.config.monitoring import DriftConfig, LastingDrift, MonitoringConfig, PolicyConfig, RetrainRequest
from include.config.release import AgainstChampion, ReleaseConfig, Slice, StaleChampion, Threshold
from include.config.section import Column, MetricName, Name, Section

__all__ = [
    "AgainstChampion",
    "AlertsConfig",
    "Column",
    "DriftConfig",
    "LastingDrift",
    "MetricName",
    "ModelConfig",
    "MonitoringConfig",
    "Name",
    "PolicyConfig",
    "ReleaseConfig",
    "RetrainRequest",
    "Section",
    "Slice",
    "StaleChampion",
    "Threshold",
]

EstimatorName = Literal[
    "LogisticRegression",
    "RandomForestClassifier",
    "ExtraTreesClassifier",
    "HistGradientBoostingClassifier",
    "KNeighborsClassifier",
    "DummyClassifier",
]
"""The closed registry's names, here so that a model file is checked without importing scikit-learn."""
ColumnType = Literal["date", "timestamp", "string", "integer", "number", "boolean"]


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


class PythonSource(Section):
    """A function `read(start, end) -> DataFrame` in `include/data/sources/<module>.py`."""

    kind: Literal["python"]
    module: Name

    @property
    def place(self) -> str:
        return f"include/data/sources/{self.module}.py"


class FilesSource(Section):
    """CSV, Parquet or JSON-lines files: one, those of a glob (`*`), or one a day, `{day}` standing for 2026-01-31.

    `path` is a local path or an address that fsspec knows: `s3://bucket/sales/{day}.parquet`, once the package s3fs is
    installed. Without `{day}` the files are read whole each night, and the day column says which rows are of the night.
    `format` follows the file's ending (.parquet, .csv or .jsonl, the latter two also as .gz) unless it is given.
    """

    kind: Literal["files"]
    path: str = Field(min_length=1)
    format: Literal["csv", "parquet", "jsonl"] | None = None

    @property
    def place(self) -> str:
        return self.path

    @model_validator(mode="after")
    def _format_known(self) -> Self:
        if self.format is None and self.file_format is None:
            raise ValueError(
                f"{self.path!r} does not say what its files are; name them .csv, .parquet or .jsonl, or give format"
            )
        return self

    @property
    def file_format(self) -> Literal["csv", "parquet", "jsonl"] | None:
        """The format given, or the ending's; None for an ending that says nothing."""
        endings: dict[str, Literal["csv", "parquet", "jsonl"]] = {
            ".csv": "csv",
            ".parquet": "parquet",
            ".pq": "parquet",
            ".jsonl": "jsonl",
            ".ndjson": "jsonl",
        }
        name = self.path.lower().removesuffix(".gz")
        return self.format or next((found for ending, found in endings.items() if name.endswith(ending)), None)


Source = Annotated[PythonSource | FilesSource, Field(discriminator="kind")]


class DataConfig(Section):
    """The rows: where they come from, what names one, which day it is of, and when its label is known.

    A label counts from `label_delay_days` after its row's day. Each night labels are read again, from `labels` where
    they live elsewhere, for the days that wait for theirs and `label_corrections_days` beyond: late ones are filled in
    and corrected ones replaced. `protected` columns are kept to see whether people are served alike, and may never
    enter the model.
    """

    source: Source
    labels: Source | None = None
    day: Column
    key: tuple[Column, ...] = Field(min_length=1)
    label: Column
    label_delay_days: int = Field(default=1, ge=0, le=365)
    label_corrections_days: int = Field(default=7, ge=0, le=365)
    known_afterwards: tuple[Column, ...] = ()
    protected: tuple[Column, ...] = ()
    columns: dict[Column, ColumnType] = Field(min_length=1)


class RateFeature(Section):
    """Rate of the label among earlier days' rows of the same group: `days` days, ending when labels are known."""

    name: Column
    by: tuple[Column, ...] = ()
    days: int = Field(ge=1, le=365)


class FeaturesConfig(Section):
    """What the model sees. `rates` are computed from labels of earlier days and are numeric features too."""

    numeric: tuple[Column, ...] = ()
    categorical: tuple[Column, ...] = ()
    rates: tuple[RateFeature, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All feature columns in the order in which the pipeline takes them."""
        return (*self.numeric, *(rate.name for rate in self.rates), *self.categorical)


class Rule(Section):
    """A Great Expectations expectation by its own name and arguments, and what its failure means."""

    expect: Annotated[str, StringConstraints(pattern=r"^Expect[A-Za-z]+$")]
    args: dict[str, Any] = Field(default_factory=dict)
    on_failure: Literal["refuse_day", "quarantine_row", "warn"] = "quarantine_row"


class ValidationConfig(Section):
    """What a day must be like. Types, the day itself and duplicate keys are always checked."""

    max_quarantined_share: float = Field(default=0.05, ge=0, le=1)
    rules: tuple[Rule, ...] = ()


class Candidate(Section):
    """One estimator of the closed registry, by scikit-learn's own class and parameter names."""

    name: Name
    estimator: EstimatorName
    params: dict[str, bool | int | float | str | None] = Field(default_factory=dict)


class TrainingConfig(Section):
    """The window of days, how it is split, and the candidates that compete on its validation part.

    At most `max_missing_share` of the window's days may be missing (refused, or without rows), and never the last.
    """

    train_days: int = Field(ge=1)
    validation_days: int = Field(ge=1)
    holdout_days: int = Field(ge=1)
    max_missing_share: float = Field(default=0.1, ge=0, lt=1)
    select_by: MetricName = "roc_auc"
    seed: int = 0
    candidates: tuple[Candidate, ...] = Field(min_length=1)


class ScoringConfig(Section):
    """Days back from tonight that are looked at for unscored or changed days."""

    lookback_days: int = Field(default=7, ge=1, le=365)


class ModelConfig(Section):
    """One model file. `name` is its DAGs' prefix, MLflow experiment and registered model."""

    name: Name
    description: str = Field(min_length=1)
    owner: str = Field(min_length=1)
    tags: tuple[str, ...] = ()
    task: Literal["binary"]
    active: bool = True
    schedule: ScheduleConfig = ScheduleConfig()
    data: DataConfig
    features: FeaturesConfig
    validation: ValidationConfig = ValidationConfig()
    training: TrainingConfig
    release: ReleaseConfig = ReleaseConfig()
    scoring: ScoringConfig = ScoringConfig()
    monitoring: MonitoringConfig = MonitoringConfig()
    alerts: AlertsConfig = AlertsConfig()

    @model_validator(mode="after")
    def _columns_agree(self) -> Self:
        faults = list(_column_faults(self))
        if faults:
            raise ValueError("; ".join(faults))
        return self


def _column_faults(config: ModelConfig) -> list[str]:
    """Name every column that is used but not declared, used twice, or would leak the answer."""
    data, features = config.data, config.features
    inputs = features.names, tuple(column for rate in features.rates for column in rate.by)
    declared = set(data.columns)
    used = {
        "data.day": (data.day,),
        "data.key": data.key,
        "data.label": (data.label,),
        "data.known_afterwards": data.known_afterwards,
        "data.protected": data.protected,
        "features.numeric": features.numeric,
        "features.categorical": features.categorical,
        "features.rates": inputs[1],
        "release.cluster_by": (config.release.cluster_by,) if config.release.cluster_by else (),
        "release.slices": tuple(item.column for item in config.release.slices),
    }
    faults = [
        f"{where}: column {column!r} is not in data.columns"
        for where, columns in used.items()
        for column in columns
        if column not in declared
    ]
    leaks = {data.label, *data.known_afterwards}
    faults += [
        f"features: {name!r} is known only afterwards (data.label or data.known_afterwards) and would leak the answer"
        for name in (*inputs[0], *inputs[1])
        if name in leaks
    ]
    faults += [
        f"features: {name!r} is in data.protected and may not enter the model"
        for name in (*inputs[0], *inputs[1])
        if name in data.protected
    ]
    faults += [
        f"monitoring.expected_to_move: {name!r} is no feature of the model"
        for name in config.monitoring.expected_to_move
        if name not in features.names
    ]
    faults += [f"features: {name!r} is listed twice" for name in sorted(_doubles(features.names))]
    faults += [
        f"features.rates: {rate.name!r} is also a column of the data"
        for rate in features.rates
        if rate.name in declared
    ]
    if not features.names:
        faults.append("features: name at least one of numeric, categorical or rates")
    names = [candidate.name for candidate in config.training.candidates]
    faults += [f"training.candidates: name {name!r} is used twice" for name in sorted(_doubles(names))]
    faults += [
        f"features.numeric: {name!r} is declared {data.columns[name]}; numeric features are integer, number or boolean"
        for name in features.numeric
        if data.columns.get(name, "number") not in ("integer", "number", "boolean")
    ]
    faults += [f"data.columns: {name!r} is a name of our tables' own columns" for name in _reserved(data)]
    if data.columns.get(data.day) not in (None, "date"):
        faults.append(f"data.day: column {data.day!r} must have type date, not {data.columns[data.day]}")
    return faults


def _reserved(data: DataConfig) -> set[str]:
    """Declared columns that the table `validated` needs for itself; `day` may only be the day column."""
    return {"row_key", "rows_snapshot", "day"} & (data.columns.keys() - {data.day})


def _doubles(names: Any) -> set[str]:
    seen: set[str] = set()
    return {name for name in names if name in seen or seen.add(name)}  # type: ignore[func-returns-value]

"""What a retrain run was frozen to, and what its tasks hand on until a version is registered."""

from __future__ import annotations

from datetime import date

from include.contracts.base import Contract, DayRange


class Windows(Contract):
    """The three splits of a run, by time: fit on `train`, choose on `validation`, judge once on `holdout`."""

    train: DayRange
    validation: DayRange
    holdout: DayRange

    @property
    def whole(self) -> DayRange:
        return DayRange(start=self.train.start, end=self.holdout.end)


class RunContext(Contract):
    """What a retrain run was frozen to when it opened: data, configuration, code, and who was champion.

    The resolved configuration itself is an artefact (`config.json`) of the MLflow run; `config_hash` names it.
    """

    model: str
    airflow_run_id: str
    as_of: date
    mlflow_run_id: str
    experiment_id: str
    config_hash: str
    data_version: int
    data_hash: str
    rows: int
    windows: Windows
    champion_version: int | None
    git_sha: str
    lock_hash: str


class Resources(Contract):
    """What fitting took: wall-clock and CPU seconds, and the most memory the process held, in MB (10**6 bytes)."""

    seconds: float
    cpu_seconds: float
    peak_memory_mb: float


class CandidateResult(Contract):
    """One fitted candidate: its MLflow run, its logged model and its metrics on train and validation."""

    name: str
    index: int
    mlflow_run_id: str
    model_uri: str
    metrics: dict[str, float]
    fit_seconds: float
    resources: Resources | None = None


class Selection(Contract):
    """The candidate chosen on validation data, and why."""

    chosen: CandidateResult
    metric: str
    ranking: tuple[tuple[str, float], ...]
    reason: str


class Holdout(Contract):
    """The one evaluation of the chosen candidate on the untouched later rows."""

    rows: int
    days: int
    metrics: dict[str, float]
    baseline: dict[str, float]


class RegisteredVersion(Contract):
    """A version in the registry, found again by `airflow_run_id` when a task is retried."""

    model: str
    version: int
    model_uri: str
    mlflow_run_id: str

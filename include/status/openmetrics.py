"""What is the case as metric families that Prometheus scrapes. Pure.

Names follow Prometheus' own advice: base units in the name, moments as Unix seconds. What a model has not had yet has
no sample, rather than a zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from prometheus_client.core import GaugeMetricFamily, Metric, StateSetMetricFamily

from include.status.model import ModelStatus

VERDICTS = ("promoted", "refused", "rolled_back", "trial")
SOURCES = ("models", "runs")
Sample = tuple[Sequence[str], float | None]


@dataclass(frozen=True)
class FinishedRun:
    """The newest finished run of a model's DAG, as Airflow tells it; `dag` is the DAG's name without the model's."""

    model: str
    dag: str
    seconds: float
    ended: datetime
    succeeded: bool


@dataclass(frozen=True)
class Snapshot:
    """What was read last. `failed` names the sources that did not answer: of these it holds what they said before."""

    at: datetime
    models: Sequence[ModelStatus] = ()
    runs: Sequence[FinishedRun] = ()
    failed: tuple[str, ...] = ()


def families(snapshot: Snapshot, now: datetime) -> list[Metric]:
    """Every family, with a sample for each model that has one."""
    models = snapshot.models
    return [*_reading(snapshot), *_files(models), *_single(models, now), *_several(models), *_runs(snapshot.runs)]


def _reading(snapshot: Snapshot) -> list[Metric]:
    good = [((name,), float(name not in snapshot.failed)) for name in SOURCES]
    return [
        _gauge("read_timestamp_seconds", "When the world was last read", (), [((), _unix(snapshot.at))]),
        _gauge("read_success", "1 where the source answered; where not, its samples are older", ("source",), good),
    ]


def _files(models: Sequence[ModelStatus]) -> list[Metric]:
    faulty: list[Sample] = [((item.model,), float(bool(item.file_faults))) for item in models]
    return [_gauge("model_file_faulty", "1 where the model file has faults, so that no night runs", ("model",), faulty)]


def _single(models: Sequence[ModelStatus], now: datetime) -> list[Metric]:
    """Families with one sample a model."""
    told: list[tuple[str, str, Callable[[ModelStatus], float | None]]] = [
        ("champion_version", "Version that is served", lambda item: item.champion_version),
        (
            "champion_since_timestamp_seconds",
            "When the version that is served became the champion",
            lambda item: _unix(item.champion_since),
        ),
        (
            "champion_age_seconds",
            "Since the night that the champion was trained as of",
            lambda item: _since(item.champion_trained_as_of, now),
        ),
        ("verdict_timestamp_seconds", "When the last verdict was", lambda item: _unix(item.verdict_at)),
        ("last_day_timestamp_seconds", "Newest day with validated rows", lambda item: _midnight(item.last_day)),
        ("last_night_timestamp_seconds", "Newest night that was monitored", lambda item: _midnight(item.last_night)),
        ("live_rows", "Rows with labels that the live metrics are of", lambda item: item.live_rows),
        ("drifted_columns", "Columns in a drift alarm on the last night", lambda item: item.drifted_columns),
        ("compared_columns", "Columns that were compared on the last night", lambda item: item.compared_columns),
    ]
    return [_gauge(name, text, ("model",), [((item.model,), of(item)) for item in models]) for name, text, of in told]


def _several(models: Sequence[ModelStatus]) -> list[Metric]:
    """Families with several samples a model."""
    verdicts = StateSetMetricFamily("nightshift_verdict", "Last verdict of the gates or of a person", labels=["model"])
    for item in models:
        if item.verdict:
            verdicts.add_metric([item.model], {name: name == item.verdict for name in VERDICTS})
    rows: list[Sample] = [
        ((item.model, state), count)
        for item in models
        if item.last_day
        for state, count in (
            ("validated", item.last_day_validated),
            ("quarantined", item.last_day_quarantined),
            ("scored", item.last_day_scored),
        )
    ]
    live: list[Sample] = [((item.model, name), value) for item in models for name, value in item.live.items()]
    limits: list[Sample] = [
        ((item.model, name, limit), value)
        for item in models
        for name, both in item.live_limits.items()
        for limit, value in zip(("low", "high"), both, strict=True)
    ]
    return [
        verdicts,
        _gauge("last_day_rows", "Rows of the newest day, by what became of them", ("model", "state"), rows),
        _gauge("live_metric", "Champion on labels that have matured", ("model", "metric"), live),
        _gauge("live_metric_limit", "Its 95 % confidence limits", ("model", "metric", "limit"), limits),
    ]


def _runs(runs: Sequence[FinishedRun]) -> list[Metric]:
    """Families of the newest finished run of each DAG."""

    def of(value: Callable[[FinishedRun], float]) -> list[Sample]:
        return [((run.model, run.dag), value(run)) for run in runs]

    labels = ("model", "dag")
    return [
        _gauge("run_seconds", "How long a DAG's newest finished run took", labels, of(lambda run: run.seconds)),
        _gauge("run_success", "1 where that run succeeded", labels, of(lambda run: float(run.succeeded))),
        _gauge("run_end_timestamp_seconds", "When that run ended", labels, of(lambda run: run.ended.timestamp())),
    ]


def _gauge(name: str, text: str, labels: Sequence[str], samples: Iterable[Sample]) -> Metric:
    family = GaugeMetricFamily(f"nightshift_{name}", text, labels=labels)
    for values, value in samples:
        if value is not None:
            family.add_metric(list(values), float(value))
    return family


def _unix(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _midnight(day: date | None) -> float | None:
    """A day's beginning in UTC: days have no zone, and a metric's moment needs one."""
    return None if day is None else datetime.combine(day, time(), UTC).timestamp()


def _since(day: date | None, now: datetime) -> float | None:
    midnight = _midnight(day)
    return None if midnight is None else now.timestamp() - midnight

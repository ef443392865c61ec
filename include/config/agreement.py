"""What spans several sections of a model file: columns that agree, nothing that leaks, metrics that fit the task.

Each fault starts with the dotted path of the key that it is about, by which the loader finds its line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from include.config import naming, personal, queries
from include.config.data import SNAPSHOT_DAY, TIME_DAY
from include.config.estimators import ESTIMATORS, known_estimators
from include.config.section import METRICS_OF, Task

if TYPE_CHECKING:
    from include.config.schema import ModelConfig

NUMERIC = ("integer", "number", "boolean")
TIMES = ("date", "timestamp")
BINARY_ONLY = ("expected_calibration_error", "selection_rate", "recall", "false_positive_rate")


class Disagreement(ValueError):
    """Faults between sections, one a line."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(self.faults))


def faults(config: ModelConfig) -> list[str]:
    """Every disagreement of the sections, each `path: what is wrong`."""
    return [fault for check in CHECKS for fault in check(config)]


def _declared(config: ModelConfig) -> Iterator[str]:
    data, features, release = config.data, config.features, config.release
    used = {
        "data.day": (data.day,),
        "data.time": _some(data.time),
        "data.key": data.key,
        "data.label": (data.label,),
        "data.known_afterwards": data.known_afterwards,
        "data.protected": data.protected,
        "data.personal": tuple(data.personal),
        "data.optional": data.optional,
        "features.numeric": features.numeric,
        "features.categorical": features.categorical,
        "features.target_encoded": features.target_encoded,
        "features.rates": tuple(column for rate in features.rates for column in rate.by),
        "features.time": tuple(feature.column for feature in features.time),
        "training.sample_weight": _some(config.training.sample_weight),
        "release.cluster_by": _some(release.cluster_by),
        "release.slices": tuple(item.column for item in release.slices),
    }
    for where, columns in used.items():
        for column in columns:
            if column not in data.columns:
                yield f"{where}: column {column!r} is not in data.columns"


def _leaks(config: ModelConfig) -> Iterator[str]:
    data, features = config.data, config.features
    afterwards = {data.label, *data.known_afterwards}
    for name in features.inputs:
        if name in afterwards:
            yield (
                f"features: {name!r} is known only afterwards (data.label or data.known_afterwards) and would leak the "
                "answer"
            )
        if name in data.protected:
            yield f"features: {name!r} is in data.protected and may not enter the model"
    if data.label in data.known_afterwards:
        yield f"data.known_afterwards: {data.label!r} is the label, which is known only afterwards anyway; remove it"
    if data.label in data.key:
        yield f"data.key: {data.label!r} is the label; a row must be named before its label is known"
    if config.training.sample_weight == data.label:
        yield f"training.sample_weight: {data.label!r} is the label"


def _features(config: ModelConfig) -> Iterator[str]:
    features, columns = config.features, config.data.columns
    if not features.names:
        yield "features: name at least one of numeric, categorical, target_encoded, rates or time"
    yield from (f"features: {name!r} is listed twice" for name in _doubles(features.names))
    for name in features.computed:
        if name in columns:
            place = "features.rates" if name in {rate.name for rate in features.rates} else "features.time"
            yield f"{place}: {name!r} is also a column of the data"
    for name in config.monitoring.expected_to_move:
        if name not in features.names:
            yield f"monitoring.expected_to_move: {name!r} is no feature of the model"


def _types(config: ModelConfig) -> Iterator[str]:
    data, columns = config.data, config.data.columns
    for name in config.features.numeric:
        if columns.get(name, "number") not in NUMERIC:
            yield f"features.numeric: {name!r} is declared {columns[name]}; numeric features are {_or(NUMERIC)}"
    for feature in config.features.time:
        if columns.get(feature.column, "date") not in TIMES:
            yield f"features.time: {feature.column!r} is declared {columns[feature.column]}, not {_or(TIMES)}"
    weight = config.training.sample_weight
    if weight and columns.get(weight, "number") not in NUMERIC:
        yield f"training.sample_weight: {weight!r} is declared {columns[weight]}; weights are {_or(NUMERIC)}"
    if columns.get(data.day) not in (None, "date") and naming.is_own(data.day):
        yield naming.refusal(data.day, columns[data.day], columns)
    elif columns.get(data.day) not in (None, "date"):
        hint = f"; for time stamps write time: {data.day} instead" if columns[data.day] == "timestamp" else ""
        yield f"data.day: column {data.day!r} must have type date, not {columns[data.day]}{hint}"
    if data.time and columns.get(data.time, "timestamp") != "timestamp":
        hint = f"; write day: {data.time} instead" if columns[data.time] == "date" else ""
        yield f"data.time: column {data.time!r} must have type timestamp, not {columns[data.time]}{hint}"
    if data.time and data.day != TIME_DAY:
        yield "data.time: give one of day and time; with time, the day is its calendar day"


def _stored_names(config: ModelConfig) -> Iterator[str]:
    """Names that a table can hold apart, and renamed columns of which one can be meant."""
    data = config.data
    folded: dict[str, str] = {}
    for name in data.columns:
        other = folded.setdefault(name.lower(), name)
        if other != name:
            yield (
                f"data.columns.{name}: {other!r} differs by case alone, which a table cannot hold apart; leave one "
                "out, or have the source give it another name"
            )
    for new, old in data.was.items():
        if new not in data.columns:
            yield f"data.was.{new}: column {new!r} is not in data.columns; the new name comes first: {{new: old}}"
        if old in data.columns:
            yield f"data.was.{new}: {old!r} is still in data.columns; a column has one name, so remove one of the two"
    for name in data.optional:
        if name in (data.day, data.time, data.label, *data.key):
            yield f"data.optional: {name!r} names, dates or labels a row, which no row can be without; remove it"
    yield from (f"data.was: {old!r} cannot become two columns" for old in _doubles(data.was.values()))


def _label(config: ModelConfig) -> Iterator[str]:
    data, kind = config.data, config.data.columns.get(config.data.label)
    yield from (f"data.classes: {name!r} is listed twice" for name in _doubles(data.classes))
    if config.task == "regression":
        if data.classes:
            yield "data.classes: a regression has none; remove them, or give task: binary or multiclass"
        if kind not in (None, "integer", "number"):
            yield f"data.label: {data.label!r} is declared {kind}; a regression predicts an integer or a number"
        return
    if config.task == "multiclass" and len(data.classes) < 3:
        yield f"data.classes: list the label's values, three or more for task multiclass; {len(data.classes)} given"
    if config.task == "binary" and data.classes and len(data.classes) != 2:
        yield (
            "data.classes: task binary has two, the second being the one whose probability is predicted; "
            f"{len(data.classes)} given"
        )
    if not data.classes and kind not in (None, "integer", "number", "boolean"):
        yield f"data.label: {data.label!r} is declared {kind}; list its two values in data.classes"
    if data.classes and kind in (None, "date", "timestamp", "number"):
        yield f"data.label: {data.label!r} is declared {kind}; classes are string, integer or boolean"
    wanted = {"string": str, "integer": int, "boolean": bool}.get(kind or "")
    for name in data.classes:
        if wanted and type(name) is not wanted:
            yield f"data.classes: {name!r} is no {kind}, as which {data.label!r} is declared; quote text in YAML"


def _candidates(config: ModelConfig) -> Iterator[str]:
    training = config.training
    names = _doubles(one.name for one in training.candidates)
    yield from (f"training.candidates: name {name!r} is used twice" for name in names)
    for index, candidate in enumerate(training.candidates):
        spec, where = ESTIMATORS[candidate.estimator], f"training.candidates.{index}.estimator"
        if config.task not in spec.tasks:
            allowed = ", ".join(known_estimators(config.task))
            yield f"{where}: {candidate.estimator} is for {_or(spec.tasks)}, not task {config.task}; use {allowed}"
        elif training.quantile is not None and spec.quantile is None:
            fitting = ", ".join(name for name in known_estimators(config.task) if ESTIMATORS[name].quantile is not None)
            yield f"{where}: {candidate.estimator} predicts no quantile (training.quantile); use {fitting}"
        if training.weighted and not spec.weights:
            yield f"{where}: {candidate.estimator} takes no weights; remove it, or the weights from training"
        if candidate.search is not None and training.train_days is not None:
            folds = candidate.search.folds
            needed = folds + config.data.nights_to_label
            if training.train_days < needed:
                yield (
                    f"training.candidates.{index}.search.folds: {folds} folds of whole days, each after days of known "
                    f"labels, take train_days of {needed} or more, not {training.train_days}"
                )
    if config.task != "regression" and training.quantile is not None:
        yield f"training.quantile: belongs to task regression, not {config.task}"
    if config.task == "regression" and training.class_weight is not None:
        yield "training.class_weight: a regression has no classes"


def _metrics(config: ModelConfig) -> Iterator[str]:
    release, request = config.release, config.monitoring.retrain_request
    named: list[tuple[str, str]] = [("training.select_by", config.training.select_by)]
    named += [(f"release.thresholds.{index}.metric", one.metric) for index, one in enumerate(release.thresholds)]
    named += [("release.against_champion.metric", release.against_champion.metric)]
    named += [(f"release.slices.{index}.metric", one.metric) for index, one in enumerate(release.slices)]
    named += [("monitoring.retrain_request.metric", request.metric)] if request else []
    for where, metric in named:
        allowed = (*METRICS_OF[config.task], *(BINARY_ONLY if config.task == "binary" else ()))
        if metric not in allowed:
            yield f"{where}: {metric!r} is no metric of task {config.task}; allowed are {', '.join(allowed)}"
        if metric == "mean_pinball_loss" and config.training.quantile is None:
            yield f"{where}: mean_pinball_loss is of a quantile; give training.quantile"


def _days(config: ModelConfig) -> Iterator[str]:
    """A model of days needs days to train on, and a snapshot has none."""
    training = config.training
    given = {
        name: getattr(training, name)
        for name in ("train_days", "validation_days", "holdout_days")
        if getattr(training, name) is not None
    }
    if config.data.snapshot:
        yield from (f"training.{name}: {SNAPSHOT} has no days; give training.split, or data.day" for name in given)
        yield from _snapshot(config)
        return
    for name in ("train_days", "validation_days", "holdout_days"):
        if name not in given:
            yield f"training.{name}: Field required: how many days"
    if training.split is not None:
        yield "training.split: rows with a day are split by time (train_days, validation_days, holdout_days)"


SNAPSHOT = "a table without data.day or data.time is a snapshot, which"


def _snapshot(config: ModelConfig) -> Iterator[str]:
    release, data = config.release, config.data
    if SNAPSHOT_DAY in data.key:
        yield f"data.key: {SNAPSHOT_DAY!r} changes every night, and a row must keep its key; remove it"
    if config.features.rates:
        yield f"features.rates: {SNAPSHOT} has no earlier days"
    if config.training.half_life_days is not None:
        yield f"training.half_life_days: {SNAPSHOT} has no earlier days"
    if data.labels is not None:
        yield f"data.labels: {SNAPSHOT} brings its labels along each night"
    if data.label_delay_days > 1:
        yield f"data.label_delay_days: {SNAPSHOT} is read with the labels of that night; leave it out"
    if release.rows == "clustered" and release.cluster_by is None:
        yield f"release.rows: {SNAPSHOT} has no days to cluster by; give rows: independent, or cluster_by"
    if release.evidence == "shadow":
        yield f"release.evidence: {SNAPSHOT} shows the same rows every night; a shadow needs new ones"
    if release.stale_champion and release.stale_champion.live_loss is not None:
        yield f"release.stale_champion.live_loss: {SNAPSHOT} shows the holdout's own rows every night"


CHECKS: tuple[Callable[[ModelConfig], Iterator[str]], ...] = (
    _declared,
    _leaks,
    _features,
    _types,
    _stored_names,
    _label,
    _candidates,
    _metrics,
    _days,
    naming.faults,
    queries.faults,
    personal.faults,
)


def _some(column: str | None) -> tuple[str, ...]:
    return (column,) if column else ()


def _doubles(names: Iterable[object]) -> list[object]:
    seen: set[object] = set()
    return list(dict.fromkeys(name for name in names if name in seen or seen.add(name)))  # type: ignore[func-returns-value]


def _or(names: tuple[str, ...] | tuple[Task, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"

"""What is the case, model by model: champion, last verdict, last night's rows, last look at drift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import Field

from include.config.loader import load_models
from include.config.schema import ModelConfig
from include.config.section import METRICS_OF, Task
from include.contracts import Contract, GateDecision, ReleaseEvent
from include.data import tables, windows
from include.errors import NightshiftError, PermanentError
from include.release import ledger, realign
from include.scoring import lacking, loader
from include.tracking import naming, registry, runs
from include.unforeseen import one_line

LOW, HIGH = "_low", "_high"
"""Ends of the names under which a night's run keeps a live metric's 95 % confidence limits."""


class ModelStatus(Contract):
    """One model, for `./nightshift status`; what has not happened yet is None or empty."""

    model: str
    task: Task = "binary"
    champion_version: int | None = None
    champion_since: datetime | None = None
    champion_trained_as_of: date | None = None
    champion_candidate: str | None = None
    holdout: dict[str, float] = Field(default_factory=dict)
    verdict: str | None = None
    verdict_version: int | None = None
    verdict_at: datetime | None = None
    verdict_reason: str | None = None
    next_step: str | None = None
    last_day: date | None = None
    last_day_validated: int = 0
    last_day_quarantined: int = 0
    days: int = 0
    rows_validated: int = 0
    rows_quarantined: int = 0
    rows_scored: int = 0
    last_day_scored: int = 0
    last_night: date | None = None
    drifted_columns: int | None = None
    compared_columns: int | None = None
    live: dict[str, float] = Field(default_factory=dict)
    live_limits: dict[str, tuple[float, float]] = Field(default_factory=dict)
    live_rows: int | None = None
    night_reasons: str | None = None
    lacking: tuple[str, ...] = ()
    """Features of the champion that the last validated day's rows do not bring any more, each with the way on."""
    file_faults: tuple[str, ...] = ()
    """What is wrong with the model file: no night runs for it, and its champion is served all the same."""
    unread: tuple[str, ...] = ()
    """What could not be read, each with the reason; the figures that it would give are absent."""


def statuses() -> list[ModelStatus]:
    """Status of every model file by name, those with faults too: what is stored of them is there all the same."""
    models, errors = load_models()
    faults = {Path(error.path).stem: tuple(error.faults) for error in errors}
    found = {name: _status(name, config) for name, config in models.items()}
    found |= {name: _status(name, None, faults[name]) for name in faults}
    return [found[name] for name in sorted(found)]


def status(config: ModelConfig) -> ModelStatus:
    """Status of one model, from its tables, the registry and the ledger."""
    return _status(config.name, config)


def _status(name: str, config: ModelConfig | None, faults: tuple[str, ...] = ()) -> ModelStatus:
    """What can be read of a model. What storage or registry refuse for good takes nothing else away.

    Raises TransientError where one of them does not answer.
    """
    events, unread = ledger.history(name), list[str]()
    task = config.task if config else None
    parts = _verdict(events)
    readers = {
        "champion": lambda: _champion(name, events) or _waiting(name, events, faults),
        "rows": lambda: _rows(name),
        "nights": lambda: _night(name, task),
        "features": lambda: _lacking(config, parts.get("champion_version"), parts.get("last_day")),
    }
    for what, read in readers.items():
        try:
            parts |= read()
        except (PermanentError, ValueError, KeyError) as error:
            unread.append(f"{what}: {one_line(error)}")
    kind = task or _task_of(parts.get("holdout", {}))
    return ModelStatus(model=name, task=kind, file_faults=faults, unread=tuple(unread), **parts)


def _task_of(holdout: Mapping[str, float]) -> Task:
    """The task whose metrics these are, of a model whose file does not say."""
    return max(METRICS_OF, key=lambda task: len(set(METRICS_OF[task]) & set(holdout)))


def _champion(model: str, events: Sequence[ReleaseEvent]) -> dict[str, Any]:
    version = registry.champion_version(model)
    wrong = realign.disagreement(model, version, ledger.champion(events)[0])
    if version is None:
        return {"next_step": wrong} if wrong else {}
    info = registry.version_info(model, version)
    placed = [event.at for event in events if event.champion_after == version != event.champion_before]
    return {
        "next_step": wrong or None,
        "champion_version": version,
        "champion_since": placed[-1] if placed else None,
        "champion_trained_as_of": info.tags.get("as_of"),
        "champion_candidate": info.tags.get("candidate"),
        "holdout": info.holdout,
    }


def _verdict(events: Sequence[ReleaseEvent]) -> dict[str, Any]:
    """The last promotion, refusal or rollback; an intention is none."""
    outcomes = [event for event in events if event.event != "intended"]
    if not outcomes:
        return {}
    last = outcomes[-1]
    return {
        "verdict": last.event,
        "verdict_version": last.version,
        "verdict_at": last.at,
        "verdict_reason": last.reason,
    }


def _waiting(model: str, events: Sequence[ReleaseEvent], faults: Sequence[str]) -> dict[str, Any]:
    """What a model without a champion waits for; a file with faults says so itself."""
    return {} if faults else {"next_step": _next_step(model, events)}


def _next_step(model: str, events: Sequence[ReleaseEvent]) -> str:
    """What leads to a first champion: what the refusal named, or the command that does what is missing."""
    outcomes = [event for event in events if event.event != "intended"]
    if not outcomes or outcomes[-1].event != "refused":
        return f"./nightshift demo {model}"
    try:
        run_id = registry.version_info(model, outcomes[-1].version).mlflow_run_id
        decision = GateDecision.from_json(runs.load_json(run_id, "gates/decision.json"))
    except NightshiftError:
        return f"train a version whose record can be read: ./nightshift demo {model}"
    if decision.verdict == "promote":
        return f"the gates let it through, and a person is asked again: ./nightshift train {model}"
    return decision.next_step or f"it was judged by other rules than today's; again: ./nightshift demo {model}"


def _rows(model: str) -> dict[str, Any]:
    validated = tables.read(model, "validated", ["day"])["day"].value_counts()
    quarantined = tables.read(model, "quarantine", ["day"])["day"].value_counts()
    scored = tables.read(model, "predictions", ["day"], where={"role": naming.CHAMPION})["day"].value_counts()
    if validated.empty:
        return {"rows_quarantined": int(quarantined.sum())}
    last = max(validated.index)
    return {
        "last_day": date.fromisoformat(last),
        "last_day_validated": int(validated[last]),
        "last_day_quarantined": int(quarantined.get(last, 0)),
        "days": len(validated),
        "rows_validated": int(validated.sum()),
        "rows_quarantined": int(quarantined.sum()),
        "rows_scored": int(scored.sum()),
        "last_day_scored": int(scored.get(last, 0)),
    }


def _night(model: str, task: Task | None) -> dict[str, Any]:
    newest = runs.newest_run(naming.monitoring_experiment(model))
    if newest is None:
        return {}
    metrics, tags = newest
    live = naming.of_split(metrics, "live")
    known = METRICS_OF[task or _task_of(live)]
    return {
        "last_night": tags.get("key"),
        "drifted_columns": _count(metrics, "drifted_columns"),
        "compared_columns": _count(metrics, "compared_columns"),
        "live": {name: value for name, value in live.items() if name in known},
        "live_limits": {name: (live[name + LOW], live[name + HIGH]) for name in known if name + HIGH in live},
        "live_rows": _count(metrics, "live_rows"),
        "night_reasons": tags.get("reasons"),
    }


def _lacking(config: ModelConfig | None, version: int | None, day: date | None) -> dict[str, Any]:
    """What the champion was trained with and the rows of `day` do not have; nothing for a file with faults."""
    if config is None or version is None or day is None:
        return {}
    declared = loader.training(config.name, version).config
    recent = windows.read_rows(declared, lacking.recent_days(day), day + timedelta(days=1))
    rows = recent[recent[declared.data.day].dt.date == day]
    return {"lacking": lacking.sentences(config, naming.CHAMPION, version, declared, rows, recent)}


def _count(metrics: Mapping[str, float], name: str) -> int | None:
    return int(metrics[name]) if name in metrics else None

"""From nothing to a released model on real data: what `make demo` does after the environment is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Protocol

from include import clock
from include.config import environment
from include.config.loader import find_model
from include.config.schema import ModelConfig
from include.contracts import DayRange
from include.data import outcomes, windows
from include.data.gaps import find_gaps, may_miss
from include.data.newest import find_newest
from include.data.windows import history_days
from include.local import instance, services
from include.local.airflow_api import DagRun
from include.local.instance import Instance
from include.validation.inspection import listed

Say = Callable[[str], None]
ASSET_SECONDS = 15
"""How long the scheduler may take to start what an asset wakes."""
MOST_NAMED = 5
"""Days that are named where some are missing."""
SUFFIXES = ("ingest", "score", "monitor", "retrain", "rollback")


class Runs(Protocol):
    """What the stages ask of Airflow."""

    def trigger(self, dag_id: str, conf: dict[str, Any] | None = None) -> DagRun: ...
    def follow(self, run: DagRun, say: Say) -> DagRun: ...
    def runs(self, dag_id: str, limit: int = 20) -> list[DagRun]: ...


def demo(model: str, say: Say) -> Instance:
    """Start the services, load the history, train, score and monitor; skip what has been done before.

    Safe to interrupt and to repeat: every step looks at the tables and the registry first.
    """
    config = find_model(model)
    model = config.name
    started = time.monotonic()
    found = instance.find() if environment.in_containers() else instance.local(services.up(say))
    api = instance.api_of(found)
    suffixes = (*SUFFIXES, "shadow") if config.release.evidence == "shadow" else SUFFIXES
    api.wait_for_dags({f"{model}__{suffix}" for suffix in suffixes}, say)
    for suffix in suffixes:
        api.unpause(f"{model}__{suffix}")
    _took(say, "services", started)
    run_stages(api, config, say)
    return found


def run_stages(api: Runs, config: ModelConfig, say: Say) -> date:
    """Load the history, train, score and monitor as of the newest night that the source has rows for; return it.

    Raises PermanentError where a run fails: what the source gave is refused beyond `training.max_missing_share`, say.
    """
    newest = find_newest(config)
    night, place = newest.night, config.data.source.place
    if night < clock.today(config.schedule.timezone):
        say(f"{place} ends on {night - timedelta(days=1)}: all is done as on the night of {night}")
    if newest.apart:
        say(f"rows of {listed(newest.apart)} lie apart from all others and are left out: are their dates right?")
    for stage, act in (("history", _history), ("release", _release), ("scores and drift", _score_and_monitor)):
        started = time.monotonic()
        act(api, config, night, say)
        _took(say, stage, started)
    return night


def _history(api: Runs, config: ModelConfig, night: date, say: Say) -> None:
    """Load the days that nobody has asked for yet, and those refused before where training cannot do without them."""
    days = history_days(config, night)
    lost = _lost_days(config, days)
    asked = outcomes.between(config.name, days.start, days.end)
    wanted = tuple(day for day in lost if day not in asked)
    if not may_miss(config, len(lost), days.days):
        wanted = lost
    if wanted:
        say(f"loading {wanted[0]} to {wanted[-1]}")
        conf = {"start": wanted[0].isoformat(), "end": wanted[-1].isoformat()}
        api.follow(api.trigger(f"{config.name}__ingest", conf), say)
        lost, asked = _lost_days(config, days), outcomes.between(config.name, days.start, days.end)
    say(f"{days.days - len(lost)} of {days.days} days of history are there")
    if lost:
        say(f"without {listed(lost)}; allowed are {config.training.max_missing_share:.0%} (training.max_missing_share)")
    for day in lost[:MOST_NAMED]:
        say(f"  {day}: {'; '.join(asked[day].reasons) if day in asked else 'not loaded'}")


def _lost_days(config: ModelConfig, days: DayRange) -> tuple[date, ...]:
    return find_gaps(config, days, windows.validated_days(config, days)).days


def _release(api: Runs, config: ModelConfig, night: date, say: Say) -> None:
    from include.tracking import registry

    if version := registry.champion_version(config.name):
        say(f"version {version} is champion already; a new night: ./nightshift train {config.name}")
        return
    api.follow(api.trigger(f"{config.name}__retrain", {"as_of": night.isoformat()}), say)


def _score_and_monitor(api: Runs, config: ModelConfig, night: date, say: Say) -> None:
    """Score what is unscored, then wait for the look that the scores' asset starts; else start it by hand."""
    from include.tracking import naming, registry, runs

    if registry.champion_version(config.name) is None:
        say("nothing is scored before a version is released")
        return
    seen = {run.run_id for run in api.runs(f"{config.name}__monitor")}
    api.follow(api.trigger(f"{config.name}__score", _asked(config, night)), say)
    deadline = time.monotonic() + ASSET_SECONDS
    while time.monotonic() < deadline:
        if woken := [run for run in api.runs(f"{config.name}__monitor") if run.run_id not in seen]:
            api.follow(woken[0], say)
            break
        time.sleep(1)
    newest = runs.newest_run(naming.monitoring_experiment(config.name))
    if newest is None or newest[1].get("key") != night.isoformat():
        alive = night >= clock.today(config.schedule.timezone)  # nobody is woken for a record of the past
        api.follow(api.trigger(f"{config.name}__monitor", {"night": night.isoformat(), "tell": alive}), say)


def _asked(config: ModelConfig, night: date) -> dict[str, str]:
    """Which days to score: by themselves the nights look at the newest ones alone, which a source may not have.

    Days that the champion was trained or chosen on are left out, as the nights do: there its scores flatter it.
    """
    if night >= clock.today(config.schedule.timezone):
        return {}
    unseen = windows.training_windows(config, night).holdout.start
    first = max(unseen, night - timedelta(days=config.scoring.lookback_days))
    return {"start": first.isoformat(), "end": (night - timedelta(days=1)).isoformat()}


def _took(say: Say, stage: str, started: float) -> None:
    say(f"{stage}: {time.monotonic() - started:.0f} s")

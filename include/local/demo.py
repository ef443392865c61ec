"""From nothing to a released model on real data: what `make demo` does after the environment is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from include.config.loader import find_model
from include.config.schema import ModelConfig
from include.data import windows
from include.data.newest import newest_night
from include.data.windows import history_days
from include.local import instance, services
from include.local.airflow_api import AirflowApi
from include.local.settings import USER, LocalSettings

Say = Callable[[str], None]
ASSET_SECONDS = 15
"""How long the scheduler may take to start what an asset wakes."""
SUFFIXES = ("ingest", "score", "monitor", "retrain", "rollback")


def demo(model: str, say: Say) -> LocalSettings:
    """Start the services, load the history, train, score and monitor; skip what has been done before.

    Safe to interrupt and to repeat: every step looks at the tables and the registry first.
    """
    config = find_model(model)
    model = config.name
    started = time.monotonic()
    settings = services.up(say)
    instance.point_at(settings)
    api = AirflowApi(settings.airflow_url, USER, settings.secrets.password)
    suffixes = (*SUFFIXES, "shadow") if config.release.evidence == "shadow" else SUFFIXES
    api.wait_for_dags({f"{model}__{suffix}" for suffix in suffixes}, say)
    for suffix in suffixes:
        api.unpause(f"{model}__{suffix}")
    _took(say, "services", started)
    night = newest_night(config)
    if night < datetime.now(ZoneInfo(config.schedule.timezone)).date():
        say(f"{config.data.source.place} ends on {night - timedelta(days=1)}: all is done as on the night of {night}")
    for stage, act in (("history", _history), ("release", _release), ("scores and drift", _score_and_monitor)):
        started = time.monotonic()
        act(api, config, night, say)
        _took(say, stage, started)
    return settings


def _history(api: AirflowApi, config: ModelConfig, night: date, say: Say) -> None:
    days = history_days(config, night)
    there = windows.validated_days(config, days)
    missing = [day for offset in range(days.days) if (day := days.start + timedelta(days=offset)) not in there]
    if not missing:
        say(f"{days.days} days of history are there")
        return
    conf = {"start": missing[0].isoformat(), "end": missing[-1].isoformat()}
    say(f"loading {missing[0]} to {missing[-1]}")
    api.follow(api.trigger(f"{config.name}__ingest", conf), say)


def _release(api: AirflowApi, config: ModelConfig, night: date, say: Say) -> None:
    from include.tracking import registry

    if version := registry.champion_version(config.name):
        say(f"version {version} is champion already; a new night: ./nightshift train {config.name}")
        return
    api.follow(api.trigger(f"{config.name}__retrain", {"as_of": night.isoformat()}), say)


def _score_and_monitor(api: AirflowApi, config: ModelConfig, night: date, say: Say) -> None:
    """Score what is unscored, then wait for the look that the scores' asset starts; else start it by hand."""
    from include.tracking import naming, runs

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
        api.follow(api.trigger(f"{config.name}__monitor", {"night": night.isoformat()}), say)


def _asked(config: ModelConfig, night: date) -> dict[str, str]:
    """Which days to score: by themselves the nights look at the newest ones alone, which a source may not have.

    Days that the champion was trained or chosen on are left out, as the nights do: there its scores flatter it.
    """
    if night >= datetime.now(ZoneInfo(config.schedule.timezone)).date():
        return {}
    unseen = windows.training_windows(config, night).holdout.start
    first = max(unseen, night - timedelta(days=config.scoring.lookback_days))
    return {"start": first.isoformat(), "end": (night - timedelta(days=1)).isoformat()}


def _took(say: Say, stage: str, started: float) -> None:
    say(f"{stage}: {time.monotonic() - started:.0f} s")

"""A registry to break: PostgreSQL and MLflow alone, in a folder of their own, and versions of one small model.

A trigger in MLflow's database writes down every change of an alias, so that what was served at each instant is known
from the database itself, whoever looked when.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import psycopg2
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline, make_pipeline

from include.config import environment
from include.config.schema import ModelConfig
from include.contracts import CandidateResult, DayRange, GateDecision, Holdout, RunContext, Selection, Windows
from include.data.locks import SCHEME
from include.local import postgres
from include.local.settings import LocalSettings, component_environment, load_settings
from include.tracking import registry, runs

MODEL = "parcels"
FIRST_NIGHT = date(2024, 3, 1)
START_SECONDS, STOP_SECONDS = 120, 15
INHERITED = ("MLFLOW_TRACKING_URI", "NIGHTSHIFT_STATE", "NIGHTSHIFT_LOCK_DATABASE", "NIGHTSHIFT_DATABASE")
AUDIT = """
CREATE TABLE alias_moves (number bigserial PRIMARY KEY, alias text, what text, before int, after int);
CREATE FUNCTION note_alias_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO alias_moves (alias, what, before, after)
  VALUES (coalesce(NEW.alias, OLD.alias), TG_OP, OLD.version, NEW.version);
  RETURN NULL;
END $$;
CREATE TRIGGER note_alias_move AFTER INSERT OR UPDATE OR DELETE ON registered_model_aliases
FOR EACH ROW EXECUTE FUNCTION note_alias_move();
"""


@dataclass
class Registry:
    """A started registry, and the context that its versions are registered in."""

    variables: dict[str, str]
    template: RunContext
    model_uri: str
    registered: int = 0

    def add_version(self) -> int:
        """Register the small model once more, as the next night's run; return the version's number."""
        context = self.context(self.registered + 1)
        chosen = CandidateResult(
            name="constant",
            index=0,
            mlflow_run_id=context.mlflow_run_id,
            model_uri=self.model_uri,
            metrics={},
            fit_seconds=0.0,
        )
        selection = Selection(chosen=chosen, metric="roc_auc", ranking=(("constant", 0.5),), reason="the only one.")
        version = registry.register(context, selection, Holdout(rows=1, days=1, metrics={}, baseline={})).version
        self.registered += 1
        if version != self.registered:
            raise RuntimeError(f"version {version} was registered, expected {self.registered}")
        return version

    def context(self, version: int) -> RunContext:
        """The run that registers `version`: a night of its own, with data of its own."""
        return self.template.model_copy(
            update={
                "airflow_run_id": f"night-{version}",
                "as_of": FIRST_NIGHT + timedelta(days=version),
                "data_hash": f"data-{version}",
                "data_version": version,
            }
        )

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask MLflow's database."""
        with closing(
            psycopg2.connect(SCHEME.sub("postgresql://", self.variables["NIGHTSHIFT_LOCK_DATABASE"]))
        ) as asked:
            asked.autocommit = True
            with asked.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []


def decision(version: int, champion: int | None) -> GateDecision:
    """A verdict that lets `version` through, gated against `champion`."""
    first = champion is None
    return GateDecision(
        model=MODEL, version=version, champion_version=champion, verdict="promote", first_release=first, gates=()
    )


@contextmanager
def started(state: Path) -> Iterator[Registry]:
    """Start both servers with an empty registry in `state`; stop them and restore the environment at the end."""
    kept = dict(os.environ)
    os.environ["NIGHTSHIFT_STATE"] = str(state)
    for name in ("NIGHTSHIFT_TABLES", "NIGHTSHIFT_DATABASE", "MLFLOW_TRACKING_URI"):
        os.environ.pop(name, None)
    settings = load_settings(starting=True)
    server = None
    try:
        postgres.start(settings)
        made = component_environment(settings)
        os.environ |= {name: made[name] for name in INHERITED}
        server = _start_mlflow(settings, made)
        found = _fill({name: made[name] for name in INHERITED})
        found.query(AUDIT)
        yield found
    finally:
        if server is not None:
            _stop(server)
        postgres.stop(settings.state)
        os.environ.clear()
        os.environ.update(kept)


def _start_mlflow(settings: LocalSettings, made: dict[str, str]) -> subprocess.Popen[bytes]:
    """The command of the Procfile, without the process that keeps it running."""
    lines = (environment.REPOSITORY / "Procfile").read_text().splitlines()
    [line] = [line for line in lines if line.startswith("mlflow: ")]
    words = shlex.split(line.rpartition(" -- ")[2])
    command = [made[word.removeprefix("$")] if word.startswith("$") else word for word in words]
    variables = os.environ | made | {"MLFLOW_BACKEND_STORE_URI": made["NIGHTSHIFT_MLFLOW_DATABASE"]}
    with (settings.state / "logs" / "mlflow.log").open("wb") as log:
        server = subprocess.Popen(command, env=variables, stdout=log, stderr=log, start_new_session=True)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(f"{settings.mlflow_url}/health", timeout=2).is_success:
                return server
        except httpx.HTTPError:
            time.sleep(0.1)
    _stop(server)
    raise RuntimeError(f"MLflow did not start:\n{(settings.state / 'logs' / 'mlflow.log').read_text()[-3000:]}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    """End the server and the workers of its session."""
    if server.poll() is None:
        server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _fill(variables: dict[str, str]) -> Registry:
    """Log the one model that all versions are of."""
    config = ModelConfig.model_validate(
        {
            "name": MODEL,
            "description": "Will a parcel be late?",
            "owner": "benchmarks",
            "task": "binary",
            "data": {
                "source": {"kind": "python", "module": "flights"},
                "day": "sent",
                "key": ["sent", "number"],
                "label": "late",
                "label_delay_days": 1,
                "columns": {"sent": "date", "number": "integer", "weight": "number", "late": "integer"},
            },
            "features": {"numeric": ["weight"]},
            "training": {
                "train_days": 1,
                "validation_days": 1,
                "holdout_days": 1,
                "candidates": [{"name": "constant", "estimator": "DummyClassifier"}],
            },
        }
    )
    opened = runs.open_run_in(MODEL, "benchmark", name="benchmark")
    frame = pd.DataFrame({"weight": [0.0, 1.0, 2.0, 3.0]})
    pipeline: Pipeline = make_pipeline(make_column_transformer(("passthrough", ["weight"])), DummyClassifier())
    pipeline.fit(frame, [0, 1, 0, 1])
    uri = runs.log_model(
        opened.run_id, opened.experiment_id, "constant", pipeline, config=config, frame=frame, trusted_types=()
    )
    day = DayRange(start=FIRST_NIGHT, end=FIRST_NIGHT)
    template = RunContext(
        model=MODEL,
        airflow_run_id="",
        as_of=FIRST_NIGHT,
        mlflow_run_id=opened.run_id,
        experiment_id=opened.experiment_id,
        config_hash="benchmark",
        data_version=0,
        data_hash="",
        rows=0,
        windows=Windows(train=day, validation=day, holdout=day),
        champion_version=None,
        git_sha="",
        lock_hash="",
    )
    return Registry(variables, template, uri)

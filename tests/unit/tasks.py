"""Small served models of the other tasks and of a snapshot: rows in Delta, two versions each in a real MLflow.

Three classes by days, values by days, and a table without days, of which every night reads all rows again. The rows'
columns drive the label, so that a fitted model is better than chance; versions are registered without the training
room's tasks, for these tests are about the nights afterwards.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from include.config.schema import ModelConfig
from include.contracts import CandidateResult, Holdout, Selection

AS_OF, NIGHT = date(2024, 3, 1), date(2024, 3, 5)
FIRST = date(2024, 2, 1)
A_DAY, MEMBERS = 90, 900
CLASSES = ("<b>red", "green", "blue")


def _config(name: str, **parts: Any) -> ModelConfig:
    data = {"source": {"kind": "files", "path": "rows/*.csv", "format": "csv"}, **parts.pop("data")}
    return ModelConfig.model_validate(
        {
            "name": name,
            "description": "A model of the tests.",
            "owner": "tests",
            "data": data,
            "features": {"numeric": ["size", "age"], "categorical": ["depot"]},
            "scoring": {"lookback_days": 4},
            **parts,
        }
    )


_FEATURES = {"size": "number", "age": "number", "depot": "string"}
_DAYS = {"train_days": 12, "validation_days": 4, "holdout_days": 8}


def _training(estimator: str, **parts: Any) -> dict[str, Any]:
    return {**parts, "candidates": [{"name": "only", "estimator": estimator}]}


CONFIGS = {
    config.name: config
    for config in (
        _config(
            "colours",
            task="multiclass",
            data={
                "day": "sent",
                "key": ["sent", "number"],
                "label": "colour",
                "classes": list(CLASSES),
                "columns": {"sent": "date", "number": "integer", **_FEATURES, "colour": "string"},
            },
            training=_training("LogisticRegression", **_DAYS),
            monitoring={"retrain_request": {"max": 1.0, "nights": 3, "min_rows": 200}},
        ),
        _config(
            "meters",
            task="regression",
            data={
                "day": "sent",
                "key": ["sent", "number"],
                "label": "use",
                "columns": {"sent": "date", "number": "integer", **_FEATURES, "use": "number"},
            },
            training=_training("Ridge", **_DAYS),
            monitoring={"retrain_request": {"max": 1.0, "nights": 3, "min_rows": 200}},
        ),
        _config(
            "members",
            task="binary",
            data={
                "key": ["member"],
                "label": "left",
                "classes": ["no", "yes"],
                "columns": {"member": "string", **_FEATURES, "left": "string"},
            },
            training=_training("LogisticRegression"),
            release={"rows": "independent"},
            monitoring={"retrain_request": {"min": 0.6, "min_rows": 100}},
        ),
    )
}


def days_before(night: date, count: int) -> list[date]:
    return [night - timedelta(days=step) for step in range(count, 0, -1)]


def rows_of(config: ModelConfig, days: Sequence[date], seed: int = 3) -> pd.DataFrame:
    """Rows as they were validated; the same for the same days and seed."""
    from include.data import windows

    rng = np.random.default_rng(seed)
    number = MEMBERS if config.data.snapshot else len(days) * A_DAY
    frame = pd.DataFrame({"size": rng.normal(size=number), "age": rng.normal(size=number)})
    frame["depot"] = rng.choice(["north", "south", "<i>east"], number)
    drive = 1.5 * frame["size"] + (frame["depot"] == "north") + rng.normal(size=number)
    if config.data.snapshot:
        frame[config.data.day] = np.repeat(list(days), number // len(days))
        frame["member"] = [f"m{index:05d}" for index in range(number)]
    else:
        frame["sent"], frame["number"] = np.repeat(list(days), A_DAY), np.arange(number)
    frame[config.data.label] = {
        "binary": np.where(drive > 0.5, "yes", "no"),
        "multiclass": np.array(CLASSES)[np.digitize(drive, [-0.5, 1.0])],
        "regression": drive,
    }[config.task]
    return frame.assign(row_key=windows.row_keys(config, frame))


def write(config: ModelConfig, frame: pd.DataFrame, days: Sequence[date]) -> None:
    """Replace these days of the validated table."""
    from include.data import tables, windows

    schema = tables.schema_for(config.data.columns).append(pa.field("row_key", pa.string()))
    tables.replace_days(config.name, windows.VALIDATED, frame, frame[config.data.day], days, schema)


def write_snapshot(config: ModelConfig, day: date, frame: pd.DataFrame | None = None) -> None:
    """The whole table again, as the night after `day` reads it."""
    rows = rows_of(config, [day]) if frame is None else frame
    write(config, rows.assign(**{config.data.day: day}), [day])


def enter(patch: pytest.MonkeyPatch, folder: Path) -> None:
    patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
    patch.setenv("NIGHTSHIFT_STATE", str(folder))
    patch.setenv("NIGHTSHIFT_TABLES", str(folder / "tables"))
    patch.setenv("NIGHTSHIFT_GIT_SHA", "c" * 40)
    patch.chdir(folder)


@pytest.fixture(scope="session")
def _of_tasks(_migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tasks")
    shutil.copy(_migrated, folder / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        enter(patch, folder)
        for config in CONFIGS.values():
            if config.data.snapshot:
                for day in days_before(NIGHT, 5):
                    write_snapshot(config, day)
            else:
                days = days_before(NIGHT, (NIGHT - FIRST).days)
                write(config, rows_of(config, days), days)
            for night in (AS_OF, AS_OF + timedelta(days=1)):
                register(config, night)
    return folder


@pytest.fixture
def of_tasks(_of_tasks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, ModelConfig]]:
    """The models by name; version 1 of each is champion, version 2 its challenger. State of the test's own."""
    from include.tracking import registry

    shutil.copy(_of_tasks / "mlflow.db", tmp_path / "mlflow.db")
    shutil.copytree(_of_tasks / "tables", tmp_path / "tables")
    enter(monkeypatch, tmp_path)
    for name in CONFIGS:
        registry.set_champion(name, 1, None)
    yield CONFIGS


def register(config: ModelConfig, night: date) -> None:
    """Fit the only candidate as of `night` and register it."""
    from include.data import splits, windows
    from include.tracking import registry, runs
    from include.training import jobs
    from include.training.estimators import skops_trusted_types
    from include.training.fit import fit

    context = jobs.open_run(config, night, f"run-{config.name}-{night}", "http://localhost/run")
    rows = windows.read_rows(config, context.windows.whole, night, context.data_version)
    train = splits.of_days(config, rows, context.windows.train, "train")
    candidate = config.training.candidates[0]
    run = runs.open_candidate_run(context, config, candidate.name)
    fitted = fit(config, candidate, train, threads=1).pipeline
    trusted = [*skops_trusted_types(candidate.estimator), "numpy.dtype"]
    uri = runs.log_model(
        run.run_id, run.experiment_id, candidate.name, fitted, config=config, frame=train, trusted_types=trusted
    )
    chosen = CandidateResult(
        name=candidate.name, index=0, mlflow_run_id=run.run_id, model_uri=uri, metrics={}, fit_seconds=0.1
    )
    runs.finish_candidate(run.run_id, chosen)
    selection = Selection(chosen=chosen, metric="made up", ranking=((candidate.name, 0.8),), reason="the only one.")
    registry.register(context, selection, Holdout(rows=100, days=1, metrics={}, baseline={}))

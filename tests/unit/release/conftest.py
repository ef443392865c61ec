"""A world for releases: a small model's rows in Delta and three registered versions in a real MLflow, built once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from include.config.schema import ModelConfig
from include.contracts import GateDecision, GateResult, Holdout, RegisteredVersion, ReleaseEvent, RunContext, Selection
from tests.unit.parcels import HOLDOUT_DAYS, MODEL, parcels

AS_OF = date(2024, 3, 1)
ROWS_A_DAY = 60
CANDIDATES = ("weak", "good", "good")


@pytest.fixture(scope="session")
def config() -> ModelConfig:
    return parcels()


@dataclass(frozen=True)
class World:
    """Context and version of each night, oldest first: version 1 knows nothing, 2 and 3 are equally good."""

    nights: tuple[tuple[RunContext, RegisteredVersion], ...]
    folder: Path

    def night(self, version: int, champion: int | None) -> tuple[RunContext, RegisteredVersion]:
        """The night that made `version`, as if `champion` had been served when it opened."""
        context, registered = self.nights[version - 1]
        return context.model_copy(update={"champion_version": champion}), registered


@pytest.fixture(scope="session")
def _built(config: ModelConfig, _migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("releases")
    shutil.copy(_migrated, folder / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        _enter(patch, folder)
        patch.chdir(folder)
        _write_rows(config)
        nights = tuple(_train(config, AS_OF + timedelta(days=offset), name) for offset, name in enumerate(CANDIDATES))
    return World(nights, folder)


@pytest.fixture
def world(_built: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A copy of the database and the tables of the test's own; artefacts of the runs are shared."""
    shutil.copy(_built.folder / "mlflow.db", tmp_path / "mlflow.db")
    shutil.copytree(_built.folder / "tables", tmp_path / "tables")
    _enter(monkeypatch, tmp_path)
    yield World(_built.nights, tmp_path)


@pytest.fixture(scope="session")
def trial_config(config: ModelConfig) -> ModelConfig:
    """The same model, whose versions go on trial; its nights are small."""
    shadow = {"min_rows": 50, "max_nights": 40}
    release = {**config.release.model_dump(), "evidence": "shadow", "shadow": shadow}
    return ModelConfig.model_validate({**config.model_dump(), "release": release})


@pytest.fixture(scope="session")
def _built_for_trials(trial_config: ModelConfig, _migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("trials")
    shutil.copy(_migrated, folder / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        _enter(patch, folder)
        patch.chdir(folder)
        _write_rows(trial_config, last=50)
        dated = [(AS_OF + timedelta(days=offset), name) for offset, name in enumerate(CANDIDATES)]
        nights = tuple(_train(trial_config, as_of, name) for as_of, name in dated)
    return World(nights, folder)


@pytest.fixture
def trial_world(_built_for_trials: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """As `world`, with seven weeks of labelled rows after the last version, which is the challenger."""
    shutil.copy(_built_for_trials.folder / "mlflow.db", tmp_path / "mlflow.db")
    shutil.copytree(_built_for_trials.folder / "tables", tmp_path / "tables")
    _enter(monkeypatch, tmp_path)
    yield World(_built_for_trials.nights, tmp_path)


@pytest.fixture
def passed() -> Callable[[int, int | None], GateDecision]:
    """A decision that lets a version through."""

    def decision(version: int, champion: int | None) -> GateDecision:
        gate = GateResult(name="holdout_rows", passed=True, value=480.0, bound=200.0, sentence="Enough rows.")
        return GateDecision(
            model=MODEL,
            version=version,
            champion_version=champion,
            verdict="promote",
            first_release=champion is None,
            gates=(gate,),
        )

    return decision


@pytest.fixture
def event() -> Callable[..., ReleaseEvent]:
    """A ledger line, with what the test says about it."""

    def make(**said: object) -> ReleaseEvent:
        usual: dict[str, object] = {
            "at": datetime.now(UTC),
            "model": MODEL,
            "event": "intended",
            "version": 2,
            "champion_before": 1,
            "champion_after": 2,
            "actor": "schedule",
            "reason": "every gate passed",
            "airflow_run_id": "run-2",
        }
        return ReleaseEvent.model_validate({**usual, **said})

    return make


def _enter(patch: pytest.MonkeyPatch, folder: Path) -> None:
    patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
    patch.setenv("NIGHTSHIFT_STATE", str(folder))
    patch.setenv("NIGHTSHIFT_TABLES", str(folder / "tables"))
    patch.setenv("NIGHTSHIFT_GIT_SHA", "c" * 40)


def _write_rows(config: ModelConfig, last: int = 3) -> None:
    """Thirty days before the first night and `last` after; `queue` of a day has a level of its own, as real days do."""
    from include.data import tables, windows

    rng = np.random.default_rng(3)
    days = [AS_OF + timedelta(days=offset) for offset in range(-30, last)]
    count = len(days) * ROWS_A_DAY
    frame = pd.DataFrame({"sent": np.repeat(days, ROWS_A_DAY), "number": np.arange(count)})
    frame["weight"] = rng.normal(size=count)
    frame["queue"] = rng.normal(size=count) + np.repeat(rng.normal(scale=0.5, size=len(days)), ROWS_A_DAY)
    chance = 1 / (1 + np.exp(-(1.5 * frame["weight"] + frame["queue"] - 0.5)))
    frame["depot"] = np.where(frame["number"] % 3 == 0, "north", "south")
    frame["late"] = (rng.random(count) < chance).astype(int)
    frame["row_key"] = windows.row_keys(config, frame)
    schema = tables.schema_for(config.data.columns).append(pa.field("row_key", pa.string()))
    tables.replace_days(config.name, windows.VALIDATED, frame, frame["sent"], days, schema)


def _train(config: ModelConfig, as_of: date, candidate: str) -> tuple[RunContext, RegisteredVersion]:
    from include.tracking import registry
    from include.training import jobs

    context = jobs.open_run(config, as_of, f"run-{as_of}", "http://localhost/run")
    chosen = jobs.train_candidate(context, candidate)
    selection = Selection(chosen=chosen, metric="roc_auc", ranking=((candidate, 0.7),), reason="the only one.")
    holdout = Holdout(rows=HOLDOUT_DAYS * ROWS_A_DAY, days=HOLDOUT_DAYS, metrics={"roc_auc": 0.7}, baseline={})
    return context, registry.register(context, selection, holdout)

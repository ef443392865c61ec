"""Shared by the unit tests of several rooms: a real MLflow, one for each test, without a server."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def _migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty MLflow database, migrated once: it takes seconds."""
    from mlflow import MlflowClient

    database = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(f"sqlite:///{database}").search_experiments()
    return database


@pytest.fixture
def mlflow_uri(_migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A real MLflow of the test's own: SQLite and artefacts in its folder; returns the tracking address."""
    database = tmp_path / "mlflow.db"
    shutil.copy(_migrated, database)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
    monkeypatch.chdir(tmp_path)
    return f"sqlite:///{database}"

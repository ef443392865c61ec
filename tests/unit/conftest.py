"""Shared by the unit tests of several rooms: a real MLflow without a server, and a small model of sales."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from include.config.loader import parse_model
from include.config.schema import ModelConfig

SOLD = {"sold_on": "date", "shop": "string", "units": "integer", "price": "number", "returned": "integer"}


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


@pytest.fixture(scope="session")
def sales() -> Callable[..., ModelConfig]:
    """`sales({"kind": ...}, day=..., ...)`: the model with that source and section `data`."""

    def make(
        source: dict[str, Any], zone: str = "UTC", sections: dict[str, Any] | None = None, **data: Any
    ) -> ModelConfig:
        dated = "day" in data or "time" in data
        columns = {name: kind for name, kind in SOLD.items() if dated or name != "sold_on"}
        days = {"train_days": 20, "validation_days": 5, "holdout_days": 5} if dated else {}
        candidate = {"name": "trees", "estimator": "HistGradientBoostingClassifier"}
        content: dict[str, Any] = {
            "name": "sales",
            "description": "Chance that a sale comes back.",
            "owner": "shop",
            "task": "binary",
            "schedule": {"timezone": zone},
            "data": {"key": ["shop"], "label": "returned", "columns": columns, **data, "source": source},
            "features": {"numeric": ["units", "price"]},
            "training": {"candidates": [candidate], **days},
            "release": {"rows": "clustered" if dated else "independent"},
        }
        return parse_model(content | (sections or {}), "sales.yaml")

    return make

"""The real Airflow on SQLite, in this process, and the real MLflow on SQLite; a smaller window of the real flights."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, smaller_model: Callable[..., Path]) -> Iterator[Path]:
    """An Airflow database, an empty registry and empty tables, for the tests of one file in their order."""
    from airflow.utils.db import initdb

    folder = tmp_path_factory.mktemp("world")
    tracking = f"sqlite:///{folder}/mlflow.db"
    connection = {"conn_type": "http", "host": "-", "extra": {"tracking_uri": tracking, "ui_url": "http://mlflow"}}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("NIGHTSHIFT_STATE", str(folder))
        patch.setenv("NIGHTSHIFT_MODELS", str(smaller_model(folder / "models")))
        patch.setenv("MLFLOW_TRACKING_URI", tracking)
        patch.setenv("AIRFLOW_CONN_MLFLOW", json.dumps(connection))
        patch.delenv("NIGHTSHIFT_TABLES", raising=False)
        initdb()
        _make_pools()
        yield folder


def _make_pools() -> None:
    from airflow.models.pool import Pool

    for name in ("nightshift_data", "nightshift_training", "nightshift_registry"):
        Pool.create_or_update_pool(name, slots=2, description="", include_deferred=False)

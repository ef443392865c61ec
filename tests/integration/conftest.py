"""The real Airflow on SQLite, in this process, and the real MLflow on SQLite; a smaller window of the real flights."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

_HOME = Path(tempfile.mkdtemp(prefix="nightshift-integration-"))
_ROOT = Path(__file__).parents[2]
_TRACKING = f"sqlite:///{_HOME}/mlflow.db"

# Airflow reads these when it is first imported.
os.environ |= {
    "AIRFLOW_HOME": str(_HOME / "airflow"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(_ROOT / "plugins"),
    "AIRFLOW__CORE__DAGS_FOLDER": str(_ROOT / "dags"),
    "AIRFLOW_CONN_MLFLOW": json.dumps({"conn_type": "http", "host": "-", "extra": {"tracking_uri": _TRACKING}}),
    "MLFLOW_TRACKING_URI": _TRACKING,
}

import pytest  # noqa: E402 - Airflow must find its settings first

SMALLER = {
    "train_days: 60": "train_days: 14",
    "validation_days: 10": "validation_days: 4",
    "holdout_days: 14": "holdout_days: 10",
    "max_iter: 150": "max_iter: 40",
    "n_estimators: 100": "n_estimators: 20",
    "{metric: roc_auc, min: 0.58}": "{metric: roc_auc, min: 0.51}",
    "lookback_days: 7": "lookback_days: 3",
}


def smaller_model(text: str) -> str:
    """The shipped model over a shorter window; every replacement must still find its line."""
    for old, new in SMALLER.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An Airflow database, an empty registry and empty tables, for the tests of one file in their order."""
    from airflow.utils.db import initdb

    folder = tmp_path_factory.mktemp("world")
    models = folder / "models"
    models.mkdir()
    shipped = (_ROOT / "include/models/flight_delay.yaml").read_text()
    (models / "flight_delay.yaml").write_text(smaller_model(shipped))
    patch = pytest.MonkeyPatch()
    patch.setenv("NIGHTSHIFT_STATE", str(folder))
    patch.setenv("NIGHTSHIFT_MODELS", str(models))
    patch.delenv("NIGHTSHIFT_TABLES", raising=False)
    initdb()
    _make_pools()
    yield folder
    patch.undo()


def _make_pools() -> None:
    from airflow.models.pool import Pool

    for name in ("nightshift_data", "nightshift_training", "nightshift_registry"):
        Pool.create_or_update_pool(name, slots=2, description="", include_deferred=False)

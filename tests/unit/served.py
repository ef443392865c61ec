"""A model that is served: its rows in Delta and two registered versions in a real MLflow, for scoring and monitoring.

`queue` and `depot` drive the label; `late` of a day is known the day after. Version 1 was trained as of AS_OF; version
2 is the next night's. Both rooms' conftest take `served` from here.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from include.config.schema import ModelConfig
from include.contracts import Holdout, Selection

MODEL = "parcels"
AS_OF = date(2024, 3, 1)
FIRST, LAST = date(2024, 2, 1), date(2024, 3, 8)
ROWS_A_DAY = 120

CONFIG = ModelConfig.model_validate(
    {
        "name": MODEL,
        "description": "Will a parcel be late?",
        "owner": "tests",
        "task": "binary",
        "data": {
            "source": {"kind": "python", "module": "flights"},
            "day": "sent",
            "key": ["sent", "number"],
            "label": "late",
            "label_delay_days": 1,
            "known_afterwards": ["hours_late"],
            "columns": {
                "sent": "date",
                "number": "integer",
                "depot": "string",
                "shift": "integer",
                "weight": "number",
                "queue": "number",
                "hours_late": "number",
                "late": "integer",
            },
        },
        "features": {
            "numeric": ["weight", "queue"],
            "categorical": ["depot", "shift"],
            "rates": [{"name": "depot_rate_3d", "by": ["depot"], "days": 3}],
        },
        "training": {
            "train_days": 12,
            "validation_days": 4,
            "holdout_days": 8,
            "candidates": [{"name": "good", "estimator": "LogisticRegression"}],
        },
        "scoring": {"lookback_days": 5},
        "monitoring": {
            "reference_rows": 1000,
            "min_rows": 100,
            "retrain_request": {"metric": "roc_auc", "min": 0.6, "nights": 3, "min_rows": 200},
        },
    }
)


def rows_of(days: Sequence[date], seed: int = 3) -> pd.DataFrame:
    """Rows as they were validated; the same for the same days and seed."""
    from include.data import windows

    rng = np.random.default_rng(seed)
    count = len(days) * ROWS_A_DAY
    frame = pd.DataFrame({"sent": np.repeat(list(days), ROWS_A_DAY), "number": np.arange(count)})
    frame["depot"] = rng.choice(["north", "south", "east"], count)
    frame["shift"] = rng.integers(0, 3, count)
    frame["weight"] = rng.normal(size=count)
    frame["queue"] = rng.normal(size=count)
    chance = 1 / (1 + np.exp(-(1.5 * frame["queue"] + (frame["depot"] == "north") - 0.5)))
    frame["late"] = (rng.random(count) < chance).astype(int)
    frame["hours_late"] = np.where(frame["late"] == 1, 5.0, 0.0)
    frame["row_key"] = windows.row_keys(CONFIG, frame)
    return frame


def write(frame: pd.DataFrame, days: Sequence[date]) -> None:
    """Replace these days of the validated table."""
    from include.data import tables, windows

    schema = tables.schema_for(CONFIG.data.columns).append(pa.field("row_key", pa.string()))
    tables.replace_days(MODEL, windows.VALIDATED, frame, frame["sent"], days, schema)


@pytest.fixture(scope="session")
def _trained(_migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    shutil.copy(_migrated, folder / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        _enter(patch, folder)
        patch.chdir(folder)
        days = [FIRST + timedelta(days=offset) for offset in range((LAST - FIRST).days + 1)]
        write(rows_of(days), days)
        for night in (AS_OF, AS_OF + timedelta(days=1)):
            _register(night)
    return folder


@pytest.fixture
def unreleased(_trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelConfig]:
    """Two registered versions, the second the challenger, and no champion yet; state of the test's own."""
    shutil.copy(_trained / "mlflow.db", tmp_path / "mlflow.db")
    shutil.copytree(_trained / "tables", tmp_path / "tables")
    _enter(monkeypatch, tmp_path)
    monkeypatch.chdir(tmp_path)
    yield CONFIG


@pytest.fixture
def served(unreleased: ModelConfig) -> ModelConfig:
    """Version 1 is champion, version 2 its challenger."""
    from include.tracking import registry

    registry.set_champion(MODEL, 1, None)
    return unreleased


def _enter(patch: pytest.MonkeyPatch, folder: Path) -> None:
    patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
    patch.setenv("NIGHTSHIFT_STATE", str(folder))
    patch.setenv("NIGHTSHIFT_TABLES", str(folder / "tables"))
    patch.setenv("NIGHTSHIFT_GIT_SHA", "c" * 40)


def _register(night: date) -> None:
    from include.tracking import registry
    from include.training import jobs

    context = jobs.open_run(CONFIG, night, f"run-{night}", "http://localhost/run")
    chosen = jobs.train_candidate(context, "good")
    selection = Selection(chosen=chosen, metric="roc_auc", ranking=(("good", 0.8),), reason="the only one.")
    holdout = Holdout(rows=8 * ROWS_A_DAY, days=8, metrics={"roc_auc": 0.8}, baseline={})
    registry.register(context, selection, holdout)

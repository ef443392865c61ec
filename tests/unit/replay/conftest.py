"""A small world for replays: two months of few rows, whose rule turns into another one, and a model of seconds."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from include.config.schema import ModelConfig
from include.data import tables, windows
from include.replay.history import History, Place, tables_in
from include.replay.plan import Plan

MODEL = "parcels"
FIRST, DAYS, ROWS = date(2024, 1, 1), 60, 80
TURNS = date(2024, 1, 30)
"""From this day on the queue, not the weight, makes a parcel late: a champion of before is worth nothing."""


@pytest.fixture(scope="session")
def config() -> ModelConfig:
    return ModelConfig.model_validate(
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
                "label_delay_days": 2,
                "columns": {
                    "sent": "date",
                    "number": "integer",
                    "weight": "number",
                    "queue": "number",
                    "depot": "string",
                    "late": "integer",
                },
            },
            "features": {
                "numeric": ["weight", "queue"],
                "categorical": ["depot"],
                "rates": [{"name": "depot_rate", "by": ["depot"], "days": 3}],
            },
            "training": {
                "train_days": 12,
                "validation_days": 4,
                "holdout_days": 5,
                "candidates": [
                    {"name": "prior", "estimator": "DummyClassifier", "params": {"strategy": "prior"}},
                    {"name": "linear", "estimator": "LogisticRegression"},
                ],
            },
            "release": {
                "min_holdout_rows": 200,
                "resamples": 200,
                "thresholds": [{"metric": "brier_score", "max": 0.4}],
                "against_champion": {"metric": "roc_auc", "alpha": 0.05},
            },
            "monitoring": {
                "min_rows": 50,
                "retrain_request": {"metric": "roc_auc", "min": 0.6, "nights": 3, "min_rows": 100},
            },
        }
    )


def parcels() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    days = [FIRST + timedelta(days=step) for step in range(DAYS)]
    frame = pd.DataFrame(
        {
            "sent": np.repeat(days, ROWS),
            "number": np.tile(np.arange(ROWS), DAYS),
            "weight": rng.normal(size=DAYS * ROWS),
            "queue": rng.normal(size=DAYS * ROWS),
            "depot": rng.choice(["north", "south", "west"], size=DAYS * ROWS),
        }
    )
    decides = np.where(frame["sent"] < TURNS, frame["weight"], frame["queue"])
    return frame.assign(late=(decides + rng.normal(size=len(frame)) > 0.5).astype(int))


@pytest.fixture(scope="session")
def place(config: ModelConfig, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The model's live table, written once."""
    root, frame = str(tmp_path_factory.mktemp("live")), parcels()
    schema = tables.schema_for({**config.data.columns, "row_key": "string"})
    rows = frame.assign(row_key=windows.row_keys(config, frame))
    with tables_in(root):
        version = tables.replace_days(MODEL, windows.VALIDATED, rows, frame["sent"], sorted(set(frame["sent"])), schema)
    return Place(root, MODEL, version, own=False)


@pytest.fixture(scope="session")
def plan(config: ModelConfig) -> Plan:
    """Nights that see the turn: what the first one trains on is of before it."""
    return Plan(config, date(2024, 2, 1), date(2024, 2, 17))


@pytest.fixture
def live(place: Place, state: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder of the test, with the live tables beside it; MLflow's address answers nobody."""
    monkeypatch.setenv("NIGHTSHIFT_TABLES", place.root)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    return state


@pytest.fixture
def history(plan: Plan, place: Place) -> History:
    return History.load(plan.config, place, plan.days)

"""Small models of every task, with rows that can be learnt: what the tests of this room share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from include.config.schema import Candidate, ModelConfig

FEATURES = ["warmth", "minutes", "rate_7d", "carrier", "weekday", "wet", "street"]
ROWS = 600
CLASSES = ("low", "middle", "high")
LABELS: Mapping[str, Mapping[str, Any]] = {
    "binary": {"label": "late", "columns": {"late": "integer"}},
    "multiclass": {"label": "level", "classes": CLASSES, "columns": {"level": "string"}},
    "regression": {"label": "amount", "columns": {"amount": "number"}},
}


def config_of(
    task: str, *, training: Mapping[str, Any] | None = None, features: Mapping[str, Any] | None = None
) -> ModelConfig:
    """A model of days with numbers, a rate, and categories declared as text, integer and boolean."""
    label = dict(LABELS[task])
    columns = {
        "day": "date",
        **dict.fromkeys(["row", "minutes", "weekday"], "integer"),
        "warmth": "number",
        "carrier": "string",
        "wet": "boolean",
        "street": "string",
        "weight": "number",
        **label.pop("columns"),
    }
    return ModelConfig.model_validate(
        {
            "name": f"{task}_model",
            "description": "Made up.",
            "owner": "tests",
            "task": task,
            "data": {
                "source": {"kind": "python", "module": "flights"},
                "day": "day",
                "key": ["day", "row"],
                "columns": columns,
                **label,
            },
            "features": {
                "numeric": FEATURES[:2],
                "rates": [{"name": FEATURES[2], "days": 7}],
                "categorical": FEATURES[3:6],
                **(features or {}),
            },
            "training": {
                "train_days": 20,
                "validation_days": 5,
                "holdout_days": 5,
                "seed": 11,
                "candidates": [
                    {"name": "constant", "estimator": f"Dummy{'Regressor' if task == 'regression' else 'Classifier'}"}
                ],
                **(training or {}),
            },
        }
    )


def rows_of(task: str, count: int = ROWS, days: int = 20, missing: int = 30, seed: int = 7) -> pd.DataFrame:
    """Rows as `windows.read_rows` gives them, the label a number; each feature lacks `missing` values."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "day": pd.Timestamp("2026-01-01") + pd.to_timedelta(np.sort(random.integers(0, days, count)), unit="D"),
            "row": np.arange(count),
            "warmth": random.normal(10, 5, count),
            "minutes": random.integers(30, 400, count).astype("float64"),
            "rate_7d": random.uniform(0, 0.6, count),
            "carrier": random.choice(["AA", "B6", "UA"], count).astype(object),
            "weekday": random.integers(0, 7, count).astype("float64"),
            "wet": random.choice([True, False], count).astype(object),
            "street": np.char.add("street ", random.integers(0, 40, count).astype(str)).astype(object),
            "weight": random.uniform(0.5, 2, count),
        }
    )
    signal = frame["warmth"] / 5 + 3 * frame["rate_7d"] + (frame["carrier"] == "B6") + frame["wet"].astype(float)
    value = signal + random.normal(0, 0.5, count)
    frame["row_key"] = frame["row"].astype(str)
    frame["late"] = (value > 4).astype("float64")
    frame["level"] = np.digitize(value, [3, 5]).astype("float64")
    frame["amount"] = 100 * value
    for column in FEATURES:
        frame.loc[random.choice(count, missing, replace=False), column] = np.nan
    return frame.astype({"carrier": "str", "street": "str", "wet": "boolean"})


def candidate(estimator: str, search: Mapping[str, Any] | None = None, **params: Any) -> Candidate:
    """With few trees where it is a forest."""
    fast = {"n_estimators": 8} if estimator.startswith(("RandomForest", "ExtraTrees")) else {}
    given = {**fast, **params}
    kept = {name: value for name, value in given.items() if not search or name not in search["params"]}
    return Candidate.model_validate({"name": "candidate", "estimator": estimator, "params": kept, "search": search})

"""The small model that tests of gates and releases share."""

from __future__ import annotations

from include.config.schema import ModelConfig

MODEL = "parcels"
HOLDOUT_DAYS = 8


def parcels() -> ModelConfig:
    """A binary model with two candidates, one of which knows nothing."""
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
                "label_delay_days": 1,
                "columns": {
                    "sent": "date",
                    "number": "integer",
                    "weight": "number",
                    "queue": "number",
                    "late": "integer",
                    "depot": "string",
                },
                "protected": ["depot"],
            },
            "features": {"numeric": ["weight", "queue"]},
            "training": {
                "train_days": 12,
                "validation_days": 4,
                "holdout_days": HOLDOUT_DAYS,
                "candidates": [
                    {"name": "weak", "estimator": "DummyClassifier", "params": {"strategy": "prior"}},
                    {"name": "good", "estimator": "LogisticRegression"},
                ],
            },
            "release": {
                "min_holdout_rows": 200,
                "thresholds": [{"metric": "brier_score", "max": 0.3}],
                "resamples": 300,
                "against_champion": {"metric": "roc_auc"},
            },
        }
    )

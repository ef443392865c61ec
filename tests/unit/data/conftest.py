"""A small model of sales, whose source each test declares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from include.config.loader import parse_model
from include.config.schema import ModelConfig

COLUMNS = {"sold_on": "date", "shop": "string", "units": "integer", "price": "number", "returned": "integer"}


@pytest.fixture(scope="session")
def sales() -> Callable[..., ModelConfig]:
    """`sales({"kind": ...}, day=..., ...)`: the model with that source, as a file would declare it."""

    def make(source: dict[str, Any], zone: str = "UTC", **data: Any) -> ModelConfig:
        dated = "day" in data or "time" in data
        section = {"key": ["shop"], "label": "returned", "columns": COLUMNS, **data, "source": source}
        days = {"train_days": 20, "validation_days": 5, "holdout_days": 5} if dated else {}
        content = {
            "name": "sales",
            "description": "Chance that a sale comes back.",
            "owner": "shop",
            "task": "binary",
            "schedule": {"timezone": zone},
            "data": section,
            "features": {"numeric": ["units", "price"], "categorical": ["shop"]},
            "training": {"candidates": [{"name": "trees", "estimator": "HistGradientBoostingClassifier"}], **days},
            "release": {"rows": "clustered" if dated else "independent"},
        }
        return parse_model(content, "sales.yaml")

    return make

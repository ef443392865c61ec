"""The assets that chain a model's DAGs. Their events only wake; consumers look at the tables and the registry."""

from __future__ import annotations

from typing import Literal

from airflow.sdk import Asset

AssetName = Literal["validated", "predictions", "drift_report", "retrain_requested", "champion"]


def model_asset(model: str, name: AssetName) -> Asset:
    """The asset `<model>.<name>`, as every producer and consumer must spell it."""
    return Asset(name=f"{model}.{name}", group="nightshift")

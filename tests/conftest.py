"""Shared by every test: the shipped model's configuration, and state in a folder of the test's own."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

# Set before anything of ours or of Airflow is imported: both read these once.
os.environ.setdefault("GX_ANALYTICS_ENABLED", "False")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NIGHTSHIFT_STATE", tempfile.mkdtemp(prefix="nightshift-tests-"))

import pytest

from include.config import environment
from include.config.loader import load_model
from include.config.schema import ModelConfig


@pytest.fixture(scope="session")
def flight_delay() -> ModelConfig:
    """The model that ships."""
    return load_model(environment.REPOSITORY / "include" / "models" / "flight_delay.yaml")


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Tables, reports and logs in a folder of the test's own."""
    monkeypatch.setenv("NIGHTSHIFT_STATE", str(tmp_path))
    monkeypatch.delenv("NIGHTSHIFT_TABLES", raising=False)
    return tmp_path

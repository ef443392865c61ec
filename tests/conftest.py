"""Shared by every test: the shipped model's configuration, state in a folder of the test's own, Airflow's settings."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[1]
_HOME = tempfile.mkdtemp(prefix="nightshift-tests-")

# Set before anything of ours or of Airflow is imported: both read these once.
os.environ |= {
    "NIGHTSHIFT_STATE": _HOME,
    "GX_ANALYTICS_ENABLED": "False",
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "OMP_NUM_THREADS": "1",
    "AIRFLOW_HOME": f"{_HOME}/airflow",
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(_ROOT / "plugins"),
    "AIRFLOW__CORE__DAGS_FOLDER": str(_ROOT / "dags"),
    "AIRFLOW__API__BASE_URL": "http://localhost:8080",
}

import pytest  # noqa: E402

from include.config import environment  # noqa: E402
from include.config.loader import load_model  # noqa: E402
from include.config.schema import ModelConfig  # noqa: E402


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Where processes share the tests out, each file stays whole, and so do the tests of the one started instance."""
    from xdist.scheduler import LoadScopeScheduling

    class WholeFiles(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            folder = file.rpartition("/")[0]
            return folder if folder in ("tests/e2e", "tests/integration") else file

    return WholeFiles(config, log)


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    """Variables that a command sets for its own process are gone after the test that ran it."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys() - {PHASE}:
        del os.environ[name]
    os.environ.update({name: value for name, value in before.items() if name != PHASE})


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


PHASE = "PYTEST_CURRENT_TEST"
SMALLER = {
    "train_days: 60": "train_days: 14",
    "validation_days: 10": "validation_days: 4",
    "holdout_days: 14": "holdout_days: 10",
    "max_iter: 150": "max_iter: 40",
    "n_estimators: 100": "n_estimators: 20",
    "max_gap: 0.3": "max_gap: 0.4",
    "lookback_days: 7": "lookback_days: 3",
}


def write_smaller_model(folder: Path, **more: str) -> Path:
    """Write the shipped model over a shorter window into `folder`; every replacement must still find its line."""
    text = (_ROOT / "include/models/flight_delay.yaml").read_text()
    for old, new in (SMALLER | more).items():
        assert old in text, old
        text = text.replace(old, new)
    folder.mkdir(parents=True)
    (folder / "flight_delay.yaml").write_text(text)
    return folder


@pytest.fixture(scope="session")
def smaller_model() -> object:
    """The function that writes it: tests import no conftest."""
    return write_smaller_model

"""Where a command finds the services: on this machine, or where a container's variables say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from include.config import environment
from include.errors import PermanentError, TransientError
from include.local import instance, services

AIRFLOW, REGISTRY, LOCK = "http://api-server:8080", "http://mlflow:5000", "postgresql://postgres:5432/mlflow"


@pytest.fixture
def container(state: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A container's variables, and a state folder that it shares with others."""
    monkeypatch.setenv("NIGHTSHIFT_AIRFLOW_URL", AIRFLOW)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", REGISTRY)
    monkeypatch.setenv("NIGHTSHIFT_LOCK_DATABASE", LOCK)
    monkeypatch.setenv(instance.PASSWORDS, str(state / "passwords.json"))
    return state


def test_a_container_asks_where_its_variables_say_and_writes_nothing(container: Path) -> None:
    found = instance.find()
    assert (found.airflow_url, found.mlflow_url, found.settings) == (AIRFLOW, REGISTRY, None)
    assert os.environ["MLFLOW_TRACKING_URI"] == REGISTRY and os.environ["NIGHTSHIFT_LOCK_DATABASE"] == LOCK
    assert list(container.iterdir()) == []
    (container / "passwords.json").write_text('{"admin": "made by Airflow"}')
    assert instance.find().password == "made by Airflow"
    assert instance.airflow_api().url == AIRFLOW


def test_a_container_without_a_password_yet_names_the_command_of_its_host(container: Path) -> None:
    with pytest.raises(TransientError, match="docker compose up --wait"):
        _ = instance.find().password


def test_services_of_containers_are_started_and_stopped_by_compose(container: Path) -> None:
    with pytest.raises(PermanentError, match=r"docker compose up --wait$"):
        services.up(print)
    with pytest.raises(PermanentError, match=r"docker compose down$"):
        services.down(print)
    assert list(container.iterdir()) == []


def test_without_variables_it_is_this_machines_own(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NIGHTSHIFT_AIRFLOW_URL", "MLFLOW_TRACKING_URI", "NIGHTSHIFT_LOCK_DATABASE", "NIGHTSHIFT_HASH_KEY"):
        monkeypatch.setenv(name, "")
    found = instance.find()
    assert found.settings is not None and found.mlflow_url == os.environ["MLFLOW_TRACKING_URI"]
    assert found.password == found.settings.secrets.password and environment.start_command() == "make up"


def test_every_service_that_commands_run_in_is_told_where_the_services_are() -> None:
    services_of = yaml.safe_load((environment.REPOSITORY / "docker-compose.yaml").read_text())["services"]
    for name in ("scheduler", "dag-processor", "triggerer", "api-server", "metrics", "airflow-init"):
        told = services_of[name]["environment"]
        assert (told["NIGHTSHIFT_AIRFLOW_URL"], told["MLFLOW_TRACKING_URI"]) == (AIRFLOW, REGISTRY), name

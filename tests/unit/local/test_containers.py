"""Dockerfile and docker-compose.yaml name what exists. No Docker needed: the engine is asked in CI."""

from __future__ import annotations

import base64
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from include.cli import app
from include.config import environment
from include.local import env_file
from include.local.settings import LocalSettings, Secrets, component_environment

ROOT = environment.REPOSITORY
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("nightshift:")}


def test_the_services_are_those_of_the_local_start() -> None:
    lines = [line for line in (ROOT / "Procfile").read_text().splitlines() if not line.startswith("#")]
    procfile = {line.split(":")[0].replace("_", "-") for line in lines}
    assert set(SERVICES) == procfile | {"airflow-init", "prometheus"}


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_is_published_beyond_loopback(name: str) -> None:
    assert [port for port in SERVICES[name].get("ports", []) if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_waits_for_exists_and_can_be_waited_for(name: str) -> None:
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        if wait["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other], other
        else:
            assert wait["condition"] == "service_completed_successfully" and SERVICES[other]["restart"] == "no"


@pytest.mark.parametrize("name", SERVICES)
def test_volumes_networks_and_configs_are_declared(name: str) -> None:
    service = SERVICES[name]
    assert {volume.split(":")[0] for volume in service.get("volumes", [])} <= set(COMPOSE["volumes"])
    assert set(service["networks"]) <= set(COMPOSE["networks"])
    assert {config["source"] for config in service.get("configs", [])} <= set(COMPOSE["configs"])


def test_every_secret_is_asked_for_and_in_the_example() -> None:
    text = (ROOT / "docker-compose.yaml").read_text()
    asked = set(re.findall(r"\$\{(\w+):\?", text))
    example = set(re.findall(r"^(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert asked and asked <= example
    assert ".env" in (ROOT / ".gitignore").read_text().split()


def test_one_service_builds_the_image_and_no_registry_is_asked_for_it() -> None:
    assert [name for name, service in SERVICES.items() if "build" in service] == ["mlflow"]
    assert {service.get("pull_policy") for name, service in OURS.items() if name != "mlflow"} == {"never"}


def test_the_image_has_what_the_command_line_asks_for() -> None:
    marker = re.search(r'"\$root/\.venv/(\w+)"', (ROOT / "nightshift").read_text())
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert marker and f"touch /opt/venv/{marker[1]}" in dockerfile and "ln -s /opt/venv .venv" in dockerfile


def test_an_env_file_has_a_value_for_all_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / ".env.example").write_text((ROOT / ".env.example").read_text())
    env_file.main(tmp_path, {"DEMO": "1"})
    lines = [line for line in (tmp_path / ".env").read_text().splitlines() if not line.startswith("#")]
    values = dict(line.split("=", 1) for line in lines)
    asked = re.findall(r"\$\{(\w+):\?", (ROOT / "docker-compose.yaml").read_text())
    assert all(values[name] for name in asked) and values["DEMO"] == "1"
    assert re.fullmatch(r"[\w-]{40,}", values["POSTGRES_PASSWORD"])
    assert len(base64.urlsafe_b64decode(values["AIRFLOW_FERNET_KEY"])) == 32
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    with pytest.raises(SystemExit, match="stays as it is"):
        env_file.main(tmp_path, {})


def known_options(program: str, command: str) -> set[str]:
    """Options of `airflow COMMAND` or `mlflow COMMAND`, as the installed version has them."""
    if program == "mlflow":
        from mlflow.cli import cli

        return {option for parameter in cli.commands[command].params for option in parameter.opts}
    from airflow.cli.cli_parser import airflow_commands

    [found] = [known for known in airflow_commands if known.name == command]
    return {flag for argument in found.args for flag in argument.flags}


def cli_options(command: str) -> set[str]:
    """Options of `./nightshift COMMAND`."""
    found = typer.main.get_command(app).commands[command]  # type: ignore[attr-defined]
    return {option for parameter in found.params for option in parameter.opts}


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_service_runs_a_command_that_is_there_with_options_that_it_has(name: str) -> None:
    words = shlex.split(OURS[name]["command"])
    if words[:2] == ["python", "-m"]:
        module, *arguments = words[2:]
        assert any((ROOT / root / Path(*module.split("."))).with_suffix(".py").is_file() for root in ("", "plugins"))
        if module == "include.cli":
            options = {word for word in arguments if word.startswith("--")}
            assert options <= cli_options(arguments[0])
        else:
            assert all((ROOT / argument).is_file() for argument in arguments)
        return
    assert {word for word in words if word.startswith("--")} <= known_options(words[0], words[1])


def test_airflow_gets_the_values_of_the_local_start(tmp_path: Path) -> None:
    """Where both set an option it differs only if it is an address, a path or a secret."""
    secrets = Secrets("password", "jwt", "fernet", "session")
    made = LocalSettings(tmp_path, {"airflow": 1, "mlflow": 2}, secrets, "sqlite")
    local = component_environment(made)
    compose: dict[str, str] = SERVICES["scheduler"]["environment"]
    image = dict(re.findall(r"^ +(\w+)=(\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    both = {**image, **compose}.items() & local.items()
    differ = {name for name, value in {**image, **compose}.items() if name in local and (name, value) not in both}
    own = ("URL", "URI", "CONN", "DATABASE", "KEY", "SECRET", "FOLDER", "FILE", "HOME", "STATE", "PATH", "PYTHONPATH")
    assert {name for name in differ if not name.endswith(own)} == set()
    assert ("AIRFLOW__SCHEDULER__MP_FORKSERVER_PRELOAD", "include.preload") in both


def test_the_image_copies_what_exists_and_no_more_than_it_needs() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split("\n")
    assert "*" in ignored
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    names = [name for line in copied for name in line.split()]
    assert {"include/", "plugins/", "dags/", "requirements.txt", "airflow_settings.yaml"} <= set(names)
    for name in names:
        assert (ROOT / name).exists(), name
        assert f"!{name}" in ignored or f"!{name}*.txt" in ignored, name

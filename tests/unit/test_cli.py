"""The command line, as a person runs it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from include import cli, terminal
from include.config import environment

ROOT = environment.REPOSITORY
HEAVY = {"pandas", "numpy", "sklearn", "mlflow", "airflow", "great_expectations", "evidently", "deltalake", "httpx"}


@pytest.fixture
def nightshift(state: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """`./nightshift ARGUMENTS` in this process, for an instance of the test's own."""
    for variable in ("MLFLOW_TRACKING_URI", "NIGHTSHIFT_LOCK_DATABASE"):
        monkeypatch.setenv(variable, "")  # `status` sets it: put back afterwards
    monkeypatch.delenv("NIGHTSHIFT_DATABASE", raising=False)
    monkeypatch.setattr(terminal.console, "width", 300)
    monkeypatch.setattr(terminal.errors, "width", 300)
    return lambda *arguments: CliRunner().invoke(cli.app, list(arguments), catch_exceptions=False)


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def stopped(state: Path) -> Path:
    """An instance that ran once: its ports are kept, and nobody answers there."""
    (state / "run").mkdir(parents=True)
    (state / "run/ports.json").write_text(json.dumps({"airflow": closed_port(), "mlflow": closed_port()}))
    return state


def test_help_is_quick_lists_the_commands_and_loads_nothing_heavy() -> None:
    code = f"""
import sys
from typer.testing import CliRunner
from include.cli import app
told = CliRunner().invoke(app, ["--help"]).output
print(told, sorted({HEAVY!r} & set(sys.modules)))
"""
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert time.perf_counter() - started < 4  # a third of a second on an idle machine
    for command in ("up", "down", "demo", "status", "train", "rollback", "reproduce", "lint"):
        assert f" {command} " in done.stdout
    assert done.stdout.splitlines()[-1].strip() == "[]"


def test_stopping_nothing_is_harmless_and_says_so(nightshift: Callable[..., Result], state: Path) -> None:
    done = nightshift("down")
    assert done.exit_code == 0 and "nothing was running" in done.stdout
    assert list(state.iterdir()) == []


def test_status_without_services_says_how_to_start_them(nightshift: Callable[..., Result], stopped: Path) -> None:
    done = nightshift("status")
    assert done.exit_code == 1 and "make up" in done.stdout
    told = json.loads(nightshift("status", "--json").stdout)
    assert told["models"] is None and set(told["services"].values()) == {"not answering"}


def test_training_without_services_says_how_to_start_them(nightshift: Callable[..., Result], stopped: Path) -> None:
    done = nightshift("train", "flight_delay")
    assert done.exit_code == 1 and "does not answer" in done.stderr and "make up" in done.stderr


@pytest.mark.parametrize("command", [["train"], ["rollback", "--reason", "it is wrong"], ["demo"]])
def test_an_unknown_model_is_told_with_a_near_miss_before_anything_starts(
    nightshift: Callable[..., Result], state: Path, command: list[str]
) -> None:
    done = nightshift(command[0], "flight_dely", *command[1:])
    assert done.exit_code == 1 and "did you mean 'flight_delay'" in done.stderr
    assert not (state / "postgres").exists()


def test_lint_tells_faults_of_every_kind_and_finds_none_in_the_shipped_model(
    nightshift: Callable[..., Result], tmp_path: Path
) -> None:
    shipped = ROOT / "include/models/flight_delay.yaml"
    wrong = tmp_path / "flight_delay.yaml"
    wrong.write_text(
        shipped.read_text()
        .replace("min_samples_leaf: 50", "min_sample_leaf: 50")
        .replace("{column: distance, min_value: 10", "{column: distance, minimum: 10")
    )
    done = nightshift("lint", str(shipped), str(wrong))
    assert done.exit_code == 1
    assert f"{shipped}: no faults" in done.stdout and f"{wrong}: 2 faults" in done.stdout
    assert "min_sample_leaf" in done.stdout and "minimum" in done.stdout
    assert nightshift("lint").exit_code == 0


def test_a_setting_that_cannot_be_meant_is_told(
    nightshift: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTSHIFT_DATABASE", "postgres")
    done = nightshift("up")
    assert done.exit_code == 1 and "NIGHTSHIFT_DATABASE" in done.stderr

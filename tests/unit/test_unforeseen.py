"""What a person reads where something ended that nobody foresaw: the real command in a real process, in a bad world."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from include import cli, unforeseen
from include.config import environment
from include.local import services

ROOT = environment.REPOSITORY


def nightshift(*arguments: str, out: int = subprocess.PIPE, **variables: str) -> subprocess.CompletedProcess[str]:
    """`./nightshift ARGUMENTS` in a process of its own, under these variables and few others."""
    world = {"PATH": os.environ["PATH"], "COLUMNS": "300"} | variables
    return subprocess.run(
        [ROOT / "nightshift", *arguments], stdout=out, stderr=subprocess.PIPE, text=True, env=world, timeout=120
    )


def test_a_full_disk_is_named_with_what_helps(state: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = nightshift("schema", out=full.fileno(), NIGHTSHIFT_STATE=str(state))
    assert "Traceback" not in done.stderr
    assert "No room is left" in done.stderr and "Place: " in done.stderr
    assert done.returncode == 1


@pytest.mark.parametrize("command", [["status"], ["up"], ["train", "flight_delay"]])
def test_a_folder_that_cannot_be_written_is_named_with_its_owner(command: list[str]) -> None:
    done = nightshift(*command, NIGHTSHIFT_STATE="/sys/nightshift")
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == 1 and "/sys" in done.stderr and "NIGHTSHIFT_STATE" in done.stderr


def test_a_machine_without_a_home_does_all_the_same(state: Path) -> None:
    done = nightshift("status", NIGHTSHIFT_STATE=str(state))
    assert "Traceback" not in done.stderr and "make up" in done.stdout, done.stderr


def test_a_reader_that_went_away_is_no_error(state: Path) -> None:
    command = f"{ROOT}/nightshift schema | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=os.environ)
    assert "Traceback" not in done.stderr and done.stdout.strip() == "{"


def test_what_nobody_foresaw_ends_in_a_sentence_a_place_and_how_to_report_it(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: object) -> None:
        {}["postgresql://nightshift:swordfish@db/x"]  # a fault of ours, with a secret in its words

    monkeypatch.setattr(services, "down", fails)
    done = CliRunner().invoke(cli.app, ["down"])
    assert done.exit_code == 70 and "Traceback" not in done.output
    assert "KeyError" in done.stderr and "tests/unit/test_unforeseen.py:" in done.stderr.replace("\n", "")
    assert "To report it: send the file" in done.stderr
    (kept,) = (state / "logs").glob("unforeseen-*.log")
    assert "Traceback" in kept.read_text() and "swordfish" not in kept.read_text() + done.stderr


def test_the_deepest_line_of_ours_is_the_place() -> None:
    try:
        environment.threads_per_task.__globals__["Path"](1)
    except TypeError as error:
        assert unforeseen.place_of(error).startswith("tests/unit/test_unforeseen.py:")


def test_help_and_errors_name_the_command_that_a_person_types() -> None:
    runner = CliRunner()
    for name in ("", *(command.name or command.callback.__name__ for command in cli.app.registered_commands)):
        told = runner.invoke(cli.app, [*([name.replace("_", "-")] if name else []), "--help"])
        assert told.exit_code == 0 and f"Usage: ./nightshift {name.replace('_', '-')}".strip() in told.output, name
        assert "include.cli" not in told.output
    wrong = runner.invoke(cli.app, ["train", "--bogus"])
    assert wrong.exit_code == 2 and "./nightshift train --help" in wrong.output
    assert "Usage: ./nightshift" in runner.invoke(cli.app, []).output


def test_an_environment_that_is_not_whole_is_told_before_python_fails(tmp_path: Path) -> None:
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/python").symlink_to(sys.executable)
    script = shutil.copy(ROOT / "nightshift", tmp_path)
    done = subprocess.run([script, "status"], capture_output=True, text=True)
    assert done.returncode == 1 and "Next: make setup" in done.stderr and "Traceback" not in done.stderr

"""`./nightshift alerts`, and a model file that names targets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from include import cli, terminal
from include.alerts import failures
from include.config import environment
from include.config.loader import load_model
from include.errors import ConfigError
from tests.unit.alerts.conftest import SECRET, Hook


@pytest.fixture
def nightshift(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setattr(terminal.console, "width", 300)
    monkeypatch.setattr(terminal.errors, "width", 300)
    return lambda *arguments: CliRunner().invoke(cli.app, list(arguments), catch_exceptions=False)


def test_open_alarms_are_listed_with_where_to_look(nightshift: Callable[..., Result], hook: Hook) -> None:
    assert "No alarm is open." in nightshift("alerts").output
    hook.status = 500
    failures.task_failed(
        "flight_delay", "flight_delay__score.score_batch", date(2026, 3, 1), "boom", 4, {"Airflow": "u"}
    )
    told = nightshift("alerts").output
    for part in ("CRITICAL task:flight_delay__score.score_batch, since the night of 2026-03-01", "boom", "Airflow: u"):
        assert part in told
    assert "1 targets did not get it yet" in told


def test_a_test_message_says_who_was_reached_and_who_was_not(
    nightshift: Callable[..., Result], hook: Hook, other: Hook
) -> None:
    fine = nightshift("alerts", "--test")
    assert fine.exit_code == 0 and fine.output.count("reached: ") == 3 and hook.titles == ["[test] Nightshift"]
    other.status = 404
    failed = nightshift("alerts", "--test")
    assert failed.exit_code == 1 and SECRET not in failed.output
    assert "FAILED: JSON 2 (ops): answered with HTTP status 404" in failed.output


def test_a_tag_that_no_target_has_is_a_fault(
    nightshift: Callable[..., Result], hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = (environment.models_dir() / "flight_delay.yaml").read_text()
    (tmp_path / "flight_delay.yaml").write_text(f"{shipped}\nalerts: {{tags: [opps]}}\n")
    monkeypatch.setenv("NIGHTSHIFT_MODELS", str(tmp_path))
    told = nightshift("alerts", "--test")
    assert told.exit_code == 1 and "alerts.tags: no target has the tag opps" in told.output


def test_a_secret_in_a_model_file_is_refused_and_not_shown(tmp_path: Path) -> None:
    shipped = (environment.models_dir() / "flight_delay.yaml").read_text()
    for given in (f'["slack://{SECRET}/a/b"]', f'"slack://{SECRET}/a/b"'):
        (tmp_path / "flight_delay.yaml").write_text(f"{shipped}\nalerts:\n  tags: {given}\n")
        with pytest.raises(ConfigError, match="NIGHTSHIFT_ALERTS") as caught:
            load_model(tmp_path / "flight_delay.yaml")
        assert SECRET not in str(caught.value)

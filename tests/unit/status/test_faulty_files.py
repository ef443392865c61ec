"""A model file with faults does not take its model out of sight: what is served is told beside what is wrong."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from rich.console import Console
from typer.testing import CliRunner

from include import cli, terminal
from include.contracts import ReleaseEvent
from include.local.printing import status_table
from include.release import ledger
from include.status.exporter import WorldCollector
from include.status.faulty_files import fault_of
from include.status.model import statuses
from tests.unit.status.test_openmetrics import samples

MODEL = "shop_returns"
RELEASED = datetime(2026, 3, 1, 3, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def broken(state: Path, mlflow_uri: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model with a released version, whose file lost its task and has a key too many since; and a sound one."""
    models = state / "models"
    models.mkdir()
    shipped = Path(__file__).parents[3] / "include/models/telco_churn.yaml"
    (models / "telco_churn.yaml").write_text(shipped.read_text())
    text = shipped.read_text().replace("name: telco_churn", f"name: {MODEL}").replace("task: binary", "tusk: binary")
    (models / f"{MODEL}.yaml").write_text(text)
    monkeypatch.setenv("NIGHTSHIFT_MODELS", str(models))
    facts = {"model": MODEL, "version": 4, "champion_before": 3, "champion_after": 4, "airflow_run_id": "one"}
    said = {"actor": "gates", "reason": "every gate passed"}
    ledger.append(ReleaseEvent(at=RELEASED, event="promoted", **facts, **said))
    refused = facts | {"version": 5, "champion_before": 4}
    ledger.append(ReleaseEvent(at=datetime(2026, 3, 2, 3, tzinfo=UTC), event="refused", **refused, **said))
    return models


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal.console, "width", 300)
    monkeypatch.setattr(terminal.errors, "width", 300)


def nightshift(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, list(arguments), catch_exceptions=False)


def test_status_shows_it_beside_the_others_with_its_fault() -> None:
    found = {item.model: item for item in statuses()}
    assert set(found) == {MODEL, "telco_churn"} and not found["telco_churn"].file_faults
    assert found[MODEL].verdict == "refused" and len(found[MODEL].file_faults) == 2
    console = Console(width=300)
    with console.capture() as shown:
        console.print(status_table(found[MODEL]))
    assert (
        "line 1: task: Field required" in shown.get()
        and "(and 1 more)" in shown.get()
        and f"./nightshift lint {MODEL}" in shown.get()
    )
    scraped = samples(WorldCollector(statuses, list))
    assert scraped["nightshift_model_file_faulty", MODEL] == 1
    assert scraped["nightshift_model_file_faulty", "telco_churn"] == 0


def test_what_is_served_is_known_without_any_service(state: Path) -> None:
    (state / "run").mkdir()
    (state / "run/ports.json").write_text(json.dumps({"airflow": 1, "mlflow": 2, "metrics": 3}))
    found = fault_of(MODEL)
    assert found is not None and (found.champion, found.since) == (4, RELEASED)
    told = nightshift("status")
    assert told.exit_code == 1
    assert "Version 4 is still served since 2026-03-01 03:05 UTC" in told.output


def test_alerts_hold_it_open_until_it_is_mended(broken: Path) -> None:
    told = nightshift("alerts").output
    assert f"{MODEL}: CRITICAL model file: 2 faults" in told and "Version 4 is still served" in told
    file = broken / f"{MODEL}.yaml"
    file.write_text(file.read_text().replace("tusk: binary", "task: binary"))
    assert nightshift("alerts").output.strip() == "No alarm is open."


def test_train_says_the_fault_with_its_line_and_what_is_served() -> None:
    told = nightshift("train", MODEL)
    assert told.exit_code == 1 and re.search(r"line \d+: tusk: unknown key \(did you mean 'task'\?\)", told.output)
    assert "Version 4 is still served" in told.output and f"Next: ./nightshift lint {MODEL}" in told.output
    assert nightshift("lint", MODEL).exit_code == 1
    assert "refused version 5" in nightshift("history", MODEL).output


def test_another_broken_file_takes_nothing_from_a_model_that_is_sound(broken: Path) -> None:
    (broken / "folder.yaml").mkdir()
    (broken / "empty.yaml").touch()
    (broken / "latin.yaml").write_bytes("name: latin\ndescription: Grüße\n".encode("latin-1"))
    (broken / "tabs.yaml").write_text("name: tabs\n\tdescription: x\n")
    bomb = "\n".join(["a: &a [x, x]", *(f"b{n}: &b{n} [*a, *a]" for n in range(9))])
    (broken / "bomb.yaml").write_text(bomb)
    found = {item.model: item.file_faults for item in statuses()}
    assert {name for name, faults in found.items() if faults} == {MODEL, "folder", "empty", "latin", "tabs", "bomb"}
    told = nightshift("lint", "folder", "empty", "latin", "tabs", "bomb", "bom")
    assert told.exit_code == 1 and told.output.count("1 fault\n") == 6
    assert "bom: 1 fault" in told.output and "did you mean 'bomb'" in told.output

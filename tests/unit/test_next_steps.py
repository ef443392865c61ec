"""What a message names next is done, in the very situation that it was said in, and the situation is over."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import Result
from typer.testing import CliRunner

from include import cli, terminal
from include.config import environment
from include.config.schema import ModelConfig
from include.data import windows
from include.data.splits import Split, of_days
from include.errors import NotEnoughData

CHURN = (environment.REPOSITORY / "include/models/telco_churn.yaml").read_text()
NIGHT = date(2026, 5, 1)


@pytest.fixture(autouse=True)
def models(state: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = state / "models"
    folder.mkdir()
    monkeypatch.setenv("NIGHTSHIFT_MODELS", str(folder))
    for console in (terminal.console, terminal.errors):
        monkeypatch.setattr(console, "width", 1000)
    for name in ("airflow", "mlflow", "metrics"):  # an instance that ran once, and where nobody answers
        monkeypatch.setenv(f"NIGHTSHIFT_{name.upper()}_PORT", "9")
    return folder


def nightshift(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, list(arguments), catch_exceptions=False)


def named(told: str) -> list[str]:
    """The words of the `./nightshift` command that a message names."""
    found = re.search(r"Next: \./nightshift ([^\n]+)", told)
    assert found, told
    return shlex.split(found[1])


def sales_table(folder: Path) -> Path:
    rows = pd.DataFrame(
        {"order": range(600), "price": [n % 17 for n in range(600)], "kept": [n % 2 for n in range(600)]}
    )
    rows.to_csv(folder / "orders.csv", index=False)
    return folder / "orders.csv"


def test_a_name_that_is_nearly_right_leads_to_the_right_one(models: Path) -> None:
    (models / "telco_churn.yaml").write_text(CHURN)
    told = nightshift("history", "telco_chrun").stderr
    found = re.search(r"did you mean '(\w+)'", told)
    assert found and nightshift("history", found[1]).exit_code == 0


def test_without_any_model_file_the_command_that_makes_one_is_named(models: Path, state: Path) -> None:
    told = nightshift("train", "orders").stderr
    filled = {"NAME": "orders", "FILE": str(sales_table(state)), "COLUMN": "kept"}
    done = nightshift(*(filled.get(word, word) for word in named(told)))
    assert done.exit_code == 0, done.output
    assert (models / "orders.yaml").is_file()
    again = nightshift("train", "orders").stderr
    assert "no such model file" not in again and "does not answer" in again


def test_a_file_that_no_night_runs_is_brought_where_they_do(models: Path, state: Path) -> None:
    (state / "telco_churn.yaml").write_text(CHURN)
    told = nightshift("train", str(state / "telco_churn.yaml")).stderr
    copied = re.search(r"Next: (cp [^,]+),", told)
    assert copied, told
    subprocess.run(shlex.split(copied[1]), check=True)
    assert "does not answer" in nightshift("train", "telco_churn").stderr


def test_a_name_that_is_taken_may_be_written_anew(models: Path, state: Path) -> None:
    (models / "orders.yaml").write_text(CHURN)
    asked = ["new-model", "orders", "--from", str(sales_table(state)), "--target", "kept"]
    told = nightshift(*asked).stderr
    assert "exists; take another name, or --force" in told
    assert nightshift(*asked, "--force").exit_code == 0


def test_a_history_without_a_release_leads_to_one(models: Path) -> None:
    (models / "telco_churn.yaml").write_text(CHURN)
    told = nightshift("history", "telco_churn").output
    assert "next: ./nightshift train telco_churn" in told


def test_a_label_that_comes_late_leads_to_the_delay_that_does(sales: Callable[..., ModelConfig]) -> None:
    """Labels of the last thirty days are not there yet, and the model file waits for one day."""

    def made(delay: int) -> ModelConfig:
        return sales({"kind": "files", "path": "s.csv"}, day="sold_on", label_delay_days=delay)

    frame = rows_until(NIGHT)

    def splits(config: ModelConfig) -> dict[str, Any]:
        frozen = windows.training_windows(config, NIGHT)
        names: tuple[Split, ...] = ("train", "validation", "holdout")
        return {name: of_days(config, frame, getattr(frozen, name), name) for name in names}

    with pytest.raises(NotEnoughData, match="none of which has a returned yet") as caught:
        splits(made(1))
    wanted = re.search(r"write label_delay_days: (\d+)", str(caught.value))
    assert wanted, caught.value
    assert all(len(rows) for rows in splits(made(int(wanted[1]))).values())


def rows_until(night: date) -> pd.DataFrame:
    days = pd.to_datetime([night - timedelta(days=back) for back in range(120, 0, -1) for _ in range(4)])
    returned = pd.Series([number % 2 for number in range(len(days))], dtype="Int64")
    returned[days > pd.Timestamp(night - timedelta(days=31))] = pd.NA
    return pd.DataFrame({"sold_on": days, "returned": returned})


def test_days_that_are_not_there_and_rows_of_one_class_are_told_apart(sales: Callable[..., ModelConfig]) -> None:
    config = sales({"kind": "files", "path": "s.csv"}, day="sold_on", label_delay_days=1)
    days = windows.training_windows(config, NIGHT).train
    frame = rows_until(NIGHT)
    with pytest.raises(NotEnoughData, match=rf"\./nightshift trigger sales__ingest start={days.start} end={days.end}"):
        of_days(config, frame.head(0), days, "train")
    alike = frame.assign(returned=1)
    with pytest.raises(NotEnoughData, match=r"all of one class of returned.* give more days"):
        of_days(config, alike, days, "train")


def test_no_argument_shows_every_command() -> None:
    told = nightshift().output
    for command in ("new-model", "trigger", "unpause", "repair", "status"):
        assert command in told

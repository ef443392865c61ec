from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from include.authoring.tryout import try_model
from include.cli import app
from include.config import environment
from include.config.loader import load_model
from include.config.schema import ModelConfig
from include.data.newest import newest_night

SHIPPED = sorted((environment.REPOSITORY / "include/models").glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_model_runs_through_on_a_sample(path: Path, state: Path) -> None:
    before = dict(os.environ)
    tried = try_model(load_model(path), None, 3000, lambda step: None)
    assert tried.fine, tried.steps[-1]
    assert [step.name for step in tried.steps][:3] == ["read", "validate", "window"]
    assert tried.steps[-1].name == "score"
    assert list(state.iterdir()) == [] and dict(os.environ) == before, "a trial leaves nothing behind"


def orders(tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> ModelConfig:
    """A model of forty days of orders, whose file was changed after the model was drafted."""
    from include.authoring.new_model import Wanted, new_model
    from tests.unit.authoring.test_new_model import shop

    shop().to_csv(tmp_path / "orders.csv", index=False)
    written, _ = new_model(Wanted("orders", "late", str(tmp_path / "orders.csv"), time="ordered on"))
    change(shop()).to_csv(tmp_path / "orders.csv", index=False)
    return load_model(written)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("NIGHTSHIFT_MODELS", str(folder))
    return folder


def test_a_source_that_ends_in_the_past_is_tried_as_on_the_night_after(tmp_path: Path, models: Path) -> None:
    config = orders(tmp_path, lambda rows: rows)
    assert newest_night(config) == pd.Timestamp("2024-04-10").date()
    tried = try_model(config, None, 20_000, lambda step: None)
    assert tried.fine and str(tried.night) == "2024-04-10"


@pytest.mark.parametrize(
    ("change", "step", "said"),
    [
        (lambda rows: rows.drop(columns="items"), "validate", "items"),
        (
            lambda rows: rows.assign(late="no"),
            "window",
            "train_label_classes: label late must have both classes; found 1",
        ),
        (lambda rows: rows.assign(late="perhaps"), "validate", "late"),
        (lambda rows: rows[rows["ordered on"] < "2024-03-20"], "validate", "refused"),
    ],
)
def test_the_step_at_which_a_night_would_stop_is_named(
    change: Callable[[pd.DataFrame], pd.DataFrame], step: str, said: str, tmp_path: Path, models: Path
) -> None:
    config = orders(tmp_path, change)
    tried = try_model(config, pd.Timestamp("2024-04-10").date(), 20_000, lambda step: None)
    assert not tried.fine
    assert tried.steps[-1].name == step
    assert said in " ".join(tried.steps[-1].told)


def test_the_command_ends_in_one_where_a_night_would_fail(tmp_path: Path, models: Path) -> None:
    orders(tmp_path, lambda rows: rows.assign(late="no"))
    result = CliRunner().invoke(app, ["try", "orders", "--json"])
    assert result.exit_code == 1
    told = json.loads(result.output)
    assert told["fine"] is False and told["steps"][-1]["state"] == "fault"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_model_can_be_described(path: Path) -> None:
    result = CliRunner().invoke(app, ["describe", path.stem])
    assert result.exit_code == 0, result.output
    config = load_model(path)
    for said in (config.description, f"{path.stem}__retrain", config.training.candidates[0].name):
        assert said in result.output
    spelled = CliRunner().invoke(app, ["describe", path.stem, "--yaml"])
    assert "max_quarantined_share: 0.05" in spelled.output


def test_labels_that_live_elsewhere_or_are_not_known_yet_are_no_fault(tmp_path: Path, models: Path) -> None:
    """Only the rows' own source was asked, and the last days' labels were demanded before they can be known."""
    night = newest_night(orders(tmp_path, lambda rows: rows))
    path = models / "orders.yaml"
    shop = pd.read_csv(tmp_path / "orders.csv", dtype=str)
    shop.drop(columns="late").to_csv(tmp_path / "orders.csv", index=False)
    known = shop[shop["ordered on"] <= "2024-04-05"]
    known[["Order ID", "ordered on", "late"]].to_csv(tmp_path / "late.csv", index=False)
    text = path.read_text().replace("label_delay_days: 1", "label_delay_days: 5")
    path.write_text(
        text.replace("\ndata:\n", f"\ndata:\n  labels: {{kind: files, path: {tmp_path / 'late.csv'}}}\n", 1)
    )
    tried = try_model(load_model(path), night, 20_000, lambda step: None)
    assert tried.fine, tried.steps[-1]
    assert "400 rows pass, 0 are set aside" in tried.steps[1].told[0]


def test_hashed_columns_need_no_instance(tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NIGHTSHIFT_HASH_KEY", raising=False)
    orders(tmp_path, lambda rows: rows)
    path = models / "orders.yaml"
    path.write_text(path.read_text().replace("\ndata:\n", "\ndata:\n  personal: {Order ID: hash}\n", 1))
    assert try_model(load_model(path), None, 20_000, lambda step: None).fine
    assert "NIGHTSHIFT_HASH_KEY" not in os.environ

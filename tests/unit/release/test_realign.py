"""A registry that people or tools changed behind the ledger's back: what is said leads out of it."""

from __future__ import annotations

import re

import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner

from include import cli
from include.config import environment
from include.errors import PermanentError
from include.release import ledger, promotion, realign
from include.release.rollback import rollback
from include.scoring import loader
from include.status.model import _champion
from include.tracking import registry

MODEL = "parcels"
COMMAND = re.compile(r"\./nightshift (\S+) (\S+)(?: --to (\d+))?")


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of a killed promotion is on its way, and no version is remembered from another test's registry."""
    monkeypatch.setattr(promotion, "SETTLE_SECONDS", 0.01)
    loader._training.cache_clear()
    loader._load.cache_clear()


@pytest.fixture
def client(world, passed) -> MlflowClient:
    """Version 1 was champion, version 2 is; version 3 was never released."""
    promotion.promote(world.night(1, None)[0], passed(1, None), "schedule")
    promotion.promote(world.night(2, 1)[0], passed(2, 1), "schedule")
    return MlflowClient(environment.tracking_uri())


def next_step() -> str:
    return str(_champion(MODEL, ledger.history(MODEL)).get("next_step") or "")


def follow(message: str) -> None:
    """Do what a message says: `repair` by itself, `rollback` as its DAG's task does it."""
    found = COMMAND.search(message)
    assert found, message
    command, model, to = found.groups()
    assert model == MODEL
    if command == "rollback":
        rollback(MODEL, int(to) if to else None, "as the message said", "anna", "manual")
    else:
        assert command == "repair", message
        realign.realign(MODEL)


def test_a_registry_that_agrees_is_left_alone(client: MlflowClient) -> None:
    before = ledger.history(MODEL)
    assert next_step() == "" and realign.realign(MODEL) == [] and ledger.history(MODEL) == before


@pytest.mark.parametrize("alias", ["3", "1", None])
def test_an_alias_moved_or_removed_by_hand_is_put_back(client: MlflowClient, alias: str | None) -> None:
    client.delete_registered_model_alias(MODEL, "champion")
    if alias:
        client.set_registered_model_alias(MODEL, "champion", alias)
    said = next_step()
    assert "the ledger released version 2" in said
    follow(said)
    assert registry.champion_version(MODEL) == 2 and next_step() == ""


def test_a_rollback_without_a_champion_says_what_ends_that(client: MlflowClient) -> None:
    client.delete_registered_model_alias(MODEL, "champion")
    with pytest.raises(PermanentError, match="has no champion") as caught:
        rollback(MODEL, None, "it is wrong", "anna", "manual-1")
    follow(str(caught.value))
    assert rollback(MODEL, None, "it is wrong", "anna", "manual-1").version == 1


def test_a_named_version_is_served_again_where_none_is(client: MlflowClient) -> None:
    client.delete_registered_model_alias(MODEL, "champion")
    assert rollback(MODEL, 1, "the alias is gone", "anna", "manual-1").champion_after == 1


def test_a_deleted_champion_leaves_none_and_the_way_back(client: MlflowClient) -> None:
    client.delete_model_version(MODEL, "2")
    follow(next_step())
    assert registry.champion_version(MODEL) is None and next_step() == ""
    with pytest.raises(PermanentError, match="no such version") as caught:
        rollback(MODEL, 2, "it was good", "anna", "manual-1")
    follow(str(caught.value))
    assert registry.champion_version(MODEL) == 1 and next_step() == ""


def test_a_deleted_model_leaves_none(client: MlflowClient) -> None:
    client.delete_registered_model(MODEL)
    follow(next_step())
    assert registry.champion_version(MODEL) is None and next_step() == ""


def test_a_champion_whose_record_is_gone_is_served_no_longer(client: MlflowClient, monkeypatch) -> None:
    from include.tracking import artifacts

    kept = artifacts.load_config
    gone = registry.version_info(MODEL, 2).tags["parent_run_id"]

    def load_config(run_id: str):
        if run_id == gone:  # what MLflow answers after its garbage collection
            return kept("0" * 32)
        return kept(run_id)

    monkeypatch.setattr(artifacts, "load_config", load_config)
    with pytest.raises(PermanentError, match="gone from MLflow") as caught:
        loader.training(MODEL, 2)
    follow(str(caught.value))
    assert registry.champion_version(MODEL) is None
    assert rollback(MODEL, 1, "the one before", "anna", "manual-1").version == 1


def test_somebody_elses_model_of_that_name_is_not_served(world) -> None:
    client = MlflowClient(environment.tracking_uri())
    client.set_registered_model_alias(MODEL, "champion", "3")
    assert "the ledger released none" in next_step()
    follow(next_step())
    assert registry.champion_version(MODEL) is None and next_step() == ""
    assert "never released" in ledger.history(MODEL)[-1].reason


def test_the_command_names_what_it_did_and_what_comes_next(client: MlflowClient, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("NIGHTSHIFT_MODELS", str(tmp_path / "models"))
    (tmp_path / "models").mkdir()
    (tmp_path / f"models/{MODEL}.yaml").write_text("its faults are no matter here")
    monkeypatch.setenv("NIGHTSHIFT_AIRFLOW_URL", "http://127.0.0.1:1")  # the registry that variables name
    client.delete_model_version(MODEL, "2")
    done = CliRunner().invoke(cli.app, ["repair", MODEL], catch_exceptions=False)
    assert done.exit_code == 0 and f"Next: ./nightshift train {MODEL}" in done.output
    assert "Nothing to repair" in CliRunner().invoke(cli.app, ["repair", MODEL]).output

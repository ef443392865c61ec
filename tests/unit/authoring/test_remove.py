from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner

from include.authoring.remove import plan
from include.cli import app
from include.config import environment
from include.errors import PermanentError
from include.tracking import naming, removal


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    shutil.copy(environment.REPOSITORY / "include/models/ridership.yaml", folder)
    monkeypatch.setenv("NIGHTSHIFT_MODELS", str(folder))
    return folder


def test_a_model_file_is_removed_and_what_was_stored_stays(models: Path, state: Path) -> None:
    kept = state / "tables/ridership/validated"
    kept.mkdir(parents=True)
    asked = CliRunner().invoke(app, ["remove-model", "ridership"], input="n\n")
    assert asked.exit_code == 1 and (models / "ridership.yaml").exists()
    done = CliRunner().invoke(app, ["remove-model", "ridership", "--yes"])
    assert done.exit_code == 0, done.output
    assert not (models / "ridership.yaml").exists() and kept.is_dir()
    assert "ridership__retrain" in done.output and "keeps its tables" in done.output


def test_a_model_that_is_not_there_is_told_with_those_that_are(models: Path) -> None:
    with pytest.raises(PermanentError, match="models here: ridership"):
        plan("ridrship", purge=False)


def test_tables_elsewhere_are_not_purged_half(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTSHIFT_TABLES", "s3://bucket/tables")
    with pytest.raises(PermanentError, match="s3://bucket/tables/ridership"):
        plan("ridership", purge=True)
    assert (models / "ridership.yaml").exists()


def test_mlflow_forgets_a_purged_model_and_its_names_are_free_again(mlflow_uri: str) -> None:
    client = MlflowClient(mlflow_uri)
    for name in ("rides", naming.releases_experiment("rides"), "other"):
        client.create_experiment(name)
    client.create_registered_model("rides")
    client.create_registered_model("other")
    assert removal.held("rides") == (0, ("rides", naming.releases_experiment("rides")))
    removal.remove("rides")
    assert [found.name for found in client.search_registered_models()] == ["other"]
    assert {found.name for found in client.search_experiments()} == {"Default", "other"}
    client.create_experiment("rides")
    removal.remove("rides")
    removal.remove("rides")

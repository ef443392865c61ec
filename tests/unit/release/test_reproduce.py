"""Versions of every estimator are trained again in a clean process, from real tables and a real MLflow."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from deltalake import DeltaTable
from mlflow import MlflowClient
from typer.testing import CliRunner

from include import cli
from include.config.estimators import known_estimators
from include.config.schema import ModelConfig
from include.contracts import Holdout, Selection
from include.data import tables, windows
from include.errors import ConfigError, PermanentError
from include.local import instance
from include.release import reproduce
from include.tracking import registry, runs
from include.tracking.provenance import MADE_WITH
from include.training import jobs, rerun

MODEL = "crates"
AS_OF = date(2024, 3, 1)
DAYS = [AS_OF - timedelta(days=back) for back in range(24, 0, -1)]
ROWS_A_DAY = 100
NAMES = sorted(known_estimators("binary"), key=lambda name: name != "LogisticRegression")
"""The first is the one whose scores are never 0 or 1: their last bit can be changed upwards."""
PARAMS: dict[str, dict[str, Any]] = {
    "LogisticRegression": {"C": 0.5},
    "RandomForestClassifier": {"n_estimators": 20, "max_samples": 0.5},
    "ExtraTreesClassifier": {"n_estimators": 20},
    "HistGradientBoostingClassifier": {"max_iter": 15, "early_stopping": True},
    "KNeighborsClassifier": {"weights": "distance"},
    "DummyClassifier": {"strategy": "stratified"},
}


MEASURED = 1
"""The version whose holdout was measured: it takes a second to draw its figures."""
UNMEASURED = Holdout(rows=400, days=4, metrics={}, baseline={})


@pytest.fixture(scope="module")
def crates() -> ModelConfig:
    kinds = {"sent": "date", "number": "integer", "late": "integer", "depot": "string", "shift": "integer"}
    candidates = [{"name": f"c{n}", "estimator": name, "params": PARAMS[name]} for n, name in enumerate(NAMES)]
    return ModelConfig.model_validate(
        {
            "name": MODEL,
            "description": "Will a crate be late?",
            "owner": "tests",
            "task": "binary",
            "data": {
                "source": {"kind": "python", "module": "flights"},
                "day": "sent",
                "key": ["sent", "number"],
                "label": "late",
                "columns": {**kinds, "weight": "number", "queue": "number"},
            },
            "features": {
                "numeric": ["weight", "queue"],
                "categorical": ["depot", "shift"],
                "rates": [{"name": "depot_3d", "by": ["depot"], "days": 3}],
            },
            "training": {"train_days": 12, "validation_days": 4, "holdout_days": 4, "candidates": candidates},
        }
    )


@pytest.fixture(scope="module")
def registered(crates: ModelConfig, _migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A version of each estimator, fitted by two threads, and one more by one; then the days are written again."""
    folder = tmp_path_factory.mktemp("crates")
    shutil.copy(_migrated, folder / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
        patch.setenv("NIGHTSHIFT_TABLES", str(folder / "tables"))
        patch.setenv("NIGHTSHIFT_MODELS", str(folder))
        patch.setenv("NIGHTSHIFT_GIT_SHA", "c" * 40)
        _write(crates, seed=0)
        for threads, candidates in ((2, crates.training.candidates), (1, crates.training.candidates[:1])):
            patch.setenv("NIGHTSHIFT_THREADS", str(threads))
            context = jobs.open_run(crates, AS_OF, f"run-{threads}", "")
            for candidate in candidates:
                chosen = jobs.train_candidate(context, candidate.name)
                selection = Selection(chosen=chosen, metric="roc_auc", ranking=((chosen.name, 0.7),), reason="tried.")
                first = candidate == candidates[0] and threads == 2
                holdout = jobs.evaluate_holdout(context, selection) if first else UNMEASURED
                registry.register(context, selection, holdout)
        patch.delenv("NIGHTSHIFT_THREADS")
        _write(crates, seed=1)
        yield folder


def _write(config: ModelConfig, seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = len(DAYS) * ROWS_A_DAY
    frame = pd.DataFrame({"sent": np.repeat(DAYS, ROWS_A_DAY), "number": np.arange(count)})
    frame["depot"] = rng.choice(["north", "south", None], count)
    frame["shift"] = rng.integers(0, 3, count)
    frame["weight"] = np.where(rng.random(count) < 0.1, np.nan, rng.normal(size=count))
    frame["queue"] = rng.normal(size=count)
    chance = 1 / (1 + np.exp(-(frame["queue"] + (frame["depot"] == "north") - 0.5)))
    frame["late"] = (rng.random(count) < chance).astype(int)
    frame["row_key"] = windows.row_keys(config, frame)
    schema = tables.schema_for({**config.data.columns, "row_key": "string"})
    tables.replace_days(MODEL, windows.VALIDATED, frame, frame["sent"], DAYS, schema)


def _everything() -> list[object]:
    """What the registry and the runs hold."""
    client = MlflowClient()
    held: list[object] = [
        (version.version, version.last_updated_timestamp, sorted(version.tags.items()), version.aliases)
        for version in client.search_model_versions(f"name = '{MODEL}'")
    ]
    held += [
        (run.info.run_id, run.info.end_time, sorted(run.data.metrics.items()), sorted(run.data.tags.items()))
        for experiment in client.search_experiments()
        for run in client.search_runs([experiment.experiment_id])
    ]
    return held


def test_every_estimator_is_the_same_to_the_last_bit(registered: Path) -> None:
    """The table has had a newer version since, this process another hash seed, and MLflow must stay as it is."""
    before = _everything()
    found = reproduce.reproduce(MODEL, range(1, len(NAMES) + 2))
    assert [one.estimator for one in found] == [*NAMES, NAMES[0]]
    assert [one.threads for one in found] == [2] * len(NAMES) + [1]
    differing = {
        (one.estimator, one.threads): (one.largest_difference, [figure for figure in one.metrics if not figure.same])
        for one in found
        if not one.identical
    }
    assert differing == {}
    for one in found:
        assert (one.golden_rows, one.data_version, one.same_rows) == (50, 1, True)
        assert {"train_log_loss", "validation_f1"} <= {figure.name for figure in one.metrics}
    assert "holdout_roc_auc" in {figure.name for figure in found[MEASURED - 1].metrics}
    assert _everything() == before


def test_what_differs_is_shown_and_the_exit_code_says_so(registered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One prediction in its last bit, one metric, the code and the model file are not what was recorded."""
    monkeypatch.setattr(instance, "find", lambda: None)  # no local services: this registry is the test's
    monkeypatch.setenv("NIGHTSHIFT_GIT_SHA", "d" * 40)
    run_id = registry.version_info(MODEL, MEASURED).mlflow_run_id
    golden = runs.load_text(run_id, "golden.json")
    metric = runs.run_metrics(run_id)[0]["holdout_roc_auc"]
    try:
        told = json.loads(golden)
        told["scores"][7] = float(np.nextafter(told["scores"][7], 1))
        runs.log_text(run_id, json.dumps(told), "golden.json")
        runs.log_metrics(run_id, {"holdout_roc_auc": metric + 0.001})
        done = CliRunner().invoke(cli.app, ["reproduce", MODEL, str(MEASURED), "--json"])
    finally:
        runs.log_text(run_id, golden, "golden.json")
        runs.log_metrics(run_id, {"holdout_roc_auc": metric})
    assert done.exit_code == 1
    found = reproduce.Reproduction.from_json(json.loads(done.stdout))
    assert (found.identical, found.same_rows, found.golden_differing) == (False, True, 1)
    assert 0 < found.largest_difference < 1e-15
    assert [figure.name for figure in found.metrics if not figure.same] == ["holdout_roc_auc"]
    differing = {fact.name: (fact.recorded, fact.now) for fact in found.facts if not fact.same}
    assert differing["git_sha"] == ("c" * 40, "d" * 40)
    assert differing["config_hash"][1] == "no usable model file"
    assert differing.keys() == {"git_sha", "config_hash"}


def test_the_command_says_identical(registered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instance, "find", lambda: None)
    done = CliRunner().invoke(cli.app, ["reproduce", MODEL, "2"])
    assert done.exit_code == 0
    assert "identical: 50 predictions and" in done.stdout
    assert NAMES[1] in done.stdout


def test_a_version_carries_what_it_was_made_with(registered: Path) -> None:
    tags = registry.version_info(MODEL, 1).tags
    assert {*reproduce.NEEDED, *MADE_WITH} <= tags.keys()
    assert tags["threads"] == "2"


def _vacuum(table: Path) -> None:
    DeltaTable(table).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)


def _lose_the_log(table: Path) -> None:
    for entry in (table / "_delta_log").iterdir():
        entry.unlink()


@pytest.mark.parametrize(
    ("lose", "why"), [(_vacuum, "its files were removed"), (_lose_the_log, "the table or its log was removed")]
)
def test_a_data_version_that_is_gone_is_named(
    registered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lose: Callable[[Path], None], why: str
) -> None:
    shutil.copytree(registered / "tables", tmp_path / "tables")
    monkeypatch.setenv("NIGHTSHIFT_TABLES", str(tmp_path / "tables"))
    lose(tmp_path / "tables" / MODEL / windows.VALIDATED)
    with pytest.raises(PermanentError, match=rf"data version 1 of the table .* cannot be read any more: .*{why}"):
        rerun.rerun(reproduce._recorded(MODEL, 3).request)


def test_the_fault_of_the_clean_process_is_told_with_the_version(
    registered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instance, "find", lambda: None)
    monkeypatch.setenv("NIGHTSHIFT_TABLES", str(tmp_path))
    done = CliRunner().invoke(cli.app, ["reproduce", MODEL, "3"])
    assert done.exit_code == 1
    assert "version 3 of crates cannot be trained again: data version 1 of the table" in done.stderr.replace("\n", " ")


def test_an_unknown_version_and_an_unknown_model_are_named(registered: Path) -> None:
    with pytest.raises(PermanentError, match=r"crates has no version 99; its versions are: 1, 2, 3,"):
        reproduce.reproduce(MODEL, [99])
    with pytest.raises(ConfigError, match="no such model file"):
        reproduce.reproduce("crate", [1])


def test_a_configuration_that_is_gone_or_was_replaced_is_named(registered: Path) -> None:
    client = MlflowClient()
    run = client.get_run(registry.version_info(MODEL, 1).tags["parent_run_id"])
    stored = Path(run.info.artifact_uri.removeprefix("file://"), "config.json")
    text = stored.read_text()
    try:
        stored.write_text(text.replace('"seed": 0', '"seed": 1'))
        with pytest.raises(PermanentError, match=r"config\.json of run .* somebody has replaced it"):
            reproduce.reproduce(MODEL, [1])
        stored.unlink()
        with pytest.raises(PermanentError, match=r"artefact config\.json of run .* cannot be read any more"):
            reproduce.reproduce(MODEL, [1])
    finally:
        stored.write_text(text)


def test_a_version_that_no_retrain_run_made_is_named(registered: Path) -> None:
    client = MlflowClient()
    client.create_registered_model("by_hand")
    client.create_model_version("by_hand", registry.version_info(MODEL, 1).model_uri, await_creation_for=0)
    with pytest.raises(PermanentError, match=r"no tag nightshift\.parent_run_id"):
        reproduce.reproduce("by_hand", [1])


def test_the_clean_process_inherits_neither_settings_nor_the_registrys_address(
    registered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYTHONHASHSEED", "OMP_NUM_THREADS", "TZ", "NIGHTSHIFT_GIT_SHA", "PYTHONSTARTUP", "AIRFLOW_HOME"):
        monkeypatch.setenv(name, "77")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://storage")
    given = reproduce._environment(2)
    assert "MLFLOW_TRACKING_URI" not in given
    assert "77" not in given.values()
    assert (given["OMP_NUM_THREADS"], given["PYTHONHASHSEED"], given["TZ"]) == ("2", "0", "UTC")
    assert given["AWS_ENDPOINT_URL"] == "http://storage"
    assert given["NIGHTSHIFT_TABLES"] == str(registered / "tables")

"""Models of every task, and of a snapshot, all the way: trained, chosen, judged, registered, gated, served, made again.

Real MLflow, real tables. Each model has a candidate that knows nothing and one that knows the signal.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
import yaml
from mlflow import MlflowClient

from include.config.schema import ModelConfig
from include.config.section import METRICS_OF
from include.contracts import CandidateResult, GateDecision, GateResult, Holdout, RegisteredVersion, RunContext
from include.data import tables, windows
from include.errors import DataRefused
from include.release import judge, promotion, reproduce
from include.tracking import models, registry, runs
from include.training import jobs
from include.validation.window import validate_window

AS_OF = date(2026, 3, 1)
ROWS_A_DAY, DAYS = 60, 24
CLASSES = ["bus", "train", "tram"]
SEARCH = {"trials": 3, "folds": 2, "params": {"C": {"low": 0.01, "high": 10.0, "log": True}}}


def _declared(name: str, task: str, **more: Any) -> ModelConfig:
    """A model of `task`; `more` replaces whole keys of its sections."""
    regression = task == "regression"
    label = "delay" if regression else "taken"
    content: dict[str, Any] = {
        "name": name,
        "description": "How will they come?",
        "owner": "tests",
        "task": task,
        "data": {
            "source": {"kind": "python", "module": "flights"},
            "day": "sent",
            "key": ["number"],
            "label": label,
            "classes": [] if regression else CLASSES,
            "columns": {
                "sent": "date",
                "number": "integer",
                **dict.fromkeys(["rain", "far", "weight"], "number"),
                "stop": "string",
                label: "number" if regression else "string",
            },
        },
        "features": {"numeric": ["rain", "far"], "categorical": ["stop"]},
        "training": {
            "train_days": 12,
            "validation_days": 4,
            "holdout_days": 6,
            "candidates": [
                {"name": "weak", "estimator": "DummyRegressor" if regression else "DummyClassifier"},
                {"name": "good", "estimator": "Ridge"}
                if regression
                else {"name": "good", "estimator": "LogisticRegression", "search": SEARCH},
            ],
        },
        "release": {"min_holdout_rows": 100, "resamples": 300},
    }
    for section, given in more.items():
        content[section] = {**content[section], **given}
    return ModelConfig.model_validate(content)


QUANTILE: Mapping[str, Any] = {
    "features": {"categorical": [], "target_encoded": ["stop"]},
    "training": {
        "quantile": 0.9,
        "sample_weight": "weight",
        "half_life_days": 20,
        "candidates": [
            {"name": "weak", "estimator": "DummyRegressor"},
            {
                "name": "good",
                "estimator": "HistGradientBoostingRegressor",
                "params": {"max_iter": 30},
                "search": {"method": "halving", "trials": 3, "folds": 2, "params": {"max_leaf_nodes": [3, 5, 8]}},
            },
        ],
    },
}
SNAPSHOT: Mapping[str, Any] = {
    "training": {"train_days": None, "validation_days": None, "holdout_days": None, "class_weight": "balanced"},
    "release": {"rows": "independent", "max_holdout_uses": 2, "against_champion": {"metric": "accuracy"}},
}


def _snapshot() -> ModelConfig:
    content = _declared("snapshot_model", "multiclass").model_dump(mode="json")
    content["data"] = {**content["data"], "columns": {**content["data"]["columns"]}}
    del content["data"]["day"], content["data"]["columns"]["sent"]
    for section, given in SNAPSHOT.items():
        content[section] = {**content[section], **given}
    return ModelConfig.model_validate(content)


CONFIGS = {
    "multiclass": _declared(
        "multiclass_model",
        "multiclass",
        release={
            "min_holdout_rows": 100,
            "resamples": 300,
            "thresholds": [{"metric": "log_loss", "min_skill": 0.02}, {"metric": "accuracy", "min": 0.4}],
            "slices": [{"column": "stop", "metric": "accuracy", "max_gap": 0.5, "min_rows": 50}],
        },
    ),
    "regression": _declared(
        "regression_model",
        "regression",
        release={
            "min_holdout_rows": 100,
            "resamples": 300,
            "thresholds": [{"metric": "r2", "min": 0.3}, {"metric": "mean_absolute_error", "min_skill": 0.2}],
            "max_model_mb": 5,
            "max_scoring_ms_per_1000_rows": 5000,
        },
    ),
    "quantile": _declared("quantile_model", "regression", **QUANTILE),
    "snapshot": _snapshot(),
}


@dataclass(frozen=True)
class Night:
    """What one night's retraining handed on."""

    context: RunContext
    results: tuple[CandidateResult, ...]
    holdout: Holdout
    registered: RegisteredVersion
    decision: GateDecision

    def gate(self, name: str) -> GateResult:
        return next(gate for gate in self.decision.gates if gate.name == name)


def _write(config: ModelConfig, last: date) -> None:
    """Rows of the days up to `last`; of a snapshot all as of that day."""
    random = np.random.default_rng(3)
    count = ROWS_A_DAY * DAYS
    days = np.repeat([AS_OF - timedelta(days=back) for back in range(DAYS - 1, -1, -1)], ROWS_A_DAY)
    rows = pd.DataFrame(
        {"number": np.arange(count), "rain": random.normal(size=count), "far": random.normal(size=count)}
    )
    rows["stop"] = random.choice(["north", "south", "west"], count)
    rows["weight"] = random.uniform(0.5, 2, count)
    pull = 1.5 * rows["rain"] + rows["far"] + (rows["stop"] == "north") + random.normal(0, 0.8, count)
    rows["delay"] = 60 + 10 * pull
    rows["taken"] = np.array(CLASSES)[np.digitize(pull, [-0.5, 1.0])]
    rows["sent"] = days
    if config.data.snapshot:
        rows["snapshot_day"] = last
    rows = rows[[*config.data.columns]]
    rows["row_key"] = windows.row_keys(config, rows)
    schema = tables.schema_for({**config.data.columns, "row_key": "string"})
    written = [last] if config.data.snapshot else sorted(set(days))
    tables.replace_days(config.name, windows.VALIDATED, rows, rows[config.data.day], written, schema)


def _night(config: ModelConfig, as_of: date, names: tuple[str, ...]) -> Night:
    """The retrain run's tasks in their order."""
    context = jobs.open_run(config, as_of, f"run-{as_of}", "http://localhost/run")
    assert all(failure.severity == "warn" for failure in validate_window(config, context))
    results = tuple(jobs.train_candidate(context, name) for name in names)
    selection = jobs.select_candidate(context, results)
    holdout = jobs.evaluate_holdout(context, selection)
    registered = registry.register(context, selection, holdout)
    return Night(context, results, holdout, registered, judge.evaluate_gates(context, registered))


@pytest.fixture(scope="module", params=CONFIGS)
def served(
    request: pytest.FixtureRequest, _migrated: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ModelConfig, list[Night]]]:
    """A first release by the better candidate; the next night one that knows nothing stands against it."""
    config = CONFIGS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    shutil.copy(_migrated, folder / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
        patch.setenv("NIGHTSHIFT_TABLES", str(folder / "tables"))
        patch.setenv("NIGHTSHIFT_STATE", str(folder))
        patch.setenv("NIGHTSHIFT_GIT_SHA", "c" * 40)
        _write(config, AS_OF - timedelta(days=1))
        first = _night(config, AS_OF, ("weak", "good"))
        assert promotion.promote(first.context, first.decision, "tests").event == "promoted"
        if config.data.snapshot:
            _write(config, AS_OF)
        yield config, [first, _night(config, AS_OF + timedelta(days=1), ("weak",))]


def test_the_better_candidate_is_chosen_measured_and_released(served: tuple[ModelConfig, list[Night]]) -> None:
    config, (first, _) = served
    assert first.decision.verdict == "promote", first.decision.reasons
    assert first.decision.first_release
    names = set(METRICS_OF[config.task]) - (set() if config.training.quantile else {"mean_pinball_loss"})
    assert set(first.holdout.metrics) == set(first.holdout.baseline) == names
    better = 1 if config.training.select_by in ("r2", "accuracy") else -1
    by = config.training.select_by
    assert better * first.holdout.metrics[by] > better * first.holdout.baseline[by]
    weak, good = first.results
    for split in ("train", "validation"):
        assert {f"{split}_{name}" for name in names} <= set(good.metrics)
    assert better * good.metrics[f"validation_{by}"] > better * weak.metrics[f"validation_{by}"]
    assert promotion.verify_champion(config.name, 1).passed


def test_a_version_that_knows_nothing_is_refused_with_evidence(served: tuple[ModelConfig, list[Night]]) -> None:
    config, (_, second) = served
    assert second.decision.verdict == "refuse"
    judged = second.decision.evidence[0]
    assert judged.metric == config.release.against_champion.metric
    assert judged.high < 0, "above 0 is better, whichever way the metric goes"
    assert not second.gate("against_champion").passed
    assert second.gate("parity").passed and second.gate("holdout_labels").passed
    assert judged.method.startswith("paired McNemar test" if config.data.snapshot else "paired bootstrap of whole days")
    assert len(second.decision.evidence) == (2 if config.task == "multiclass" and not config.data.snapshot else 1)
    page = runs.load_text(second.context.mlflow_run_id, "gates/report.html")
    assert "<svg" in page and "not compared" not in page
    assert registry.champion_version(config.name) == 1


def test_the_card_and_the_pictures_are_of_the_task(served: tuple[ModelConfig, list[Night]]) -> None:
    config, (first, _) = served
    card = runs.load_text(first.registered.mlflow_run_id, "model_card.md")
    assert ("regression" if config.task == "regression" else "multiclass classification") in card
    assert "probability of" not in card
    if config.task == "multiclass":
        assert "one of bus, train, tram" in card
    if config.training.quantile:
        assert "quantile 0.9 of delay" in card and "mean pinball loss" in card and "half after 20 days" in card
    assert ("rows shared out by a hash" in card) == config.data.snapshot
    assert ("what changes with time was not tested" in card) == config.data.snapshot
    assert ("It has learned from rows of February only" in card) != config.data.snapshot
    figures = {Path(file.path).name for file in MlflowClient().list_artifacts(first.context.mlflow_run_id, "holdout")}
    drawn = {"roc.png", "confusion.png"} if config.task == "multiclass" else {"predicted.png", "residuals.png"}
    assert figures == drawn | ({"coverage.png"} if config.training.quantile else set())


def test_the_stored_model_says_what_it_predicts(served: tuple[ModelConfig, list[Night]]) -> None:
    config, (first, _) = served
    good = first.results[1]
    local = Path(mlflow.artifacts.download_artifacts(good.model_uri))
    stored = yaml.safe_load((local / "MLmodel").read_text())
    (output,) = json.loads(stored["signature"]["outputs"])
    loaded = mlflow.pyfunc.load_model(str(local))
    example = models.typed_as_signed(config, windows.read_rows(config, first.context.windows.holdout, AS_OF).head(3))
    predicted = loaded.predict(example)
    logged = MlflowClient().get_logged_model(models.model_id(good.model_uri))
    if config.task == "regression":
        assert (stored["flavors"]["python_function"]["predict_fn"], output["tensor-spec"]["shape"]) == ("predict", [-1])
        assert predicted.shape == (3,) and "classes" not in logged.params
    else:
        assert stored["flavors"]["python_function"]["predict_fn"] == "predict_proba"
        assert output["tensor-spec"]["shape"] == [-1, 3] and predicted.shape == (3, 3)
        assert json.loads(logged.params["classes"]) == stored["metadata"]["classes"] == CLASSES
    rows, scores = runs.load_golden(good.mlflow_run_id)
    assert scores.shape == ((len(rows), 3) if config.task == "multiclass" else (len(rows),))


def test_a_search_is_logged_where_a_model_file_would_have_it(served: tuple[ModelConfig, list[Night]]) -> None:
    config, (first, _) = served
    asked, good = config.training.candidates[1].search, first.results[1]
    data = MlflowClient().get_run(good.mlflow_run_id).data
    if asked is None:
        assert not any("search" in name for name in [*data.params, *data.metrics])
        return
    (name,) = asked.params
    best = json.loads(data.params[f"training.candidates.1.params.{name}"])
    table = pd.read_csv(pd.io.common.StringIO(runs.load_text(good.mlflow_run_id, "search_trials.csv")))
    assert table[name].iloc[0] == best
    assert data.metrics["search_trials"] == asked.trials <= len(table)
    assert data.metrics[f"search_best_{config.training.select_by}"] == pytest.approx(table["score"].iloc[0])
    assert jobs.train_candidate(first.context, "good") == good, "a retry gives the same result"


def test_a_version_is_made_again_to_the_last_bit(served: tuple[ModelConfig, list[Night]]) -> None:
    config, _ = served
    (found,) = reproduce.reproduce(config.name, [1])
    assert [figure for figure in found.metrics if not figure.same] == []
    assert found.identical and found.golden_rows == 50
    searched = config.training.candidates[1].search is not None
    assert any(figure.name.startswith("search_best_") for figure in found.metrics) == searched


def test_a_snapshot_that_never_changes_judges_so_many_models_and_no_more(
    _migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same rows on another day are the same holdout: else every night would get another try at luck.

    The same model again is no other try: it gives the same scores.
    """
    shipped = CONFIGS["snapshot"]
    release = shipped.release.model_copy(update={"max_holdout_uses": 1})
    config = shipped.model_copy(update={"release": release})
    shutil.copy(_migrated, tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.setenv("NIGHTSHIFT_TABLES", str(tmp_path / "tables"))
    monkeypatch.setenv("NIGHTSHIFT_STATE", str(tmp_path))
    uses, hashes = [], set()
    for offset, candidate in enumerate(("weak", "weak", "good")):
        as_of = AS_OF + timedelta(days=offset)
        _write(config, as_of - timedelta(days=1))
        night = _night(config, as_of, (candidate,))
        hashes.add(night.context.data_hash)
        uses.append((night.gate("holdout_uses").value, night.gate("holdout_uses").passed))
    assert uses == [(1.0, True), (1.0, True), (2.0, False)]
    assert len(hashes) == 1, "what was rolled back must be known again on another night"
    assert "the same rows are the same holdout" in night.gate("holdout_uses").sentence
    assert night.context.windows.holdout.start == AS_OF + timedelta(days=1)


def test_a_snapshots_holdout_is_of_no_other_part(
    _migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from include.data import splits
    from include.release.gather import holdout_rows

    config = CONFIGS["snapshot"]
    shutil.copy(_migrated, tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.setenv("NIGHTSHIFT_TABLES", str(tmp_path / "tables"))
    _write(config, AS_OF - timedelta(days=1))
    context = jobs.open_run(config, AS_OF, "run", "")
    everything = windows.read_rows(config, context.windows.whole, AS_OF)
    parts = splits.split(config, everything, context.windows)
    judged = holdout_rows(config, context)
    assert set(judged["row_key"]) == set(parts["holdout"]["row_key"])
    assert not set(judged["row_key"]) & {*parts["train"]["row_key"], *parts["validation"]["row_key"]}
    assert sum(map(len, parts.values())) == len(everything) == ROWS_A_DAY * DAYS
    few = config.model_copy(
        update={"training": config.training.model_copy(update={"split": _shares(0.98, 0.01, 0.01)})}
    )
    with pytest.raises(
        DataRefused, match=r"validation_rows: a split needs at least 50 rows(.|\n)*a table of 7,603 rows would do"
    ):
        validate_window(few, context)


def _shares(train: float, validation: float, holdout: float) -> Any:
    from include.config.schema import Split

    return Split(train=train, validation=validation, holdout=holdout)

"""A run's files come back as they went in, types and last digits too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from mlflow import MlflowClient
from sklearn.pipeline import Pipeline

from include.config.schema import ModelConfig
from include.errors import PermanentError
from include.tracking import artifacts, runs
from include.tracking.golden_rows import golden_sample


@pytest.fixture
def run_id(mlflow_uri: str) -> str:
    return runs.open_run_in("m", "k", name="r").run_id


def test_json_text_and_pages(run_id: str, tmp_path: Path) -> None:
    artifacts.log_json(run_id, {"a": [1, 0.1, None]}, "gates/decision.json")
    assert artifacts.load_json(run_id, "gates/decision.json") == {"a": [1, 0.1, None]}
    page = tmp_path / "page.html"
    page.write_text("<p>é</p>", encoding="utf-8")
    artifacts.log_html(run_id, page, "report.html")
    assert artifacts.load_text(run_id, "report.html") == "<p>é</p>"
    artifacts.log_html(run_id, "<p>new</p>", "report.html")
    assert artifacts.load_text(run_id, "report.html") == "<p>new</p>"


def test_figures(run_id: str, mlflow_uri: str) -> None:
    figure = Figure()
    figure.subplots().plot([0, 1])
    artifacts.log_figures(run_id, {"roc.png": figure, "calibration.png": figure})
    artifacts.log_figure(run_id, figure, "drift/psi.png")
    artifacts.log_figure(run_id, figure, "plain.png")
    client = MlflowClient(mlflow_uri)
    assert "plain.png" in {file.path for file in client.list_artifacts(run_id)}
    assert {file.path for file in client.list_artifacts(run_id, "figures")} == {
        "figures/roc.png",
        "figures/calibration.png",
    }
    assert client.list_artifacts(run_id, "drift")[0].file_size > 1000


def test_a_missing_artefact_is_permanent_and_named(run_id: str) -> None:
    with pytest.raises(PermanentError, match=r"no artefact 'golden\.json'"):
        artifacts.load_golden(run_id)


def test_golden_rows_give_the_same_scores_to_the_last_digit(
    run_id: str, flight_delay: ModelConfig, frame: pd.DataFrame, pipeline: Pipeline
) -> None:
    rows = golden_sample(frame[list(flight_delay.features.names)])
    assert len(rows) == 50
    scores = pipeline.predict_proba(rows)[:, 1]
    artifacts.log_golden(run_id, rows, scores)
    again, kept = artifacts.load_golden(run_id)
    pd.testing.assert_frame_equal(again, rows)
    np.testing.assert_array_equal(kept, scores)
    np.testing.assert_array_equal(pipeline.predict_proba(again)[:, 1], scores)


def test_golden_rows_keep_missing_strings_and_integers(run_id: str) -> None:
    rows = pd.DataFrame({"s": pd.Series(["a", None, "b"], dtype="str"), "i": [1, 2, 3], "x": [0.1, np.nan, 1e-300]})
    rows["n"] = pd.array([1, None, 3], dtype="Int64")
    rows["c"] = pd.Categorical(["u", None, "v"])
    rows["t"] = pd.to_datetime(["2013-01-01", None, "2013-01-03T04:05:06"], format="ISO8601")
    artifacts.log_golden(run_id, rows, np.array([0.1, 0.2, 0.3]))
    again, _ = artifacts.load_golden(run_id)
    pd.testing.assert_frame_equal(again, rows, check_categorical=False)

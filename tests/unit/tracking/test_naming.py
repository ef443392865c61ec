"""Names and addresses; the addresses' forms are checked against the routes of the MLflow UI that is installed."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import mlflow
import pytest

from include.tracking import naming

UI = "http://127.0.0.1:5000/"


def test_experiments_hang_below_the_model() -> None:
    assert naming.experiment("m") == "m"
    assert naming.releases_experiment("m") == "m/releases"
    assert naming.monitoring_experiment("m") == "m/monitoring"


def test_split_metrics_lose_and_get_their_prefix() -> None:
    assert naming.metric("holdout", "roc_auc") == "holdout_roc_auc"
    logged = {"holdout_roc_auc": 0.7, "train_roc_auc": 0.9, "holdoutish": 1.0}
    assert naming.of_split(logged, "holdout") == {"roc_auc": 0.7}


def test_addresses_of_pages() -> None:
    assert naming.run_url(UI, "3", "abc") == "http://127.0.0.1:5000/#/experiments/3/runs/abc"
    assert naming.artifact_url(UI, "3", "abc", "gates/my report.html").endswith(
        "/#/experiments/3/runs/abc/artifacts/gates/my%20report.html"
    )
    assert naming.model_version_url(UI, "a/b", 7) == "http://127.0.0.1:5000/#/models/a%2Fb/versions/7"


def test_compare_address_names_every_run() -> None:
    address = naming.compare_url(UI, "3", ["a", "b"])
    path, _, query = urlsplit(address).fragment.partition("?")
    assert path == "/compare-runs"
    assert parse_qs(query) == {"runs": ['["a","b"]'], "experiments": ['["3"]']}


@pytest.mark.parametrize(
    "route",
    [
        "/experiments/:experimentId/runs/:runUuid/*",
        "/experiments/:experimentId/runs",
        "/models/:modelName/versions/:version",
        "/compare-runs",
        "(artifactPath|artifacts)",
    ],
)
def test_the_installed_ui_has_the_routes_we_link_to(route: str) -> None:
    scripts = Path(mlflow.__file__).parent / "server" / "js" / "build" / "static" / "js"
    assert any(route in script.read_text(encoding="utf-8") for script in scripts.glob("*.js"))


@pytest.mark.parametrize(("value", "text"), [("a", "'a'"), ("it's", '"it\'s"'), ("a'b\"c", '"a\'bc"')])
def test_filter_values_are_quoted(value: str, text: str) -> None:
    assert naming.quoted(value) == text

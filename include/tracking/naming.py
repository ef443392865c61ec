"""Every name that Nightshift gives to something in MLflow, and the addresses of its pages; pure text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import quote

CHAMPION = "champion"
CHALLENGER = "challenger"
PREVIOUS_CHAMPION = "previous_champion"

CONFIG_FILE = "config.json"
GOLDEN_FILE = "golden.json"
SEARCH_FILE = "search_trials.csv"


def experiment(model: str) -> str:
    """Experiment of the model's training runs; the registered model has the same name."""
    return model


def releases_experiment(model: str) -> str:
    """Experiment with one run for each release decision."""
    return f"{model}/releases"


def monitoring_experiment(model: str) -> str:
    """Experiment with one run for each night that was looked at."""
    return f"{model}/monitoring"


def tag(name: str) -> str:
    """A tag of ours, which MLflow's own `mlflow.*` tags cannot collide with."""
    return f"nightshift.{name}"


def metric(split: str, name: str) -> str:
    """A metric's name in MLflow: `holdout_roc_auc`."""
    return f"{split}_{name}"


def of_split(metrics: dict[str, float], split: str) -> dict[str, float]:
    """The metrics of one split under their bare names: `holdout_roc_auc` -> `roc_auc`."""
    prefix = metric(split, "")
    return {name.removeprefix(prefix): value for name, value in metrics.items() if name.startswith(prefix)}


def quoted(value: str) -> str:
    """A value for MLflow's search filters, which know no escape: so the quote that the value does not hold."""
    mark = '"' if "'" in value else "'"
    return f"{mark}{value.replace(mark, '')}{mark}"


def run_url(ui_url: str, experiment_id: str, run_id: str) -> str:
    """Page of one run. `ui_url` is the address in a person's browser, which may differ from the tasks' one."""
    return f"{ui_url.rstrip('/')}/#/experiments/{experiment_id}/runs/{run_id}"


def artifact_url(ui_url: str, experiment_id: str, run_id: str, path: str) -> str:
    """The run's artefact tab, opened at `path`."""
    return f"{run_url(ui_url, experiment_id, run_id)}/artifacts/{quote(path)}"


def compare_url(ui_url: str, experiment_id: str, run_ids: Sequence[str]) -> str:
    """MLflow's side-by-side page of several runs of one experiment."""
    runs = quote(json.dumps(list(run_ids), separators=(",", ":")))
    experiments = quote(json.dumps([experiment_id], separators=(",", ":")))
    return f"{ui_url.rstrip('/')}/#/compare-runs?runs={runs}&experiments={experiments}"


def model_version_url(ui_url: str, model: str, version: int) -> str:
    """Page of one registered version."""
    return f"{ui_url.rstrip('/')}/#/models/{quote(model, safe='')}/versions/{version}"

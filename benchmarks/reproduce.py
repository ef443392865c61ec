"""Every built-in estimator on real flights: registered, then trained again in a clean process and compared.

    python -m benchmarks.reproduce                    # about 19,000 training rows
    python -m benchmarks.reproduce --train-days 60    # the shipped model's window, about 57,000

Once with one thread and once with two. For each version: whether rows, predictions and metrics are the same to the
last bit, what the first fit took, and by how much the predictions of two threads differ from those of one. Neighbours
score their own training rows, which takes most of the time. Ends with code 1 where a version is not reproduced.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

FOLDER = Path(tempfile.mkdtemp(prefix="nightshift-reproduce-"))
os.environ |= {
    "NIGHTSHIFT_STATE": str(FOLDER),
    "NIGHTSHIFT_TABLES": str(FOLDER / "tables"),
    "MLFLOW_TRACKING_URI": f"sqlite:///{FOLDER / 'mlflow.db'}",
    "OMP_WAIT_POLICY": "PASSIVE",
}

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from include.config.estimators import known_estimators  # noqa: E402
from include.config.loader import find_model  # noqa: E402
from include.config.schema import Candidate, ModelConfig  # noqa: E402
from include.contracts import Selection  # noqa: E402
from include.data import tables, windows  # noqa: E402
from include.data.sources import flights  # noqa: E402
from include.data.windows import history_days  # noqa: E402
from include.release.reproduce import Reproduction, reproduce  # noqa: E402
from include.tracking import registry, runs  # noqa: E402
from include.training import jobs  # noqa: E402

AS_OF = date(2013, 9, 1)
THREADS = (1, 2)
PARAMS: dict[str, dict[str, Any]] = {
    "LogisticRegression": {"C": 0.1},
    "ExtraTreesClassifier": {"n_estimators": 100, "min_samples_leaf": 50},
    "KNeighborsClassifier": {"n_neighbors": 50, "weights": "distance"},
    "DummyClassifier": {"strategy": "stratified"},
}
"""The estimators that the shipped model does not have, and its logistic regression with scikit-learn's own solver."""


def all_estimators(config: ModelConfig, train_days: int) -> ModelConfig:
    """The shipped model, over so many days, with a candidate for every estimator of the registry."""
    shipped = {candidate.estimator: candidate.params for candidate in config.training.candidates}
    candidates = tuple(
        Candidate(name=name.lower(), estimator=name, params=PARAMS.get(name, shipped.get(name, {})))
        for name in known_estimators(config.task)
    )
    changed = {"candidates": candidates, "train_days": train_days}
    return config.model_copy(update={"training": config.training.model_copy(update=changed)})


def load(config: ModelConfig) -> None:
    """Write the window's days, as read from the source."""
    days = history_days(config, AS_OF)
    frame = flights.read(days.start, days.end)
    frame["row_key"] = windows.row_keys(config, frame)
    dates = [days.start + timedelta(days=offset) for offset in range(days.days)]
    schema = tables.schema_for({**config.data.columns, "row_key": "string"})
    tables.replace_days(config.name, windows.VALIDATED, frame, pd.Series(frame[config.data.day]), dates, schema)


def register(config: ModelConfig, threads: int) -> list[int]:
    """Train and register every candidate with so many threads; return the versions."""
    os.environ["NIGHTSHIFT_THREADS"] = str(threads)
    context = jobs.open_run(config, AS_OF, f"bench-{threads}", "")
    versions = []
    for candidate in config.training.candidates:
        chosen = jobs.train_candidate(context, candidate.name)
        selection = Selection(chosen=chosen, metric="roc_auc", ranking=((chosen.name, 0.0),), reason="each is tried.")
        holdout = jobs.evaluate_holdout(context, selection)
        versions.append(registry.register(context, selection, holdout).version)
    return versions


def told(found: Reproduction, alone: int) -> str:
    """One line for a version; `alone` is the version that one thread made."""
    run_id = registry.version_info(found.model, found.version).mlflow_run_id
    metrics, scores = runs.run_metrics(run_id)[0], runs.load_golden(run_id)[1]
    single = runs.load_golden(registry.version_info(found.model, alone).mlflow_run_id)[1]
    verdict = "identical" if found.identical else f"DIFFERS by {found.largest_difference:.2g}"
    return (
        f"{found.estimator:32}{found.threads:8}   {verdict:20}{metrics['fit_seconds']:9.1f}"
        f"{metrics['fit_cpu_seconds']:9.1f}{metrics['fit_peak_memory_mb']:9.0f}{np.abs(scores - single).max():14.2g}"
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--train-days", type=int, default=20)
    config = all_estimators(find_model("flight_delay"), arguments.parse_args().train_days)
    load(config)
    made = {threads: register(config, threads) for threads in THREADS}
    versions = [version for threads in THREADS for version in made[threads]]
    started = time.perf_counter()
    found = reproduce(config.name, versions)
    together = time.perf_counter() - started
    heads = f"{'trained again':20}{'fit s':>9}{'CPU s':>9}{'peak MB':>9}{'to 1 thread':>14}"
    print(f"\n{'estimator':32}{'threads':>8}   {heads}")
    for number, one in enumerate(found):
        print(told(one, versions[number % len(made[1])]))
    started = time.perf_counter()
    reproduce(config.name, [versions[0]])
    single = time.perf_counter() - started
    print(f"\n{len(found)} versions in {together:.0f} s; one alone, a {found[0].estimator}, in {single:.1f} s")
    if not all(one.identical for one in found):
        sys.exit(1)


if __name__ == "__main__":
    try:
        main()
    finally:
        shutil.rmtree(FOLDER)

"""One instance for all tests of this folder: starting one costs half a minute."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks import approvals
from include.local.airflow_api import DagRun
from tests.e2e.instance import MODEL, Instance

# A second version must be releasable for a rollback to have something to return from.
EASIER = {"rule: superiority": "rule: non_inferiority", "alpha: 0.01": "alpha: 0.01\n    margin: 0.3"}


@pytest.fixture(scope="package")
def instance(tmp_path_factory: pytest.TempPathFactory, smaller_model: Callable[..., Path]) -> Iterator[Instance]:
    folder = tmp_path_factory.mktemp("instance")
    started = Instance(folder / "state", smaller_model(folder / "models", **EASIER))
    try:
        started.command("up")
        started.api.wait_for_dags({f"{MODEL}__ingest", f"{MODEL}__rollback", approvals.PROBE}, print)
        yield started
    finally:
        started.command("down")
        assert started.processes() == []


@pytest.fixture(scope="package")
def released(instance: Instance) -> DagRun:
    """History loaded and a first version released."""
    instance.run("ingest", start="2013-03-01", end="2013-03-31")
    return instance.run("retrain", as_of="2013-04-01")

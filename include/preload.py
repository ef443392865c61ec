"""Imported once in the process that Airflow's tasks are forked from, so that no task pays for the imports again.

Airflow names it in `[core] mp_forkserver_preload`. A module that fails to import here is imported by the task that
needs it, which then says what is wrong; the reason is written to the scheduler's log too.
"""

from __future__ import annotations

import importlib
import os
import sys

MODULES = (
    "airflow.dag_processing.bundles.manager",
    "airflow.dag_processing.dagbag",
    "airflow.executors.local_executor",
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "nightshift.factory",
    "include.validation.ingest",
    "include.validation.window",
    "include.training.jobs",
    "include.release.judge",
    "include.release.rollback",
    "include.scoring.batch",
    "include.monitoring.night",
    # What the libraries above import only when they are first used.
    "deltalake.fs",
    "jinja2.ext",
    "matplotlib.backends.backend_agg",
    "mlflow.pyfunc",
    "mlflow.tracking.fluent",
    "narwhals.stable.v1",
    "narwhals.stable.v2",
    "pyarrow.dataset",
    "pyarrow.pandas_compat",
    "pyarrow.parquet",
    "skops.io",
)

if os.environ.get("NIGHTSHIFT_PRELOAD", "1") != "0":
    for name in MODULES:
        try:
            importlib.import_module(name)
        except Exception as error:
            print(f"preload: {name} is left to the tasks: {type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201

"""A fitted pipeline into MLflow and back: skops format, a stated signature, explicit requirements."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import mlflow
import mlflow.sklearn
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, DataType, Schema, TensorSpec

from include.config import environment
from include.config.schema import ModelConfig
from include.errors import PermanentError
from include.tracking.connection import mlflow_client

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

EXAMPLE_ROWS = 5
REQUIREMENTS = ("pandas", "scikit-learn", "skops", "numpy")
_TYPES = {
    "string": DataType.string,
    "integer": DataType.double,
    "number": DataType.double,
    "boolean": DataType.boolean,
    "date": DataType.datetime,
    "timestamp": DataType.datetime,
}
"""Integers are declared double: a column that may miss a value is float in pandas, and long would refuse it."""


def signature(config: ModelConfig) -> ModelSignature:
    """The pipeline's input columns as the model file declares them; output (n, 2), the classes' probabilities."""
    columns: list[ColSpec | TensorSpec] = [
        ColSpec(_TYPES[config.data.columns.get(name, "number")], name=name, required=True)
        for name in config.features.names
    ]
    return ModelSignature(inputs=Schema(columns), outputs=Schema([TensorSpec(np.dtype("float64"), (-1, 2))]))


def typed_as_signed(config: ModelConfig, frame: pd.DataFrame) -> pd.DataFrame:
    """The features typed as the signature says: MLflow refuses a 64-bit integer where it declares a double."""
    rows = frame.loc[:, list(config.features.names)].reset_index(drop=True)
    for name in rows.columns:
        kind = _TYPES[config.data.columns.get(name, "number")]
        if kind == DataType.double:
            rows[name] = rows[name].astype("float64")
        elif kind == DataType.string:
            rows[name] = rows[name].astype(object).where(rows[name].notna(), None)
    return rows


def log_model(
    run_id: str,
    experiment_id: str,
    name: str,
    pipeline: Pipeline,
    *,
    config: ModelConfig,
    frame: pd.DataFrame,
    trusted_types: Sequence[str],
    params: Mapping[str, str] | None = None,
) -> str:
    """Save the whole pipeline as a model of the run and return its address, `models:/<model id>`.

    The steps of `mlflow.sklearn.log_model`, one by one, because that one files the model under the process's active
    experiment, reads every metric's history, and loads the model a second time to try the example. Saving still
    loads the file once with `trusted_types` alone, so that a model which cannot be read back is never registered.
    """
    with tempfile.TemporaryDirectory() as folder, mlflow_client(f"store the model of run {run_id}") as client:
        model = client.create_logged_model(experiment_id, name=name, source_run_id=run_id, params=dict(params or {}))
        local = Path(folder, "model")
        try:
            _save(local, model, run_id, pipeline, config, frame, trusted_types)
        except MlflowException as error:
            client.finalize_logged_model(model.model_id, LoggedModelStatus.FAILED)
            raise PermanentError(f"candidate {name!r}: the pipeline cannot be saved with skops: {error}") from error
        client.log_model_artifacts(model.model_id, str(local))
        client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
        client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    return f"models:/{model.model_id}"


def _save(
    local: Path,
    model: LoggedModel,
    run_id: str,
    pipeline: Pipeline,
    config: ModelConfig,
    frame: pd.DataFrame,
    trusted_types: Sequence[str],
) -> None:
    """Write the model's folder; raises MlflowException when skops cannot read back what it wrote."""
    mlflow.sklearn.save_model(
        pipeline,
        str(local),
        mlflow_model=Model(
            artifact_path=model.artifact_location, run_id=run_id, model_uuid=model.model_id, model_id=model.model_id
        ),
        serialization_format=mlflow.sklearn.SERIALIZATION_FORMAT_SKOPS,
        skops_trusted_types=list(trusted_types),
        signature=signature(config),
        input_example=typed_as_signed(config, frame.head(EXAMPLE_ROWS)),
        pip_requirements=list(_requirements()),
        pyfunc_predict_fn="predict_proba",
    )


def discard_models(client: MlflowClient, run_id: str, experiment_id: str) -> None:
    """Delete what an attempt that never finished logged, so that the run ends with exactly one model."""
    for model in client.search_logged_models([experiment_id], filter_string=f"source_run_id='{run_id}'"):
        client.delete_logged_model(model.model_id)


def load_pipeline_by_uri(uri: str) -> Pipeline:
    """The scikit-learn pipeline behind `models:/<model id>`, from the tracking server's copy, not from memory."""
    with tempfile.TemporaryDirectory() as folder, mlflow_client(f"load the model {uri}"):
        local = mlflow.artifacts.download_artifacts(uri, dst_path=folder, tracking_uri=environment.tracking_uri())
        return mlflow.sklearn.load_model(local)


def stored_mb(uri: str) -> float:
    """Size of all the files of the model behind `models:/<model id>`, in MB (10**6 bytes).

    Raises PermanentError where the tracking server has no such model.
    """
    with mlflow_client(f"read the size of the model {uri}") as client:
        pending, size = [""], 0
        while pending:
            for entry in client.list_logged_model_artifacts(model_id(uri), pending.pop() or None):
                if entry.is_dir:
                    pending.append(entry.path)
                else:
                    size += int(entry.file_size or 0)
    return size / 1e6


def model_id(uri: str) -> str:
    """`models:/m-0a1b` -> `m-0a1b`."""
    return uri.removeprefix("models:/")


@lru_cache(maxsize=1)
def _requirements() -> tuple[str, ...]:
    """Pinned to what is installed. MLflow's own inference runs the model in a new process for twenty seconds."""
    return tuple(f"{package}=={version(package)}" for package in REQUIREMENTS)

"""A fitted pipeline into MLflow and back: skops format, a stated signature, explicit requirements."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.metadata import packages_distributions, version
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
from include.data import labels
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


def signature(config: ModelConfig, classes: int = 2) -> ModelSignature:
    """The pipeline's input columns as the model file declares them.

    The output is (n, `classes`), the probabilities of as many as the pipeline knows, or (n,) values of a regression.
    """
    columns: list[ColSpec | TensorSpec] = [
        ColSpec(_TYPES[config.data.columns.get(name, "number")], name=name, required=True)
        for name in config.features.names
    ]
    shape = (-1,) if config.task == "regression" else (-1, classes)
    return ModelSignature(inputs=Schema(columns), outputs=Schema([TensorSpec(np.dtype("float64"), shape)]))


def classes_of(config: ModelConfig, pipeline: Pipeline) -> list[str]:
    """What the columns of `predict_proba` stand for, in their order; a class that no training row had has none."""
    if config.task == "regression":
        return []
    return [labels.class_names(config)[int(code)] for code in pipeline.classes_]


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
        named = classes_of(config, pipeline)
        shown = {**(params or {}), **({"classes": json.dumps(named)} if named else {})}
        model = client.create_logged_model(experiment_id, name=name, source_run_id=run_id, params=shown)
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
    named = classes_of(config, pipeline)
    mlflow.sklearn.save_model(
        pipeline,
        str(local),
        mlflow_model=Model(
            artifact_path=model.artifact_location,
            run_id=run_id,
            model_uuid=model.model_id,
            model_id=model.model_id,
            metadata={"task": config.task, **({"classes": named} if named else {})},
        ),
        serialization_format=mlflow.sklearn.SERIALIZATION_FORMAT_SKOPS,
        skops_trusted_types=list(trusted_types),
        signature=signature(config, len(named)),
        input_example=typed_as_signed(config, frame.head(EXAMPLE_ROWS)),
        pip_requirements=_requirements(pipeline),
        pyfunc_predict_fn="predict" if config.task == "regression" else "predict_proba",
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


def _requirements(pipeline: Pipeline) -> list[str]:
    """Pinned to what is installed, with the estimator's own package where it is another one.

    MLflow's own inference runs the model in a new process for twenty seconds.
    """
    module = type(pipeline[-1]).__module__.partition(".")[0]
    own = [] if module == "sklearn" else _distributions().get(module, [])
    return [f"{package}=={version(package)}" for package in dict.fromkeys([*REQUIREMENTS, *own])]


@lru_cache(maxsize=1)
def _distributions() -> Mapping[str, list[str]]:
    """Installed packages by the module that they are imported as."""
    return packages_distributions()

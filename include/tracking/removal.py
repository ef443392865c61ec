"""Take a model out of MLflow: its registered versions for good, its experiments to where they can be restored from."""

from __future__ import annotations

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from include.tracking import naming
from include.tracking.connection import mlflow_client


def held(model: str) -> tuple[int, tuple[str, ...]]:
    """How many versions the registry has of the model, and the names of its experiments."""
    with mlflow_client(f"look what is kept of {model}") as client:
        versions = len(client.search_model_versions(f"name = {naming.quoted(model)}"))
        return versions, tuple(name for name in _experiments(model) if _active(client, name))


def remove(model: str) -> None:
    """Delete the registered model, and the experiments under a name of their own, so that theirs is free again."""
    with mlflow_client(f"remove {model}") as client:
        for name in _experiments(model):
            if (experiment_id := _active(client, name)) is not None:
                client.rename_experiment(experiment_id, f"{name} (removed, {experiment_id})")
                client.delete_experiment(experiment_id)
        try:
            client.delete_registered_model(model)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise


def _experiments(model: str) -> tuple[str, ...]:
    return model, naming.releases_experiment(model), naming.monitoring_experiment(model)


def _active(client: MlflowClient, name: str) -> str | None:
    experiment = client.get_experiment_by_name(name)
    return experiment.experiment_id if experiment and experiment.lifecycle_stage == "active" else None

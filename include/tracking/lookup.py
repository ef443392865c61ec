"""How runs are found again and made: by experiment and by tags of ours."""

from __future__ import annotations

from collections.abc import Mapping

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from include.errors import PermanentError
from include.tracking import naming


def experiment_id_of(client: MlflowClient, name: str) -> str:
    """The experiment's id; made when missing, also when another task makes it at the same moment."""
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        try:
            return client.create_experiment(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            experiment = client.get_experiment_by_name(name)
    if experiment is None or experiment.lifecycle_stage != "active":
        number = experiment.experiment_id if experiment else "<id>"
        raise PermanentError(
            f"MLflow experiment {name!r} is deleted, so no run can be opened in it.\n"
            f"Next: mlflow experiments restore --experiment-id {number}"
        )
    return experiment.experiment_id


def find_runs(
    client: MlflowClient, experiment_id: str, tags: Mapping[str, str], parent: str | None = None
) -> list[Run]:
    """Runs with these tags of ours, newest first."""
    clauses = [f"tags.`{naming.tag(key)}` = {naming.quoted(value)}" for key, value in tags.items()]
    if parent is not None:
        clauses.append(f"tags.mlflow.parentRunId = {naming.quoted(parent)}")
    return list(client.search_runs([experiment_id], " and ".join(clauses), order_by=["attributes.start_time DESC"]))


def create_run(client: MlflowClient, experiment_id: str, name: str, tags: Mapping[str, str]) -> str:
    source = {"mlflow.source.name": "nightshift", "mlflow.source.type": "JOB", "mlflow.user": "nightshift"}
    run = client.create_run(experiment_id, run_name=name, tags={**source, **tags})
    return run.info.run_id


def our_tags(tags: Mapping[str, str]) -> dict[str, str]:
    return {naming.tag(name): str(value) for name, value in tags.items()}


def without_prefix(tags: Mapping[str, str]) -> dict[str, str]:
    prefix = naming.tag("")
    return {name.removeprefix(prefix): value for name, value in tags.items() if name.startswith(prefix)}

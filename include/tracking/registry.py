"""The registry: versions, their evidence as tags, and the aliases that say which one is served."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from include.contracts import Contract, Holdout, RegisteredVersion, RunContext, Selection
from include.tracking import models, naming
from include.tracking.connection import mlflow_client
from include.tracking.lookup import our_tags, without_prefix
from include.tracking.models import load_pipeline_by_uri
from include.tracking.params import log_batches
from include.tracking.provenance import MADE_WITH

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

__all__ = [
    "MAX_DESCRIPTION",
    "VersionInfo",
    "alias_version",
    "champion_version",
    "describe",
    "load_pipeline",
    "load_pipeline_by_uri",
    "newest_as_of",
    "register",
    "remove_champion",
    "same_training",
    "set_champion",
    "version_info",
    "versions",
]

_ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""A missing registered model answers with the first, a missing alias with the second."""


MAX_DESCRIPTION = 5000
"""Characters that MLflow's database keeps of a version's description; PostgreSQL refuses more."""


class VersionInfo(Contract):
    """A registered version as a page or a gate needs it. `tags` are ours, by their bare names."""

    model: str
    version: int
    mlflow_run_id: str
    model_uri: str
    created: datetime
    aliases: tuple[str, ...]
    tags: dict[str, str]
    holdout: dict[str, float]


def register(context: RunContext, selection: Selection, holdout: Holdout, challenge: bool = True) -> RegisteredVersion:
    """Register the chosen candidate's model and make it the challenger; a retry finds the version it made.

    The same Airflow run may be cleared and train another model: that one becomes a version of its own.

    :param challenge: False leaves the challenger as it is, for another version is on trial
    """
    chosen = selection.chosen
    with mlflow_client(f"register a version of {context.model}") as client:
        version = _registered(client, context, chosen.model_uri)
        if version is None:
            version = _create_version(client, context, selection, holdout)
        newest = _alias(client, context.model, naming.CHALLENGER)
        if challenge and (newest is None or version > newest):
            client.set_registered_model_alias(context.model, naming.CHALLENGER, str(version))
        log_batches(client, context.mlflow_run_id, tags={naming.tag("registered_version"): str(version)})
        client.set_terminated(context.mlflow_run_id)
    return RegisteredVersion(
        model=context.model, version=version, model_uri=chosen.model_uri, mlflow_run_id=chosen.mlflow_run_id
    )


def champion_version(model: str) -> int | None:
    """The version that is served; None before the first release."""
    return alias_version(model, naming.CHAMPION)


def alias_version(model: str, alias: str) -> int | None:
    """The version behind an alias; None when the alias, or the whole registered model, is absent."""
    with mlflow_client(f"read alias {alias} of {model}") as client:
        return _alias(client, model, alias)


def newest_as_of(model: str) -> date | None:
    """Night that the newest registered version was trained as of; None before the first."""
    newest = alias_version(model, naming.CHALLENGER)
    if newest is None:
        return None
    as_of = version_info(model, newest).tags.get("as_of")
    return date.fromisoformat(as_of) if as_of else None


def version_info(model: str, version: int) -> VersionInfo:
    """All that the registry knows of a version. Raises PermanentError when there is none of that number."""
    with mlflow_client(f"read version {version} of {model}") as client:
        found = client.get_model_version(model, str(version))
    prefix = naming.tag("")
    tags = {key.removeprefix(prefix): value for key, value in found.tags.items() if key.startswith(prefix)}
    return VersionInfo(
        model=model,
        version=version,
        mlflow_run_id=str(found.run_id),
        model_uri=str(found.source),
        created=datetime.fromtimestamp(found.creation_timestamp / 1000, UTC),
        aliases=tuple(sorted(found.aliases)),
        tags=tags,
        holdout=naming.of_split(
            {key: float(value) for key, value in tags.items() if key.startswith("holdout_")}, "holdout"
        ),
    )


def versions(model: str) -> list[int]:
    """The numbers of every version of a model, oldest first; none where the model was never registered."""
    with mlflow_client(f"list the versions of {model}") as client:
        found = client.search_model_versions(f"name = {naming.quoted(model)}")
    return sorted(int(version.version) for version in found)


def describe(model: str, version: int, text: str) -> None:
    """Replace what the version's page says, in Markdown of at most MAX_DESCRIPTION characters."""
    with mlflow_client(f"describe version {version} of {model}") as client:
        client.update_model_version(model, str(version), text)


def same_training(model: str, config_hash: str, data_hash: str) -> set[int]:
    """The versions that were trained on exactly these rows with exactly this configuration."""
    wanted = {"config_hash": config_hash, "data_hash": data_hash}
    clauses = [f"tags.`{naming.tag(name)}` = {naming.quoted(value)}" for name, value in wanted.items()]
    query = " and ".join([f"name = {naming.quoted(model)}", *clauses])
    with mlflow_client(f"look for versions of {model} of the same training") as client:
        return {int(version.version) for version in client.search_model_versions(query)}


def set_champion(model: str, version: int, previous: int | None) -> None:
    """Serve `version`, and remember `previous` for a rollback.

    The champion's own alias moves last and in one call, so that whatever is killed in between, exactly one version is
    served. MLflow has no compare-and-set: the caller checks first that nobody else moved it.
    """
    with mlflow_client(f"make version {version} of {model} the champion") as client:
        if previous is not None and previous != version:
            client.set_registered_model_alias(model, naming.PREVIOUS_CHAMPION, str(previous))
        client.set_registered_model_alias(model, naming.CHAMPION, str(version))


def remove_champion(model: str) -> None:
    """Let no version be served; harmless where none is."""
    with mlflow_client(f"remove the champion of {model}") as client:
        client.delete_registered_model_alias(model, naming.CHAMPION)


def load_pipeline(model: str, version: int) -> Pipeline:
    """The scikit-learn pipeline of a version, loaded from the registry's copy."""
    with mlflow_client(f"read version {version} of {model}") as client:
        uri = client.get_model_version(model, str(version)).source
    return load_pipeline_by_uri(str(uri))


def _alias(client: MlflowClient, model: str, alias: str) -> int | None:
    try:
        return int(client.get_model_version_by_alias(model, alias).version)
    except MlflowException as error:
        if error.error_code in _ABSENT:
            return None
        raise


def _registered(client: MlflowClient, context: RunContext, model_uri: str) -> int | None:
    """The version that this Airflow run made of this very model, if there is one."""
    run_id = naming.quoted(context.airflow_run_id)
    query = f"name = {naming.quoted(context.model)} and tags.`{naming.tag('airflow_run_id')}` = {run_id}"
    found = [version for version in client.search_model_versions(query) if version.source == model_uri]
    return max((int(version.version) for version in found), default=None)


def _create_version(client: MlflowClient, context: RunContext, selection: Selection, holdout: Holdout) -> int:
    """One request makes the version with its tags, so a version without its evidence cannot be left behind."""
    trained = without_prefix(client.get_run(selection.chosen.mlflow_run_id).data.tags)
    made_with = {name: trained[name] for name in MADE_WITH if name in trained}
    tags = our_tags({**made_with, **_evidence(context, selection, holdout)})

    def create() -> ModelVersion:
        return client.create_model_version(
            context.model,
            source=selection.chosen.model_uri,
            run_id=selection.chosen.mlflow_run_id,
            tags=tags,
            description=_description(context, selection, holdout),
            await_creation_for=0,
            model_id=models.model_id(selection.chosen.model_uri),
        )

    try:
        return int(create().version)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
    try:
        client.create_registered_model(context.model)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    return int(create().version)


def _evidence(context: RunContext, selection: Selection, holdout: Holdout) -> dict[str, str]:
    """What the version was made of and how good it is, by bare names: enough to make it again and to compare."""
    windows = {
        "window_train": context.windows.train,
        "window_validation": context.windows.validation,
        "window_holdout": context.windows.holdout,
    }
    return {
        "airflow_run_id": context.airflow_run_id,
        "parent_run_id": context.mlflow_run_id,
        "as_of": str(context.as_of),
        "candidate": selection.chosen.name,
        "config_hash": context.config_hash,
        "data_version": str(context.data_version),
        "data_hash": context.data_hash,
        "git_sha": context.git_sha,
        "lock_hash": context.lock_hash,
        "rows": str(context.rows),
        "rows_holdout": str(holdout.rows),
        **{name: f"{days.start}..{days.end}" for name, days in windows.items()},
        **{naming.metric("holdout", name): repr(value) for name, value in holdout.metrics.items()},
    }


def _description(context: RunContext, selection: Selection, holdout: Holdout) -> str:
    """One paragraph for a person who opens the version's page."""
    train, judged = context.windows.train, context.windows.holdout
    metrics = ", ".join(f"{name} {value:.4f}" for name, value in sorted(holdout.metrics.items()))
    return (
        f"Candidate {selection.chosen.name}, trained on {train.start} to {train.end} as of {context.as_of}. "
        f"{selection.reason} On the {holdout.rows:,} untouched rows of {judged.start} to {judged.end}: {metrics}."
    )

"""Remove a model: its file, and with it its DAGs; on demand all that was stored of it. First what would go is told."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from include.arguments import bare_name
from include.authoring.describe import dags
from include.config import environment
from include.config.loader import load_model
from include.errors import ConfigError, PermanentError
from include.local.instance import airflow_api

if TYPE_CHECKING:
    from include.local.airflow_api import AirflowApi


@dataclass(frozen=True)
class Planned:
    """What would be removed, and in words what would go and what would stay."""

    model: str
    path: Path
    purge: bool
    told: tuple[str, ...]


def plan(model: str, purge: bool) -> Planned:
    """Look what there is. Raises PermanentError where there is no such model file, or a purge cannot be done whole."""
    model = bare_name(model)
    path = environment.models_dir() / f"{model}.yaml"
    folders = _folders(model)
    if not path.is_file() and not (purge and folders):  # a purge that was interrupted may be gone on with
        known = ", ".join(sorted(file.stem for file in path.parent.glob("*.yaml"))) or "none"
        raise PermanentError(f"{path}: no such model file; models here: {known}")
    told = [f"removes {path}, and with it the DAGs {', '.join(_dag_names(model, path))}"] if path.is_file() else []
    if not purge:
        kept = ", ".join(str(folder) for folder in folders) or "nothing was stored"
        told.append(f"keeps its tables and reports ({kept}) and what MLflow has of it; --purge removes those too")
        return Planned(model, path, purge, tuple(told))
    if "://" in environment.tables_uri():
        raise PermanentError(
            f"--purge removes folders of this machine; the tables are at {environment.tables_uri()}/{model}. Remove "
            f"them with your storage's own tool, then: ./nightshift remove-model {model}"
        )
    _idle(model)
    from include.tracking import removal

    versions, experiments = removal.held(model)
    told += [f"removes {folder}" for folder in folders]
    told.append(f"removes {versions} registered versions for good, and the experiments {', '.join(experiments) or '-'}")
    told.append("the experiments' runs can be restored by MLflow until it collects its garbage")
    return Planned(model, path, purge, tuple(told))


def remove(planned: Planned) -> list[str]:
    """Do it: the model file first, so that no new night starts; the tables last, by which a purge is gone on with."""
    planned.path.unlink(missing_ok=True)
    done = [f"{planned.path} is removed; the scheduler takes its DAGs away within a minute"]
    if not planned.purge:
        return done
    from include.tracking import removal

    removal.remove(planned.model)
    api = airflow_api()
    for dag_id in _dag_ids(api, planned.model):
        api.delete_dag(dag_id)
    for folder in _folders(planned.model):
        shutil.rmtree(folder)
    return [*done, "its tables, reports, versions, experiments and the history of its DAGs are removed"]


def _dag_ids(api: AirflowApi, model: str) -> list[str]:
    """The model's DAGs that Airflow knows; a model's name may hold the separator itself."""
    return sorted(dag_id for dag_id in api.dag_ids() if dag_id.rpartition("__")[0] == model)


def _dag_names(model: str, path: Path) -> list[str]:
    try:
        return [dag_id for dag_id, _, _ in dags(load_model(path))]
    except ConfigError:
        return [f"{model}__*"]


def _folders(model: str) -> list[Path]:
    reports = environment.state_dir() / "reports" / model
    tables = environment.tables_uri()
    found = [reports] if "://" in tables else [Path(tables) / model, reports]
    return [folder for folder in found if folder.is_dir()]


def _idle(model: str) -> None:
    """Raise PermanentError while a run of the model is under way: it would write again what is removed."""
    api = airflow_api()
    for dag_id in _dag_ids(api, model):
        busy = [run.run_id for run in api.runs(dag_id) if not run.finished]
        if busy:
            raise PermanentError(f"{dag_id} runs ({busy[0]}); wait for its end, or stop it in the Airflow UI first")

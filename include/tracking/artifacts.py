"""Files that a run keeps: JSON, text, pages, figures, and the golden rows that a served model must reproduce."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.exceptions import MlflowException

from include.config import environment
from include.config.loader import parse_config_json
from include.config.schema import ModelConfig
from include.errors import PermanentError
from include.tracking import naming
from include.tracking.connection import mlflow_client
from include.tracking.golden_rows import golden_json, parse_golden

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure

FIGURE_DPI = 110


def log_files(run_id: str, folder: Path, into: str | None = None) -> None:
    """Upload everything in `folder`, keeping its sub-folders, below `into`."""
    with mlflow_client(f"store files in run {run_id}") as client:
        client.log_artifacts(run_id, str(folder), into)


def log_text(run_id: str, text: str, path: str) -> None:
    """Store `text` as the artefact `path`; an artefact of that name is replaced."""
    with mlflow_client(f"store {path} in run {run_id}") as client:
        client.log_text(run_id, text, path)


def log_json(run_id: str, value: Any, path: str) -> None:
    """Store plain JSON types as the artefact `path`; NaN, dates and other types are the caller's to convert."""
    log_text(run_id, json.dumps(value, indent=1), path)


def log_html(run_id: str, html: str | Path, path: str) -> None:
    """Store a page, given as text or as the file that holds it, as the artefact `path`."""
    log_text(run_id, html.read_text(encoding="utf-8") if isinstance(html, Path) else html, path)


def log_figures(run_id: str, figures: Mapping[str, Figure], into: str = "figures") -> None:
    """Store matplotlib figures under their file names in the artefact folder `into`, in one upload."""
    with tempfile.TemporaryDirectory() as folder:
        for name, figure in figures.items():
            figure.savefig(Path(folder, name), dpi=FIGURE_DPI, bbox_inches="tight")
        log_files(run_id, Path(folder), into)


def log_figure(run_id: str, figure: Figure, path: str) -> None:
    """Store one matplotlib figure as the artefact `path`."""
    folder, _, name = path.rpartition("/")
    log_figures(run_id, {name: figure}, folder)


def load_text(run_id: str, path: str) -> str:
    """Read the artefact `path` of a run. Raises PermanentError when the run has none."""
    with tempfile.TemporaryDirectory() as folder, mlflow_client(f"read {path} of run {run_id}") as client:
        uri = f"{client.get_run(run_id).info.artifact_uri}/{path}"
        try:
            local = mlflow.artifacts.download_artifacts(uri, dst_path=folder, tracking_uri=environment.tracking_uri())
        except MlflowException as error:
            if "No such artifact" not in str(error):  # MLflow hides a 404 in an internal error
                raise
            raise PermanentError(
                f"run {run_id} has no artefact {path!r}: the task that writes it did not finish. "
                "Next: clear that task in Airflow; it finds its run again."
            ) from error
        return Path(local).read_text(encoding="utf-8")


def load_json(run_id: str, path: str) -> Any:
    """Read back what `log_json` stored."""
    return json.loads(load_text(run_id, path))


def load_config(run_id: str) -> ModelConfig:
    """The configuration that the run was opened with, whatever the model file says now."""
    return parse_config_json(load_text(run_id, naming.CONFIG_FILE))


def log_golden(run_id: str, rows: pd.DataFrame, scores: np.ndarray) -> None:
    """Keep feature rows with the scores that the pipeline gave them in the process that fitted it.

    A copy of the model that is loaded elsewhere, later or by other library versions must give the same scores.

    :param rows: (n, features) the pipeline's input columns
    :param scores: (n,) probabilities of class 1 or values, or (n, k) probabilities of k classes
    """
    log_text(run_id, golden_json(rows, scores), naming.GOLDEN_FILE)


def load_golden(run_id: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows (n, features) and scores, (n,) or (n, k), that `log_golden` kept, with the column types of then."""
    return parse_golden(load_text(run_id, naming.GOLDEN_FILE))

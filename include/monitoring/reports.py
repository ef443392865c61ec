"""Evidently's pages of a night, self-contained: they open with no internet.

Evidently's drift preset computes each statistic three times and draws half of it twice. One `ValueDrift` per column
gives the same values in a third of the time; the count and the table above the figures are made from those values.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("DO_NOT_TRACK", "1")  # before the import: Evidently sends usage data otherwise

from evidently import BinaryClassification, DataDefinition, Dataset, Report
from evidently.core.container import MetricContainer
from evidently.core.metric_types import Metric
from evidently.legacy.renderers.html_widgets import CounterData, counter, table_data, text_widget
from evidently.metrics import ValueDrift
from evidently.presets import ClassificationPreset

from include.config import environment
from include.monitoring.drift import SCORE, Comparison, Plan, drifted

if TYPE_CHECKING:
    import pandas as pd

HOW_TO_READ = (
    "A column is called drifted when its distance from the reference is at least 0.1 beyond what sampling this many "
    "rows gives by itself. Most real nights differ from a season's reference: this explains a change, it alarms "
    "nobody. Retraining is asked for by performance on matured labels."
)
TABLE_HEADER = ["column", "distance", "threshold", "drifted", "method", "missing in reference", "missing tonight"]


class Note(MetricContainer):
    """A paragraph on a page."""

    text: str

    def generate_metrics(self, context: Any) -> list[Metric]:
        return []

    def render(self, context: Any, child_widgets: Any = None) -> list[Any]:
        return [text_widget(text=self.text)]


class NightDrift(MetricContainer):
    """One `ValueDrift` for each column, below a count and a table; the columns farthest beyond their threshold first.

    `rows` are column, method, threshold, missing in the reference, missing tonight.
    """

    rows: list[list[Any]]

    def generate_metrics(self, context: Any) -> list[Metric]:
        return [ValueDrift(column=row[0], method=row[1], threshold=row[2], tests=[]) for row in self.rows]

    def render(self, context: Any, child_widgets: Any = None) -> list[Any]:
        values = [float(context.get_metric_result(metric).value) for metric in self.metrics(context)]
        order = sorted(range(len(values)), key=lambda i: -values[i] / self.rows[i][2])
        features = [i for i in order if self.rows[i][0] != SCORE]
        count = sum(values[i] >= self.rows[i][2] for i in features)
        counted = counter(counters=[CounterData(f"of {len(features)} features drifted", str(count))])
        table = table_data(column_names=TABLE_HEADER, data=[self._line(i, values[i]) for i in order])
        figures = [widget for i in order for widget in (child_widgets or [])[i][1]]
        return [counted, table, *figures]

    def _line(self, index: int, value: float) -> list[str]:
        column, method, threshold, before, now = self.rows[index]
        verdict = "yes" if value >= threshold else "no"
        return [column, f"{value:.3f}", f"{threshold:.3f}", verdict, method, f"{before:.1%}", f"{now:.1%}"]


def drift_page(
    plan: Plan, reference: pd.DataFrame, current: pd.DataFrame, title: str, notes: Sequence[str]
) -> tuple[dict[str, float], str, dict[str, Any]]:
    """Distance of each column that the plan compares, the page, and its figures as plain JSON types.

    Parameters
    ----------
    reference, current : frames as `drift.typed` makes them
    title, notes : markdown for the top of the page
    """
    compared = plan.comparisons
    definition = DataDefinition(
        numerical_columns=[found.column for found in compared if found.kind == "numeric"],
        categorical_columns=[found.column for found in compared if found.kind == "categorical"],
    )
    rows = [
        [found.column, found.method, found.threshold, found.missing_reference, found.missing_current]
        for found in compared
    ]
    names = [found.column for found in compared]
    report = Report([Note(text=_markdown(title, [*notes, HOW_TO_READ])), NightDrift(rows=rows)])
    snapshot = report.run(
        Dataset.from_pandas(current[names], definition), Dataset.from_pandas(reference[names], definition)
    )
    found_values = {entry["config"]["column"]: float(entry["value"]) for entry in snapshot.dict()["metrics"]}
    distances = {name: found_values[name] for name in names}
    return distances, snapshot.get_html_str(as_iframe=False), _drift_values(plan, distances, title, notes)


def performance_page(rows: pd.DataFrame, title: str, notes: Sequence[str]) -> str:
    """Evidently's classification report on rows with `label` 0 or 1, both present, and `score` in [0, 1]."""
    definition = DataDefinition(
        numerical_columns=["score"],
        classification=[BinaryClassification(target="label", prediction_probas="score")],
    )
    frame = rows[["label", "score"]].astype({"label": int})
    # `include_tests=False` alone fails: Evidently then gives the metrics by label a list where they take a mapping.
    by_label: dict[str, Any] = {f"{name}_by_label_tests": {} for name in ("f1score", "precision", "recall", "rocauc")}
    report = Report([Note(text=_markdown(title, notes)), ClassificationPreset(include_tests=False, **by_label)])
    snapshot = report.run(Dataset.from_pandas(frame, definition))
    return str(snapshot.get_html_str(as_iframe=False))


def folder_of(model: str, night: date) -> Path:
    """Where a night's reports are kept on the machine that made them."""
    return environment.state_dir() / "reports" / model / night.isoformat()


def keep(folder: Path, files: Mapping[str, str]) -> None:
    """Make these the folder's files, each written whole or not at all; what an earlier look left besides them goes."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        partial = folder / f".{name}.{os.getpid()}.partial"
        partial.write_text(text, encoding="utf-8")
        partial.replace(folder / name)
    for left in folder.iterdir():
        if left.name not in files and left.suffix != ".partial":
            left.unlink(missing_ok=True)


def as_json(value: Any) -> str:
    """JSON with null for what is not a number, as every reader of JSON can take it."""
    return json.dumps(_plain(value), indent=1, allow_nan=False)


def _drift_values(plan: Plan, distances: dict[str, float], title: str, notes: Sequence[str]) -> dict[str, Any]:
    beyond = drifted(plan.comparisons, distances)
    return {
        "title": title,
        "notes": list(notes),
        "drifted_columns": list(beyond),
        "left_out": plan.left_out,
        "columns": [_column_values(found, distances[found.column]) for found in plan.comparisons],
    }


def _column_values(found: Comparison, distance: float) -> dict[str, Any]:
    return {
        "column": found.column,
        "kind": found.kind,
        "method": found.method,
        "distance": distance,
        "threshold": found.threshold,
        "drifted": distance >= found.threshold,
        "missing_reference": found.missing_reference,
        "missing_current": found.missing_current,
    }


def _markdown(title: str, notes: Sequence[str]) -> str:
    # `<` would end the script in which Evidently's page keeps its texts.
    return f"### {title}\n\n{chr(10).join(f'- {note}' for note in notes)}".replace("<", "‹")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value

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

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.core.container import MetricContainer
from evidently.core.metric_types import Metric
from evidently.legacy.renderers.html_widgets import CounterData, counter, table_data, text_widget
from evidently.metrics import ValueDrift

from include.config import environment
from include.drift.alarms import WORDS
from include.drift.columns import Columns, Plan, thresholds

if TYPE_CHECKING:
    from include.contracts import DriftFinding

HOW_TO_READ = (
    "An alarm is a distance, a share or a number of rows that is rare among the ordinary days of the reference, each "
    "compared with the rest of it (q is the false discovery rate over the columns), and larger than 95 % of them by a "
    "floor. Columns that are expected to move are shown and never alarm. Retraining is asked for by performance."
)
OF_DAYS = "95 % of ordinary days"
OF_DRAWS = "95 % by chance alone"
HOW_TO_READ_DRAWS = (
    "An alarm is a distance, a share or a number of rows that is rare among pairs of samples drawn from the training "
    "rows (q is the false discovery rate over the columns), and larger than 95 % of them by a floor. Columns that are "
    "expected to move are shown and never alarm. Retraining is asked for by performance."
)
TABLE_HEADER = ["column", "what", "over", "value", OF_DAYS, "p", "q", "verdict"]
TOLD_BELOW = 0.05
"""p-value below which shares and numbers of rows are in the table, beside every column's distance."""


class Note(MetricContainer):
    """A paragraph on a page."""

    text: str

    def generate_metrics(self, context: Any) -> list[Metric]:
        return []

    def render(self, context: Any, child_widgets: Any = None) -> list[Any]:
        return [text_widget(text=self.text)]


class NightDrift(MetricContainer):
    """The verdict's table, then one `ValueDrift` for each column, as Evidently draws it, in the order of `rows`.

    `rows` are column, method, threshold; `lines` the table's, `alarms` and `watched` what is counted above it, `usual`
    the heading of what is not yet unusual.
    """

    usual: str
    rows: list[list[Any]]
    lines: list[list[str]]
    alarms: int
    watched: int

    def generate_metrics(self, context: Any) -> list[Metric]:
        return [ValueDrift(column=row[0], method=row[1], threshold=row[2], tests=[]) for row in self.rows]

    def render(self, context: Any, child_widgets: Any = None) -> list[Any]:
        label = f"alarms, of {self.watched} columns and counts watched"
        counted = counter(counters=[CounterData(label, str(self.alarms))])
        header = [self.usual if name == OF_DAYS else name for name in TABLE_HEADER]
        table = table_data(column_names=header, data=self.lines)
        return [counted, table, *(widget for _, widgets in child_widgets or [] for widget in widgets)]


def drift_page(
    plan: Plan,
    findings: Sequence[DriftFinding],
    reference: Columns,
    current: Columns,
    title: str,
    notes: Sequence[str],
    usual: str = OF_DAYS,
) -> tuple[dict[str, float], str, dict[str, Any]]:
    """Distance of each column that the plan compares, the page, and its figures as plain JSON types.

    Parameters
    ----------
    findings : the verdict's, the most unusual first; the figures follow their order
    reference, current : columns as `drift.typed` makes them
    title, notes : markdown for the top of the page; `usual` says what the null is of, OF_DAYS or OF_DRAWS
    """
    place = {found.column: number for number, found in reversed(list(enumerate(findings)))}
    compared = sorted(plan.comparisons, key=lambda found: place.get(found.column, len(findings)))
    definition = DataDefinition(
        numerical_columns=[found.column for found in compared if found.kind == "numeric"],
        categorical_columns=[found.column for found in compared if found.kind == "categorical"],
    )
    threshold = thresholds(plan, findings)
    drawn = NightDrift(
        usual=usual,
        rows=[[found.column, found.method, threshold[found.column]] for found in compared],
        lines=_lines(findings),
        alarms=len({found.column for found in findings if found.alarm}),
        watched=len({found.column for found in findings if not found.expected}),
    )
    names = [found.column for found in compared]
    how = HOW_TO_READ if usual == OF_DAYS else HOW_TO_READ_DRAWS
    report = Report([Note(text=markdown(title, [*notes, how])), drawn])
    # Columns of another length are filled up with missing values, which Evidently leaves out.
    sides = (pd.DataFrame({name: side[name].reset_index(drop=True) for name in names}) for side in (current, reference))
    snapshot = report.run(*(Dataset.from_pandas(side, definition) for side in sides))
    found_values = {entry["config"]["column"]: float(entry["value"]) for entry in snapshot.dict()["metrics"]}
    distances = {name: found_values[name] for name in names}
    return distances, snapshot.get_html_str(as_iframe=False), _drift_values(plan, findings, distances, title, notes)


class Lines(MetricContainer):
    """A table of our own on a page."""

    title: str
    notes: list[str]
    header: list[str]
    lines: list[list[str]]

    def generate_metrics(self, context: Any) -> list[Metric]:
        return []

    def render(self, context: Any, child_widgets: Any = None) -> list[Any]:
        return [
            text_widget(text=markdown(self.title, self.notes)),
            table_data(column_names=self.header, data=self.lines),
        ]


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


def _lines(findings: Sequence[DriftFinding]) -> list[list[str]]:
    """The table: alarms, then every distance of the night, then what else is unusual."""
    shown = [
        found
        for found in findings
        if found.alarm or found.p < TOLD_BELOW or (found.measure == "distance" and found.over == "night")
    ]
    return [_line(found) for found in sorted(shown, key=lambda found: (not found.alarm, found.expected, found.p))]


def _line(found: DriftFinding) -> list[str]:
    formats = {"distance": "{:.3f}", "rows": "{:,.0f}"}
    told = formats.get(found.measure, "{:.1%}").format
    verdict = "ALARM" if found.alarm else "expected to move" if found.expected else "ordinary"
    if verdict == "ordinary" and found.p < TOLD_BELOW:
        verdict = "unusual, no alarm"
    q = "" if found.q is None else f"{found.q:.2g}"
    over = "tonight" if found.over == "night" else "last nights"
    return [
        found.column,
        WORDS[found.measure],
        over,
        told(found.value),
        told(found.usual),
        f"{found.p:.2g}",
        q,
        verdict,
    ]


def _drift_values(
    plan: Plan, findings: Sequence[DriftFinding], distances: dict[str, float], title: str, notes: Sequence[str]
) -> dict[str, Any]:
    return {
        "title": title,
        "notes": list(notes),
        "alarms": [found.sentence for found in findings if found.alarm],
        "left_out": plan.left_out,
        "findings": [found.model_dump() for found in findings],
        "columns": [
            {
                "column": found.column,
                "kind": found.kind,
                "method": found.method,
                "distance": distances[found.column],
                "missing_reference": found.missing_reference,
                "missing_current": found.missing_current,
            }
            for found in plan.comparisons
        ],
    }


def markdown(title: str, notes: Sequence[str]) -> str:
    """Text for a page. `<` would end the script in which Evidently's page keeps its texts."""
    lines = (" ".join(note.split()) for note in notes)  # a line break in a name would end the list
    return f"### {title}\n\n{chr(10).join(f'- {line}' for line in lines)}".replace("<", "‹")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value

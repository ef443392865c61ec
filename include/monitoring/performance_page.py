"""The page of a night's performance: our own tables, and below them what Evidently draws for the task.

Evidently draws every row of a regression's figures; beyond MOST_ROWS rows a sample is drawn, and the page says so. The
figures above it are of all rows.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

os.environ.setdefault("DO_NOT_TRACK", "1")  # before the import: Evidently sends usage data otherwise

import numpy as np
import pandas as pd
from evidently import BinaryClassification, DataDefinition, Dataset, MulticlassClassification, Regression, Report
from evidently.core.container import MetricContainer
from evidently.core.metric_types import MeanStdMetricTests
from evidently.presets import ClassificationPreset, RegressionPreset

from include.data import labels
from include.drift.evidently_pages import Lines, Note, markdown
from include.scoring import outputs

if TYPE_CHECKING:
    from include.config.schema import ModelConfig
    from include.config.section import Task

MOST_ROWS: dict[Task, int] = {"binary": 50_000, "multiclass": 20_000, "regression": 10_000}
SAMPLE_SEED = 0
Drawn = tuple[pd.DataFrame, DataDefinition, MetricContainer]


def performance_page(
    config: ModelConfig,
    rows: pd.DataFrame,
    title: str,
    notes: Sequence[str],
    lines: Sequence[tuple[str, Sequence[str], Sequence[str], Sequence[Sequence[str]]]] = (),
) -> str:
    """The page, with Evidently's preset of the task where the rows can be drawn, and our own tables alone otherwise.

    Parameters
    ----------
    rows : `label` (a number), `score`, and of several classes `probabilities`; every row has a score
    lines : each table's title, notes, header and lines
    """
    ours = [
        Lines(title=name, notes=[*said], header=[*header], lines=[[*line] for line in text])
        for name, said, header, text in lines
    ]
    if not can_be_drawn(config, rows):
        top = [Note(text=markdown(title, notes)), *ours]
        empty = Report(top).run(Dataset.from_pandas(pd.DataFrame({"score": [0.0]}), DataDefinition()))
        return str(empty.get_html_str(as_iframe=False))
    shown, said = _sampled(config, rows)
    frame, definition, preset = {"binary": _binary, "multiclass": _multiclass, "regression": _regression}[config.task](
        config, shown
    )
    absent = [] if config.task != "multiclass" else _absent(config, shown)
    if absent:
        said = [*said, f"No row of {', '.join(absent)}: Evidently draws no ROC of classes, and the predictions alone."]
    report = Report([Note(text=markdown(title, [*notes, *said])), *ours, preset])
    return str(report.run(Dataset.from_pandas(frame, definition)).get_html_str(as_iframe=False))


def can_be_drawn(config: ModelConfig, rows: pd.DataFrame) -> bool:
    """Whether the rows are of two classes at least, or are any for a regression."""
    return len(rows) > 0 and (config.task == "regression" or rows["label"].nunique() > 1)


def _sampled(config: ModelConfig, rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    if len(rows) <= (most := MOST_ROWS[config.task]):
        return rows, []
    return rows.sample(most, random_state=SAMPLE_SEED), [f"Evidently draws {most:,} of these {len(rows):,} rows."]


def _binary(config: ModelConfig, rows: pd.DataFrame) -> Drawn:
    definition = DataDefinition(
        numerical_columns=["score"],
        classification=[BinaryClassification(target="label", prediction_probas="score")],
    )
    return rows[["label", "score"]].astype({"label": int}), definition, _classification()


def _multiclass(config: ModelConfig, rows: pd.DataFrame) -> Drawn:
    """Columns named as the classes, as Evidently takes probabilities; without them where a class has no row."""
    classes = _classes(config)
    target, prediction = _others("label", classes), _others("prediction", classes)
    scores = outputs.stacked(config, rows["probabilities"])
    names = np.array(classes, dtype=object)
    frame = pd.DataFrame(scores, columns=classes).assign(
        **{target: names[rows["label"].to_numpy().astype(int)], prediction: names[scores.argmax(axis=1)]}
    )
    definition = DataDefinition(
        numerical_columns=classes,
        categorical_columns=[target, prediction],
        classification=[
            MulticlassClassification(
                target=target,
                prediction_labels=prediction,
                prediction_probas=None if _absent(config, rows) else classes,
            )
        ],
    )
    return frame, definition, _classification()


def _regression(config: ModelConfig, rows: pd.DataFrame) -> Drawn:
    definition = DataDefinition(
        numerical_columns=["label", "score"], regression=[Regression(target="label", prediction="score")]
    )
    # Without these Evidently looks for results of tests that it was told not to make.
    none = MeanStdMetricTests(mean=[], std=[])
    of_means: dict[str, Any] = {"mean_error_tests": none, "mape_tests": none, "mae_tests": none}
    of_values: dict[str, Any] = {"rmse_tests": [], "r2score_tests": [], "abs_max_error_tests": []}
    return rows[["label", "score"]], definition, RegressionPreset(include_tests=False, **of_means, **of_values)


def _classification() -> MetricContainer:
    # `include_tests=False` alone fails: Evidently then gives the metrics by label a list where they take a mapping.
    by_label: dict[str, Any] = {f"{name}_by_label_tests": {} for name in ("f1score", "precision", "recall", "rocauc")}
    return ClassificationPreset(include_tests=False, **by_label)


def _absent(config: ModelConfig, rows: pd.DataFrame) -> list[str]:
    return [name for number, name in enumerate(_classes(config)) if not (rows["label"] == number).any()]


def _classes(config: ModelConfig) -> list[str]:
    """Names of the classes. `<` would end the script in which Evidently's page keeps them."""
    return [name.replace("<", "‹") for name in labels.class_names(config)]


def _others(name: str, taken: Sequence[str]) -> str:
    return name if name not in taken else _others(f"{name}_", taken)

"""Rows as they were scored, with their labels as they are known. `join_labels` and `usable_scores` are pure.

Of a snapshot only the rows of its holdout part are measured, by the hash of their keys: no version was fitted or chosen
on them, on whichever night it was trained, so that measuring the very table it was trained on does not flatter it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from include.contracts import DayRange
from include.data import labels, splits, tables, windows
from include.data.declared_types import as_declared
from include.errors import PermanentError
from include.scoring import loader, outputs, stored

if TYPE_CHECKING:
    from include.config.schema import ModelConfig

LABELLED = ("day", "row_key", "label", "cluster")
SCORED = ("day", "row_key", "score", "probabilities")


def read(config: ModelConfig, role: str, version: int, days: DayRange) -> pd.DataFrame:
    """Rows that `version` scored as `role` and whose label is known, as `join_labels` gives them.

    Rows of another version are left out: a metric that mixes the former champion with this one is neither's.
    """
    return join_labels(
        read_scores(config, role, version, days), read_labels(config, days), find_held_out(config, version)
    )


def read_labels(config: ModelConfig, days: DayRange) -> pd.DataFrame:
    """Labels as they are known now: day, row_key, label (a number); and of a snapshot what clusters its rows."""
    label, cluster = config.data.label, config.release.cluster_by if config.data.snapshot else None
    wanted = ["day", "row_key", label, *([cluster] if cluster else [])]
    rows = tables.read(config.name, windows.VALIDATED, list(dict.fromkeys(wanted)), (days.start, days.end))
    clusters = {"cluster": rows[cluster]} if cluster else {}
    numbers = labels.numbers(config, as_declared(config.name, rows[[label]], config.data.columns)[label])
    return pd.DataFrame({"day": rows["day"], "row_key": rows["row_key"], "label": numbers, **clusters})


def read_scores(config: ModelConfig, role: str, version: int, days: DayRange) -> pd.DataFrame:
    """What `version` scored as `role`, in `score_columns`; probabilities of other classes than today's are no score."""
    rows = stored.read(config, score_columns(config), (days.start, days.end), role)
    rows = rows[rows["version"] == version]
    if config.task != "multiclass":
        return rows
    there = np.isfinite(outputs.stacked(config, rows["probabilities"])).all(axis=1)
    return rows.assign(score=rows["score"].where(there), probabilities=rows["probabilities"].where(there, None))


def score_columns(config: ModelConfig) -> list[str]:
    """Columns of `predictions` that a metric of the task, or a comparison, needs."""
    of_classes = ["prediction", "probabilities"] if config.task == "multiclass" else []
    return ["day", "row_key", "version", "score", *of_classes]


def find_held_out(config: ModelConfig, version: int) -> ModelConfig | None:
    """The configuration by whose shares a snapshot's holdout is told, that of the version's training; None with days.

    Of a version that the registry has no more, today's: its scores are only looked at again.
    """
    if not config.data.snapshot:
        return None
    try:
        return loader.training(config.name, version).config
    except PermanentError:
        return config


def join_labels(scored: pd.DataFrame, known: pd.DataFrame, held_out: ModelConfig | None = None) -> pd.DataFrame:
    """Scores and labels of the rows that have both a prediction and a known label, in the order of their keys.

    A row is named by its day and its key: a key without the day in it comes again every day.

    :param held_out: configuration whose holdout part alone counts, for rows of a snapshot
    """
    labelled = known.loc[known["label"].notna(), [name for name in known if name in LABELLED]]
    rows = scored[[name for name in scored if name in SCORED]].merge(labelled, on=["day", "row_key"], validate="1:1")
    typed = rows.assign(score=rows["score"].astype("float64"), label=rows["label"].astype("float64"))
    if held_out is not None and len(typed):
        typed = typed[splits.in_part(held_out, typed, "holdout")]
    return typed.sort_values(["day", "row_key"], ignore_index=True)


def usable_scores(config: ModelConfig, rows: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """The rows that have a score, and their scores as metrics take them: (n,), or (n, k) probabilities of k classes."""
    if config.task != "multiclass":
        scored = rows[rows["score"].notna()]
        return scored, scored["score"].to_numpy(dtype=np.float64)
    scores = outputs.stacked(config, rows["probabilities"])
    there = np.isfinite(scores).all(axis=1)
    return rows[there], scores[there]


def choose_compared_column(config: ModelConfig) -> str:
    """The column of `predictions` in which two models of the task are compared."""
    return "prediction" if config.task == "multiclass" else "score"

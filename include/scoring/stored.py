"""Stored scores, read as chances of the classes of today, whichever they were made for and in whichever order."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from include.data import labels, tables
from include.errors import PermanentError
from include.scoring import loader, outputs
from include.scoring.batch import PREDICTIONS

if TYPE_CHECKING:
    from include.config.schema import ModelConfig


def read(config: ModelConfig, columns: Sequence[str], days: tuple[date, date], role: str | None = None) -> pd.DataFrame:
    """Columns of `predictions` of these days, `score` and `probabilities` in the order of the configuration's classes.

    Scores for classes that it does not have are no scores: null, and where `error` is asked for it says so. `columns`
    has `score`, and of a model of several classes `probabilities` where they are wanted.
    """
    held = set(tables.columns_of(config.name, PREDICTIONS))
    beside = [] if config.task == "regression" else ["version", *({"classes", "prediction"} & held)]
    wanted = list(dict.fromkeys([*columns, *beside]))
    rows = tables.read(config.name, PREDICTIONS, wanted, days, where={"role": role} if role else None)
    if config.task == "regression" or rows.empty:
        return rows[list(columns)]
    told = rows["classes"] if "classes" in rows else pd.Series(None, index=rows.index, dtype=object)
    groups = [rows["version"], told.fillna("")]
    parts = [
        _aligned(config, part, int(str(version)), str(told))
        for (version, told), part in rows.groupby(groups, sort=False)
    ]
    return pd.concat(parts).loc[rows.index, list(columns)]


def _aligned(config: ModelConfig, rows: pd.DataFrame, version: int, told: str) -> pd.DataFrame:
    """Rows of one version that were made for the same classes."""
    wanted = labels.class_names(config)
    had = tuple(json.loads(told)) if told else _known(config, rows, version)
    if had == wanted:
        return rows
    if config.task == "binary":
        found = outputs.aligned(rows["score"].to_numpy(dtype=np.float64), had, wanted)
        return _without(rows, had) if found is None else rows.assign(score=found)
    if "probabilities" not in rows:
        return rows
    scores = outputs.aligned(outputs.stack(len(had), rows["probabilities"]), had, wanted)
    if scores is None:
        return _without(rows, had)
    lists = [None if np.isnan(row).any() else row for row in scores]
    return rows.assign(probabilities=pd.Series(lists, index=rows.index, dtype=object))


def _without(rows: pd.DataFrame, had: Sequence[str]) -> pd.DataFrame:
    why = f"scored for classes that data.classes has not: {', '.join(had) or 'not told'}"
    empty = {"score": np.nan, "probabilities": None, "error": why}
    there = rows["score"].notna()
    return rows.assign(**{name: rows[name].where(~there, value) for name, value in empty.items() if name in rows})


def _known(config: ModelConfig, rows: pd.DataFrame, version: int) -> tuple[str, ...]:
    """The classes of rows that were stored before they said them: those that the version was trained with.

    Of several classes the scores were put into the order of the model file of that night, which is told by the class
    that was predicted. Of a version that the registry has no more, today's are taken.
    """
    now = labels.class_names(config)
    try:
        own = labels.class_names(loader.training(config.name, version).config)
    except PermanentError:
        own = now
    if config.task == "binary" or own == now or not {"probabilities", "prediction"} <= set(rows):
        return own
    return outputs.fitting_order(rows["probabilities"], rows["prediction"], [own, now])

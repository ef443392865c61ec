"""What is predicted: the task that a label's values ask for, and its classes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from include.authoring.yaml_text import said
from include.config.show import show

if TYPE_CHECKING:
    from include.config.schema import ColumnType
    from include.config.section import Task

MOST_CLASSES = 30
HANDFUL = 10
"""Rows of a class below which a split may have none of it."""
YES = ("yes", "true", "1", "y", "t", "positive", "bad", "churned", "default", "fraud", "spam")


def target_faults(label: pd.Series, kind: ColumnType, task: Task | None) -> list[str]:
    """What keeps a column from being the target at all, or of the task that was asked for."""
    name, values = said(str(label.name)), label.dropna()
    if values.empty:
        return [f"--target {name!r} has no value in any row"]
    distinct = values.nunique()
    if distinct < 2:
        return [f"--target {name!r} is {said(show(values.iloc[0]))} in every row: nothing to learn"]
    if kind in ("date", "timestamp"):
        return [f"--target {name!r} holds dates, which no task predicts; take a number of days, or a class"]
    shown = ", ".join(repr(said(value)) for value in values.unique()[:3])
    if task == "regression" and kind not in ("integer", "number"):
        return [
            f"--task regression: {name!r} is declared {kind} ({shown}); a regression predicts an integer or a number"
        ]
    if task == "binary" and distinct != 2:
        return [f"--task binary: {name!r} has {distinct:,} values ({shown}, ...), not two; leave --task out"]
    if task == "multiclass" and distinct < 3:
        return [f"--task multiclass: {name!r} has two values ({shown}); take --task binary, or leave it out"]
    if task in ("binary", "multiclass") and kind == "number" and set(values.unique()) != {0.0, 1.0}:
        return [f"--task {task}: {name!r} holds fractions ({shown}); classes are text, whole numbers or true and false"]
    many = task == "multiclass" or (task is None and kind == "string" and distinct > 2)
    if many and distinct > MOST_CLASSES:
        return [
            f"--target {name!r} has {distinct:,} different values ({shown}, ...), too many for classes "
            f"({MOST_CLASSES} at most); group them in the source"
        ]
    return []


def task_of(label: pd.Series, kind: ColumnType, notes: list[str]) -> Task:
    """The task that the values ask for; `notes` gets what could as well be taken otherwise."""
    values = label.dropna()
    distinct = values.nunique()
    if distinct == 2 and not (kind == "number" and set(values.unique()) != {0.0, 1.0}):
        return "binary"
    if kind == "number":
        return "regression"
    if kind == "integer":
        whole = sorted(int(value) for value in values.unique())
        if distinct <= 10 and whole == list(range(whole[0], whole[0] + distinct)) and whole[0] in (0, 1):
            notes.append(
                f"{said(label.name)} has {distinct} values from {whole[0]}: taken as classes (--task regression)"
            )
            return "multiclass"
        notes.append(f"{said(label.name)} has {distinct:,} whole values: taken as a quantity (--task multiclass)")
        return "regression"
    return "multiclass"


def classes_of(label: pd.Series, kind: ColumnType, task: Task, notes: list[str]) -> tuple[Any, ...]:
    """The label's values in order; of two, the one that is asked about last. None where they are 0 and 1."""
    if task == "regression":
        return ()
    counts = label.dropna().value_counts()
    few = [f"{said(value)!r} ({count})" for value, count in counts.items() if count < HANDFUL]
    if few:
        notes.append(f"{said(label.name)} has classes of few rows, which a split may lack: {', '.join(few)}")
    values = sorted(counts.index, key=str) if kind == "string" else sorted(counts.index)
    plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    if task == "multiclass":
        return tuple(plain)
    if set(plain) == {0, 1} and kind != "string":
        return ()
    asked = [value for value in plain if str(value).strip().lower() in YES]
    positive = asked[0] if len(asked) == 1 else counts.index[-1]
    positive = positive.item() if isinstance(positive, np.generic) else positive
    why = "" if len(asked) == 1 else ", the rarer one"
    told = f"the chance of {said(label.name)} = {said(show(positive))}{why} is predicted"
    notes.append(f"{told} (swap data.classes for the other)")
    return (*(value for value in plain if value != positive), positive)

"""What a table's columns are to a model: proposals, each with its reason. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from include.config.near import near
from include.config.show import show
from include.data.values import convert
from include.errors import ConfigError

if TYPE_CHECKING:
    from include.config.schema import ColumnType
    from include.config.section import Task

FEW = 50
"""Values up to which a text column is encoded value by value; above, by the label's mean."""
MOST_CLASSES = 30
YES = ("yes", "true", "1", "y", "t", "positive", "bad", "churned", "default", "fraud", "spam")
FREE_TEXT = 60
"""Mean length above which text is sentences, of which no feature is made."""
LONGEST_KEY = 40
"""Mean length above which text names nothing, though no two rows share it."""
GIVES_AWAY = 0.995
PROBED_ROWS = 5000
KEY_WORDS = ("id", "key", "uuid", "number", "no", "nr", "code")


@dataclass(frozen=True)
class Profile:
    """A table with the part that each column plays. `notes` say what was assumed, and why."""

    rows: pd.DataFrame
    kinds: dict[str, ColumnType]
    task: Task
    label: str
    classes: tuple[Any, ...]
    time: str | None
    key: tuple[str, ...]
    numbered: bool
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    target_encoded: tuple[str, ...]
    times: tuple[str, ...]
    left_out: dict[str, str]
    suspects: dict[str, str]
    personal: dict[str, str]
    notes: tuple[str, ...] = field(default=())


def profile(
    rows: pd.DataFrame,
    kinds: dict[str, ColumnType],
    target: str,
    time: str | None = None,
    key: Sequence[str] = (),
    task: Task | None = None,
    personal: dict[str, str] | None = None,
    origin: str = "the table",
) -> Profile:
    """Give every column a part. Raises ConfigError, with all faults, where target, time or key cannot be what was said.

    :param personal: columns that look like people's own data, and like what
    """
    faults = _faults(rows, kinds, target, time, key)
    if faults:
        raise ConfigError(origin, faults)
    notes: list[str] = []
    found = task or _task(rows[target], kinds[target], notes)
    classes = _classes(rows[target], kinds[target], found, notes)
    named, numbered = _key(rows, kinds, target, time, tuple(key), notes)
    parts = _Parts(rows, kinds, dict(personal or {}))
    for name in rows.columns:
        if name not in (target, time, *named):
            parts.place(str(name))
    suspects = _suspects(rows, target, found, [*parts.numeric, *parts.categorical, *parts.target_encoded])
    kept = [name for name in (*parts.numeric, *parts.categorical, *parts.target_encoded) if name not in suspects]
    if not kept and not parts.times:
        reasons = [f"{name}: {why}" for name, why in {**parts.left_out, **suspects}.items()]
        raise ConfigError(origin, ["no column is left that could be a feature", *reasons])
    if time and kinds[time] == "timestamp":
        parts.times.append(time)
    return Profile(
        rows=rows,
        kinds=kinds,
        task=found,
        label=target,
        classes=classes,
        time=time,
        key=named,
        numbered=numbered,
        numeric=tuple(name for name in parts.numeric if name not in suspects),
        categorical=tuple(name for name in parts.categorical if name not in suspects),
        target_encoded=tuple(name for name in parts.target_encoded if name not in suspects),
        times=tuple(parts.times),
        left_out=parts.left_out,
        suspects=suspects,
        personal=dict(personal or {}),
        notes=tuple(notes),
    )


def _faults(
    rows: pd.DataFrame, kinds: dict[str, ColumnType], target: str, time: str | None, key: Sequence[str]
) -> list[str]:
    columns = [str(name) for name in rows.columns]
    faults = [
        f"{option} {name!r} is no column of it{near(name, columns)}; columns: {', '.join(columns)}"
        for option, name in [("--target", target), *([("--time", time)] if time else []), *(("--key", k) for k in key)]
        if name not in columns
    ]
    if faults:
        return faults
    if rows[target].notna().sum() == 0:
        faults.append(f"--target {target!r} has no value in any row")
    elif rows[target].nunique() < 2:
        faults.append(f"--target {target!r} is {show(rows[target].dropna().iloc[0])} in every row: nothing to learn")
    if time is not None and kinds[time] not in ("date", "timestamp"):
        there = rows[time].dropna()
        faulty = there[convert(there, "timestamp")[1]]
        value = faulty.iloc[0] if len(faulty) else None
        faults.append(
            f"--time {time!r} holds {show(value)}, no date (2026-01-31) or time stamp (2026-01-31 14:05) of ISO 8601"
        )
    if key:
        doubled = int(rows.duplicated([*key, *([time] if time else [])]).sum())
        if doubled:
            faults.append(f"--key {', '.join(key)} names {doubled:,} of {len(rows):,} rows twice")
    return faults


def _task(label: pd.Series, kind: ColumnType, notes: list[str]) -> Task:
    values = label.dropna()
    distinct = values.nunique()
    if distinct == 2:
        return "binary"
    if kind == "number":
        return "regression"
    if kind == "integer":
        whole = sorted(int(value) for value in values.unique())
        if distinct <= 10 and whole == list(range(whole[0], whole[0] + distinct)) and whole[0] in (0, 1):
            notes.append(f"{label.name} has {distinct} values from {whole[0]}: taken as classes (--task regression)")
            return "multiclass"
        notes.append(f"{label.name} has {distinct} whole values: taken as a quantity (--task multiclass)")
        return "regression"
    if distinct > MOST_CLASSES:
        raise ConfigError(
            "the table", [f"--target {label.name!r} has {distinct} different values of text, too many for classes"]
        )
    return "multiclass"


def _classes(label: pd.Series, kind: ColumnType, task: Task, notes: list[str]) -> tuple[Any, ...]:
    """The label's values in order; of two, the one that is asked about last."""
    if task == "regression":
        return ()
    counts = label.dropna().value_counts()
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
    notes.append(f"the chance of {label.name} = {show(positive)}{why} is predicted (swap data.classes for the other)")
    return (*(value for value in plain if value != positive), positive)


def _key(
    rows: pd.DataFrame,
    kinds: dict[str, ColumnType],
    target: str,
    time: str | None,
    given: tuple[str, ...],
    notes: list[str],
) -> tuple[tuple[str, ...], bool]:
    """Columns that name a row, and whether a row number has to."""
    if given:
        return given, False
    usable = [
        str(name)
        for name in rows.columns
        if name not in (target, time)
        and kinds[str(name)] in ("string", "integer")
        and rows[name].notna().all()
        and rows[name].astype(str).str.len().mean() <= LONGEST_KEY
    ]
    usable.sort(key=lambda name: not _sounds_like_a_key(name))
    day = {"day of it": rows[time].dt.normalize()} if time else {}
    for name in usable:
        if not pd.DataFrame({"name": rows[name], **day}).duplicated().any() and (
            _sounds_like_a_key(name) or kinds[name] == "string"
        ):
            notes.append(f"{name} names a row: no two rows{' of a day' if time else ''} share it (--key for another)")
            return (name,), False
    if time and not rows.duplicated([time]).any():
        return (time,), False
    notes.append("no column names a row, so rows are counted (row_number): rows may only ever be added at the end")
    return ("row_number",), True


def _sounds_like_a_key(name: str) -> bool:
    words = name.lower().replace("-", "_").replace(" ", "_").split("_")
    return words[0] in KEY_WORDS or words[-1] in KEY_WORDS or name.lower().endswith("id")


class _Parts:
    """The part that each column plays, as they are placed one by one."""

    def __init__(self, rows: pd.DataFrame, kinds: dict[str, ColumnType], personal: dict[str, str]) -> None:
        self.rows, self.kinds, self.personal = rows, kinds, personal
        self.numeric: list[str] = []
        self.categorical: list[str] = []
        self.target_encoded: list[str] = []
        self.times: list[str] = []
        self.left_out: dict[str, str] = {}

    def place(self, name: str) -> None:
        values, kind = self.rows[name], self.kinds[name]
        if why := self._useless(name, values):
            self.left_out[name] = why
        elif kind in ("integer", "number", "boolean"):
            self.numeric.append(name)
        elif kind in ("date", "timestamp"):
            self.times.append(name)
        elif values.nunique() <= FEW:
            self.categorical.append(name)
        else:
            self.target_encoded.append(name)

    def _useless(self, name: str, values: pd.Series) -> str | None:
        distinct, there = values.nunique(), int(values.notna().sum())
        if name in self.personal:
            return self.personal[name]
        if distinct < 2:
            return "the same in every row" if there else "empty in every row"
        if self.kinds[name] == "string":
            if distinct > 0.9 * there and there > FEW:
                return f"nearly every row has its own value ({distinct:,} of {there:,})"
            if values.dropna().astype(str).str.len().mean() > FREE_TEXT:
                return "sentences"
        if self.kinds[name] == "integer" and distinct == len(values) and _sounds_like_a_key(name):
            return "every row has its own value"
        return None


def _suspects(rows: pd.DataFrame, target: str, task: Task, names: Sequence[str]) -> dict[str, str]:
    """Columns that give the label away by themselves: on half of the rows a shallow tree of the other half is right.

    Most often such a column is only known afterwards. It is a suspicion, which the draft leaves to a person.
    """
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    there = rows[rows[target].notna()]
    sample = there.sample(min(len(there), PROBED_ROWS), random_state=0)
    if len(sample) < 2 * FEW:
        return {}
    y = sample[target].astype(float) if task == "regression" else pd.Series(pd.factorize(sample[target])[0])
    half, found = len(sample) // 2, {}
    labels = y.to_numpy()
    for name in names:
        column = sample[name]
        codes = column.astype("float64") if pd.api.types.is_numeric_dtype(column) else pd.factorize(column)[0]
        x = np.nan_to_num(np.asarray(codes, dtype=float), nan=-1e9).reshape(-1, 1)
        tree = (DecisionTreeRegressor if task == "regression" else DecisionTreeClassifier)(max_depth=6, random_state=0)
        score = tree.fit(x[:half], labels[:half]).score(x[half:], labels[half:])
        share = (
            0.0 if task == "regression" else float(np.max(np.bincount(labels[half:].astype(int))) / len(labels[half:]))
        )
        if math.isfinite(score) and score > GIVES_AWAY and score - share > 0.5 * (1 - share):
            found[name] = (
                f"gives {target} away by itself ({score:.1%} right)"
                if task != "regression"
                else (f"gives {target} away by itself (R2 {score:.3f})")
            )
    return found

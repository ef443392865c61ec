"""Features that are computed when rows are read, by one function for training and scoring: rates, parts of a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from include.config.next_commands import trigger
from include.errors import PermanentError

if TYPE_CHECKING:
    from include.config.schema import ModelConfig, RateFeature


def add_rates(frame: pd.DataFrame, history: pd.DataFrame, config: ModelConfig) -> pd.DataFrame:
    """Add `config.features.rates` to `frame`, computed from `history` alone.

    A row of day D sees the labels of days D - delay - days + 1 to D - delay of its group; rows whose label is unknown
    do not count, and a group with none has NaN. A delay of 0 counts as 1: a row must not see its own day's labels,
    its own among them. The same function serves training and scoring, so the two agree.

    Parameters
    ----------
    frame : rows to extend, with `data.day` and the rates' `by` columns
    history : rows with `data.day`, the `by` columns and the label; may hold later days, which are not looked at
    """
    if not config.features.rates:
        return frame
    day = config.data.day
    frame_day = _moments(frame[day])
    known = history[history[config.data.label].notna()]
    known = known.assign(_day=_moments(known[day]), _label=known[config.data.label].astype("float64"))
    delay = config.data.nights_to_label
    added = {rate.name: _rate(frame, frame_day, known, rate, delay) for rate in config.features.rates}
    return frame.assign(**added)


CYCLES: Mapping[str, tuple[int, int]] = {
    "hour": (0, 24),
    "minute_of_day": (0, 1440),
    "day_of_week": (0, 7),
    "day_of_month": (1, 31),
    "day_of_year": (1, 366),
    "week": (1, 53),
    "month": (1, 12),
    "quarter": (1, 4),
}
"""The first value of each part, and how many it has before it starts again."""


def add_time_parts(frame: pd.DataFrame, config: ModelConfig) -> pd.DataFrame:
    """Add `config.features.time` to `frame`, float64; NaN where the time is missing."""
    added: dict[str, pd.Series] = {}
    for feature in config.features.time:
        moments = _moments(frame[feature.column])
        for part in feature.parts:
            value, name = _part(moments, part), f"{feature.column}_{part}"
            if feature.cyclic:
                first, count = CYCLES[part]
                angle = 2 * np.pi * (value - first) / count
                added |= {f"{name}_sin": np.sin(angle), f"{name}_cos": np.cos(angle)}
            else:
                added[name] = value
    return frame.assign(**added)


def without(config: ModelConfig, names: tuple[str, ...]) -> ModelConfig:
    """The configuration with those features left out; PermanentError where none is left."""
    features = config.features
    kept = {
        "numeric": tuple(name for name in features.numeric if name not in names),
        "categorical": tuple(name for name in features.categorical if name not in names),
        "target_encoded": tuple(name for name in features.target_encoded if name not in names),
        "rates": tuple(rate for rate in features.rates if rate.name not in names),
        "time": tuple(feature for feature in features.time if not set(feature.names) & set(names)),
    }
    if not any(kept.values()):
        raise PermanentError(
            f"{config.name}: none of the features has a value in the training rows ({', '.join(names)}); "
            f"look at the source, then ingest the days again: {trigger(config.name, 'ingest', start='DAY', end='DAY')}"
        )
    return config.model_copy(update={"features": features.model_copy(update=kept)})


def _part(moments: pd.Series, part: str) -> pd.Series:
    if part == "minute_of_day":
        return (moments.dt.hour * 60 + moments.dt.minute).astype("float64")
    if part == "week":
        return moments.dt.isocalendar()["week"].astype("float64")
    attribute = {"day_of_week": "dayofweek", "day_of_month": "day", "day_of_year": "dayofyear"}.get(part, part)
    return getattr(moments.dt, attribute).astype("float64")


def _moments(days: pd.Series) -> pd.Series:
    """Days as time stamps; pandas looks through those that are some already, which takes longer than the rates."""
    return days if pd.api.types.is_datetime64_any_dtype(days) else pd.to_datetime(days)


def _rate(frame: pd.DataFrame, frame_day: pd.Series, known: pd.DataFrame, rate: RateFeature, delay: int) -> np.ndarray:
    """One rate per row of `frame`, float64 (n,): running sums per group, read at both ends of the span of days."""
    by = list(rate.by)
    if not len(known) or not len(frame):
        return np.full(len(frame), np.nan)
    origin = known["_day"].min()
    codes, known_codes = _group_codes(frame, known, by)
    days = (known["_day"] - origin).dt.days.to_numpy()
    shape = (max(codes.max(initial=-1), known_codes.max(initial=-1)) + 1, days.max() + 2)
    # Column d holds the sums over days before d.
    positive, count = np.zeros(shape), np.zeros(shape)
    np.add.at(positive, (known_codes, days + 1), known["_label"].to_numpy())
    np.add.at(count, (known_codes, days + 1), 1.0)
    positive, count = positive.cumsum(axis=1), count.cumsum(axis=1)
    end = (frame_day - origin).dt.days.to_numpy() - delay + 1
    high = np.clip(end, 0, shape[1] - 1)
    low = np.clip(end - rate.days, 0, shape[1] - 1)
    rows = count[codes, high] - count[codes, low]
    with np.errstate(invalid="ignore", divide="ignore"):
        result = (positive[codes, high] - positive[codes, low]) / rows
    return np.where(rows > 0, result, np.nan)


def _group_codes(frame: pd.DataFrame, known: pd.DataFrame, by: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Number the groups of both frames alike."""
    if not by:
        return np.zeros(len(frame), dtype=int), np.zeros(len(known), dtype=int)
    both = pd.concat([frame[by], known[by]], ignore_index=True)
    codes = both.groupby(by, sort=False, dropna=False).ngroup().to_numpy()
    return codes[: len(frame)], codes[len(frame) :]

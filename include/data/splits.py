"""A window's rows, split by time, or a snapshot's by key: train | validation (choose) | holdout (judge, once)."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from include.config.next_commands import trigger
from include.config.schema import Split as Shares
from include.errors import NotEnoughData

if TYPE_CHECKING:
    from include.config.schema import ModelConfig
    from include.contracts import DayRange, Windows

Split = Literal["train", "validation", "holdout"]
HASH_BYTES = 8
LEAST_ROWS = 50
"""Rows below which a split says nothing at all; how many the holdout needs is `release.min_holdout_rows`."""
SURE = 3.0
"""Standard deviations of chance that `rows_for` allows for."""


def of_days(config: ModelConfig, frame: pd.DataFrame, days: DayRange, name: Split) -> pd.DataFrame:
    """Rows of `days` with a known label, of a snapshot those of its part alone.

    Raises NotEnoughData where there are none, or where nothing could be told apart: of one class, or of one value.
    """
    day = frame[config.data.day]
    inside = (day >= pd.Timestamp(days.start)) & (day <= pd.Timestamp(days.end))
    there = frame[inside & in_part(config, frame, name)]
    rows = there[there[config.data.label].notna()].reset_index(drop=True)
    if rows[config.data.label].nunique() < 2:
        what = f"{config.name}: split {name} ({days.start} to {days.end})"
        raise NotEnoughData(f"{what} {_lack(config, frame, there, rows, days)}")
    return rows


def _lack(config: ModelConfig, frame: pd.DataFrame, there: pd.DataFrame, rows: pd.DataFrame, days: DayRange) -> str:
    """What a split lacks that holds `rows` with a label of those `there`, and what helps: days, labels, or classes."""
    label, loaded = config.data.label, trigger(config.name, "ingest", start=days.start, end=days.end)
    if there.empty:
        return f"has no rows; at least two are needed. Load its days: {loaded}"
    if len(rows):
        of_one = "value" if config.task == "regression" else "class"
        return (
            f"has {len(rows):,} rows, all of one {of_one} of {label}; at least two are needed. "
            "Next: give more days to it (training.*_days) in the model file, or look at the source's label"
        )
    known = frame[frame[label].notna()][config.data.day]
    if known.empty or config.data.snapshot:
        return f"has {len(there):,} rows, none of which has a {label} yet. Once the source has it: {loaded}"
    newest, last = known.max(), frame[config.data.day].max()
    needed = config.data.label_delay_days + (last - newest).days
    return (
        f"has {len(there):,} rows, none of which has a {label} yet; the newest one is of {newest.date()}. "
        f"Next: where labels come that late, write label_delay_days: {needed} (data, now "
        f"{config.data.label_delay_days}) in the model file; else, once the source has them: {loaded}"
    )


def rows_for(share: float, least: int = LEAST_ROWS) -> int:
    """Rows of a snapshot of which a part of that share surely has `least`: which part a key is of is chance.

    The smallest n with n*share - 3 sqrt(n share (1 - share)) >= least.
    """
    spread = SURE * math.sqrt(1 - share)
    root = (spread + math.sqrt(spread**2 + 4 * least)) / 2
    return math.ceil(root**2 / share)


def in_part(config: ModelConfig, frame: pd.DataFrame, name: Split) -> np.ndarray:
    """Whether each row (n,), named by `row_key`, is of that part of a snapshot; all are where rows are split by time.

    By a hash of the model's name and the row's key alone: a row never changes its part, so that no night's model is
    judged on rows that an earlier night's was fitted on, however the table grows.
    """
    if not config.data.snapshot:
        return np.ones(len(frame), dtype=bool)
    shares = config.training.split or Shares()
    bounds = np.cumsum([shares.train, shares.validation])
    parts = np.searchsorted(bounds, fractions(config.name, frame["row_key"]), side="right")
    return np.asarray(parts == get_args(Split).index(name))


def fractions(salt: str, row_keys: pd.Series) -> np.ndarray:
    """A number in [0, 1) for each key, the same on every machine for ever."""
    seed = hashlib.blake2b(salt.encode(), digest_size=HASH_BYTES).digest()
    digests = (hashlib.blake2b(key.encode(), digest_size=HASH_BYTES, key=seed).digest() for key in row_keys)
    return np.frombuffer(b"".join(digests), dtype=">u8").astype("float64") / 2.0 ** (8 * HASH_BYTES)


def split(config: ModelConfig, frame: pd.DataFrame, windows: Windows) -> dict[Split, pd.DataFrame]:
    """All three splits of a window."""
    return {
        "train": of_days(config, frame, windows.train, "train"),
        "validation": of_days(config, frame, windows.validation, "validation"),
        "holdout": of_days(config, frame, windows.holdout, "holdout"),
    }

"""A window's rows, split by time, or a snapshot's by key: train | validation (choose) | holdout (judge, once)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from include.config.schema import Split as Shares
from include.errors import NotEnoughData

if TYPE_CHECKING:
    from include.config.schema import ModelConfig
    from include.contracts import DayRange, Windows

Split = Literal["train", "validation", "holdout"]
HASH_BYTES = 8


def of_days(config: ModelConfig, frame: pd.DataFrame, days: DayRange, name: Split) -> pd.DataFrame:
    """Rows of `days` with a known label, of a snapshot those of its part alone.

    Raises NotEnoughData where there are none, or where nothing could be told apart: of one class, or of one value.
    """
    day = frame[config.data.day]
    inside = (day >= pd.Timestamp(days.start)) & (day <= pd.Timestamp(days.end)) & frame[config.data.label].notna()
    rows = frame[inside & in_part(config, frame, name)].reset_index(drop=True)
    if rows[config.data.label].nunique() < 2:
        of_one = "value" if config.task == "regression" else "class"
        found = f"{len(rows):,} rows, all of one {of_one}" if len(rows) else "no rows with a known label"
        raise NotEnoughData(
            f"{config.name}: split {name} ({days.start} to {days.end}) has {found}; at least two are needed. "
            f"Load its days: trigger {config.name}__ingest with start={days.start} and end={days.end}"
        )
    return rows


def in_part(config: ModelConfig, frame: pd.DataFrame, name: Split) -> np.ndarray:
    """Whether each row (n,), named by `row_key`, is of that part of a snapshot; all are where rows are split by time.

    By a hash of the model's name and the row's key alone: a row never changes its part, so that no night's model is
    judged on rows that an earlier night's was fitted on, however the table grows.
    """
    if not config.data.snapshot:
        return np.ones(len(frame), dtype=bool)
    shares = config.training.split or Shares()
    bounds = np.cumsum([shares.train, shares.validation])
    parts = np.searchsorted(bounds, _fractions(config.name, frame["row_key"]), side="right")
    return np.asarray(parts == get_args(Split).index(name))


def _fractions(salt: str, row_keys: pd.Series) -> np.ndarray:
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

"""A window's rows, split by time: train | validation (choose) | holdout (judge, once)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pandas as pd

from include.errors import NotEnoughData

if TYPE_CHECKING:
    from include.config.schema import ModelConfig
    from include.contracts import DayRange, Windows

Split = Literal["train", "validation", "holdout"]


def of_days(config: ModelConfig, frame: pd.DataFrame, days: DayRange, name: Split) -> pd.DataFrame:
    """Rows of `days` with a known label. Raises NotEnoughData where there are none, or of one class only."""
    day = frame[config.data.day]
    inside = (day >= pd.Timestamp(days.start)) & (day <= pd.Timestamp(days.end))
    rows = frame[inside & frame[config.data.label].notna()].reset_index(drop=True)
    classes = rows[config.data.label].nunique()
    if classes < 2:
        found = f"{len(rows):,} rows, all of one class" if len(rows) else "no rows with a known label"
        raise NotEnoughData(
            f"{config.name}: split {name} ({days.start} to {days.end}) has {found}; both classes are needed. "
            f"Load its days: trigger {config.name}__ingest with start={days.start} and end={days.end}"
        )
    return rows


def split(config: ModelConfig, frame: pd.DataFrame, windows: Windows) -> dict[Split, pd.DataFrame]:
    """All three splits of a window."""
    return {
        "train": of_days(config, frame, windows.train, "train"),
        "validation": of_days(config, frame, windows.validation, "validation"),
        "holdout": of_days(config, frame, windows.holdout, "holdout"),
    }

"""Declared types: each column as declared, and which rows hold a value that is not of that type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from include.data.values import convert

if TYPE_CHECKING:
    from include.config.schema import ModelConfig


@dataclass(frozen=True)
class Coerced:
    """`frame`: declared columns in declared order, index kept; `faults`: column -> mask (n,) of rows not of its type.

    Dtypes: date -> object of datetime.date, timestamp -> datetime64[us], string -> str, integer -> Int64,
    number -> float64, boolean -> boolean. A faulty value is missing in `frame`.
    """

    frame: pd.DataFrame
    faults: Mapping[str, np.ndarray]


def coerce(frame: pd.DataFrame, config: ModelConfig) -> Coerced:
    """Convert the declared columns that `frame` has; columns it lacks are left out."""
    typed: dict[str, pd.Series] = {}
    faults: dict[str, np.ndarray] = {}
    for name, kind in config.data.columns.items():
        if name not in frame.columns:
            continue
        typed[name], lost = convert(frame[name], kind, config.schedule.timezone)
        if lost.any():
            faults[name] = lost
    return Coerced(pd.DataFrame(typed, index=frame.index), faults)


def settle(frame: pd.DataFrame) -> pd.DataFrame:
    """Give integer and boolean columns without a missing value their plain dtypes (int64, bool)."""
    plain = {"Int64": "int64", "boolean": "bool"}
    to = {name: plain[str(kind)] for name, kind in frame.dtypes.items() if str(kind) in plain}
    return frame.astype({name: kind for name, kind in to.items() if not frame[name].isna().any()})

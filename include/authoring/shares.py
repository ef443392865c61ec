"""Shares of a small snapshot's rows, cut so that the night's own hash puts rows enough into each split."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from include.data import splits
from include.data.splits import LEAST_ROWS
from include.data.windows import row_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.config.schema import ModelConfig

SMALL = 1000
"""Rows from which 0.2 of them are surely enough."""
USUAL = 0.2
SPARE = 1.2


def small_shares(config: ModelConfig, rows: pd.DataFrame) -> Mapping[str, float] | None:
    """Shares for the rows (n,) of a snapshot whose label is known, or None where the usual ones do.

    The hash of a row's key is the same every night, so that what is cut here holds as long as rows are not taken away.
    """
    if not config.data.snapshot or len(rows) >= SMALL or "hash" in config.data.personal.values():
        return None
    places = np.sort(splits.fractions(config.name, row_keys(config, rows).astype(str)))
    count = len(places)
    small = min(count // 3, max(round(SPARE * LEAST_ROWS), round(USUAL * count)))
    first, second = count - 2 * small, count - small
    train = round(float(places[first - 1] + places[first]) / 2, 5)
    validation = round(float(places[second - 1] + places[second]) / 2 - train, 5)
    return {"train": train, "validation": validation, "holdout": round(1 - train - validation, 5)}

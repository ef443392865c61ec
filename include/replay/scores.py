"""What the nights' versions say to rows: each day scored once by each version, as its stored pipeline scores it."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from include.scoring.rows import score_rows

if TYPE_CHECKING:
    from include.config.schema import ModelConfig
    from include.replay.nights import Night
    from include.replay.store import Store


class Scores:
    """Scores by version and day. Rows that have changed since, such as by a corrected label's rate, are scored anew."""

    def __init__(self, config: ModelConfig, store: Store) -> None:
        self._config, self._store = config, store
        self._known: dict[tuple[date, date], tuple[bytes, np.ndarray]] = {}

    def of(self, night: Night, rows: pd.DataFrame) -> np.ndarray:
        """Scores (n,) of the version trained on `night`; NaN for a row that it could not score."""
        result = np.full(len(rows), np.nan)
        names = list(self._config.features.names)
        for day, places in rows.groupby(self._config.data.day, sort=False).indices.items():
            part = rows.iloc[places]
            digest = _digest(part[names])
            key = night.trained.night, pd.Timestamp(str(day)).date()
            kept = self._known.get(key)
            if kept is None or kept[0] != digest:
                pipeline = self._store.pipeline(night.trained.night, night.trained.estimator)
                kept = digest, score_rows(pipeline, part, self._config)[0]
                self._known[key] = kept
            result[places] = kept[1]
        return result


def _digest(features: pd.DataFrame) -> bytes:
    values = pd.util.hash_pandas_object(features, index=False).to_numpy()
    return hashlib.sha256(values.tobytes()).digest()

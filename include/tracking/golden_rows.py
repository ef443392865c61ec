"""Golden rows: a few rows with the scores that the model gave them where it was fitted, as JSON.

A copy of the model that is loaded elsewhere, by other library versions, or trained again must give the same scores.
Floats are written with all their digits, so a score comes back to the last bit.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

GOLDEN_ROWS = 50


def golden_sample(rows: pd.DataFrame) -> pd.DataFrame:
    """At most GOLDEN_ROWS rows spread evenly over `rows`, so that every part of the window is among them."""
    count = min(GOLDEN_ROWS, len(rows))
    return rows.iloc[np.linspace(0, len(rows) - 1, count).astype(int)].reset_index(drop=True)


def golden_json(rows: pd.DataFrame, scores: NDArray[np.float64]) -> str:
    """Write rows (n, features) and their scores, (n,) or (n, k) of k classes, with the column types of now."""
    values = rows.astype(object).where(rows.notna(), None)
    golden = {
        "dtypes": {str(name): str(dtype) for name, dtype in rows.dtypes.items()},
        "rows": [[_plain(value) for value in row] for row in values.to_numpy()],
        "scores": np.asarray(scores, dtype=np.float64).tolist(),
    }
    return json.dumps(golden)


def parse_golden(text: str) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Rows (n, features) and scores, (n,) or (n, k), that `golden_json` wrote, with the column types of then."""
    golden = json.loads(text)
    rows = pd.DataFrame(golden["rows"], columns=list(golden["dtypes"]), dtype=object)
    return rows.astype(golden["dtypes"]), np.asarray(golden["scores"], dtype=np.float64)


def _plain(value: Any) -> Any:
    """A JSON type of the same value: numpy scalars unwrapped, days and times as ISO text."""
    if isinstance(value, np.generic):
        return value.item()
    return value.isoformat() if hasattr(value, "isoformat") else value

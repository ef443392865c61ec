from __future__ import annotations

import pandas as pd

from include.tracking.golden_rows import golden_sample


def test_a_small_window_is_sampled_whole() -> None:
    assert golden_sample(pd.DataFrame({"x": range(7)}))["x"].tolist() == list(range(7))
    spread = golden_sample(pd.DataFrame({"x": range(1000)}))["x"]
    assert (spread.iloc[0], spread.iloc[-1], spread.nunique()) == (0, 999, 50)

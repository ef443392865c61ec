"""Prices and measures of 53,940 round-cut diamonds, and how well each is cut: `diamonds` of R's ggplot2."""

from __future__ import annotations

from datetime import date

import pandas as pd

from include.data.packages import rdataset


def read(start: date, end: date) -> pd.DataFrame:
    """Return every diamond; the table has no days, so each night sees it whole."""
    diamonds = rdataset("ggplot2/diamonds", "diamonds")
    return diamonds.assign(diamond=[f"D{number:05d}" for number in range(1, len(diamonds) + 1)])

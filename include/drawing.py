"""Where pictures begin: names and classes are drawn as they are written, so that `$` in one is no formula."""

from __future__ import annotations

import matplotlib
from matplotlib.figure import Figure

matplotlib.rcParams["text.parse_math"] = False

__all__ = ["Figure"]

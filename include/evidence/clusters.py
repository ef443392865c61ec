"""What is resampled, whole clusters or single rows, and the standard error that comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from include.evidence.input_checks import EvidenceError, cluster_codes
from include.evidence.resampling import weighed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from include.evidence.resampling import Statistic, Weighing

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]
    Combine = Callable[[Floats], Floats]
    """(statistics, b) values -> (b,) of what is estimated from them."""

MAX_UNDEFINED = 0.05
"""Largest share of resamples that may have no value, before the evidence counts as unusable."""
LEAVE_ONE_OUT = 256
"""Up to so many clusters each is left out once as well; beyond, the two errors are the same."""
DEALT_GROUPS = 200


@dataclass(frozen=True)
class Units:
    """The clusters of (n,) rows, `codes` naming each row's, 0..count-1; without clusters each row is its own."""

    codes: Codes
    count: int
    name: str
    clustered: bool

    @classmethod
    def of(cls, clusters: ArrayLike | None, rows: int, name: str) -> Self:
        """Number the clusters; raise EvidenceError where they are too few, or a row has none."""
        if clusters is None:
            return cls(np.arange(rows), rows, "row", False)
        return cls(*cluster_codes(clusters, rows, name), name, True)

    @classmethod
    def dealt(cls, rows: int, seed: int) -> Self:
        """Deal independent rows to 200 groups by chance: resampling those is as good, and needs no pass over rows."""
        count = min(DEALT_GROUPS, rows)
        return cls(np.random.default_rng(seed).permutation(np.arange(rows) % count), count, "row", True)

    def error(
        self, statistics: Sequence[Statistic], combine: Combine, resamples: int, seed: int
    ) -> tuple[float, float]:
        """Standard error of what `combine` makes of the statistics, and its degrees of freedom."""
        codes = self.codes if self.clustered else None
        return self.weighed_error([one.prepared(codes, self.count) for one in statistics], combine, resamples, seed)

    def weighed_error(
        self, weighings: Sequence[Weighing], combine: Combine, resamples: int, seed: int, held: int | None = None
    ) -> tuple[float, float]:
        """The same of prepared statistics; `held` is how many units hold the rows that decide, all by default.

        The bootstrap's spread times sqrt(k / (k - 1)), which undoes its bias where clusters are alike. Where they are
        of unequal size it is still some percent too small, so that leaving out each cluster once has the last word if
        it says more: that error is never too small on average (Efron and Stein 1981, Annals of Statistics 9).
        """
        units = held or self.count
        draws = combine(weighed(weighings, self.count, len(self.codes), resamples, seed))
        usable = draws[np.isfinite(draws)]
        if len(usable) < (1 - MAX_UNDEFINED) * len(draws):
            raise EvidenceError(f"the metric is undefined on {len(draws) - len(usable)} of {len(draws)} resamples")
        error = float(usable.std(ddof=1) * np.sqrt(units / (units - 1)))
        if self.clustered and self.count <= LEAVE_ONE_OUT:
            error = max(error, self._left_out(weighings, combine))
        return error, float(units - 1)

    def _left_out(self, weighings: Sequence[Weighing], combine: Combine) -> float:
        """The jackknife's standard error: each unit left out once."""
        all_but_one = 1 - np.eye(self.count)
        values = combine(np.stack([weighing(all_but_one) for weighing in weighings]))
        if not np.isfinite(values).all():
            raise EvidenceError(f"the metric is undefined without one single {self.name}")
        return float(np.sqrt((self.count - 1) * values.var()))

"""The columns of a text file as text: how often each value occurs, and on which line. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.data.text_files import TextTable
from include.data.text_values import USUAL_MISSING

KNOWN_MARKS = ("?", "\\N", "#N/A", "#NA", "<NA>")
"""Marks of missing that mean nothing else, so that they are taken between numbers and dates, and said."""
FEW_ODD = 3
"""Different values that may stand between as many numbers as are needed to call a column one of numbers."""


@dataclass
class Texts:
    """A table's columns without blanks around their values; `missing` are marks that stand for no value."""

    table: TextTable
    missing: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._counts: dict[str, pd.Series] = {}

    @property
    def names(self) -> list[str]:
        return self.table.names

    def __len__(self) -> int:
        return len(self.table.columns)

    def trimmed(self, name: str) -> pa.ChunkedArray:
        return pc.utf8_trim_whitespace(self.table.columns[name])

    def rewritten(self, columns: Mapping[str, pa.ChunkedArray]) -> Texts:
        """The same rows with some columns written otherwise."""
        table = self.table.columns
        for name, column in columns.items():
            table = table.set_column(table.column_names.index(name), name, column)
        return Texts(replace(self.table, columns=table), self.missing)

    def counts(self, name: str) -> pd.Series:
        """How often each distinct value occurs that is not missing, in the order of the file."""
        if name not in self._counts:
            found = pc.value_counts(self.trimmed(name).combine_chunks())
            counts = pd.Series(found.field(1).to_numpy(), index=pd.Index(found.field(0).to_pylist(), dtype=object))
            self._counts[name] = counts[[value is not None for value in counts.index]]
        counts = self._counts[name]
        return counts[~counts.index.isin([*USUAL_MISSING, *self.missing])]

    def rows(self, name: str, values: Iterable[str]) -> np.ndarray:
        """The rows (n,) that hold one of the values."""
        held = pc.is_in(self.trimmed(name), pa.array(list(values), pa.string()))
        return np.flatnonzero(held.to_numpy())

    def line(self, row: int) -> int:
        return int(self.table.lines[row])

    def show(self, name: str, values: Iterable[str], limit: int = 3) -> str:
        """Values with how often they occur and the first line of each: `'?' (2 rows, line 5)`."""
        shown = []
        for value in list(values)[:limit]:
            rows = self.rows(name, [value])
            often = f"{len(rows):,} rows, from line" if len(rows) > 1 else "line"
            shown.append(f"{value!r} ({often} {self.line(rows[0])})")
        more = len(list(values)) - limit
        return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")


def mostly(counts: pd.Series, fits: np.ndarray, least: int = 1) -> bool:
    """Whether values (n,) are of a kind but for a few: nine rows in ten, or more than half and three values at most.

    :param least: different values that must fit
    """
    there, odd = int(fits.sum()), int((~fits).sum())
    if there < least:
        return False
    share = counts[fits].sum() / counts.sum()
    return bool(share >= 0.9 or (share > 0.5 and odd <= FEW_ODD and there > FEW_ODD * odd))

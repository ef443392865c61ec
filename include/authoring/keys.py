"""What names a row: one column, or the fewest that do together, or a count of the rows where none does. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from include.authoring.names import counts_rows, sounds_like_code, sounds_like_key
from include.authoring.yaml_text import said
from include.errors import ConfigError

if TYPE_CHECKING:
    from include.config.schema import ColumnType

LONGEST = 40
"""Mean length above which text names nothing, though no two rows share it."""
MOST_CANDIDATES = 10
MOST_COLUMNS = 3
"""Columns that a key may have together: 10 candidates make 45 pairs and 120 triples."""
EXPECTED = 5.0
"""Rows that would share their values by chance, from which it is no accident that none do."""
REPEATS = 0.05
"""Share of a day's rows that may repeat another in every column, as `validation.max_quarantined_share` has it."""
REFUSED = 0.02
"""Share of days that may be refused for their repeats."""
HEAD = 20_000


@dataclass(frozen=True)
class Key:
    """Columns that name a row, or `row_number` where rows are counted (`numbered`); the day is part of it anyway."""

    columns: tuple[str, ...]
    numbered: bool
    notes: tuple[str, ...]


def find_key(
    rows: pd.DataFrame,
    kinds: dict[str, ColumnType],
    target: str,
    time: str | None,
    given: Sequence[str] = (),
    origin: str = "the table",
) -> Key:
    """The key that a person gave, or the best that is found.

    A measured value that no two rows happen to share is none: whole numbers must sound like a key or come again on
    other days, and columns together must differ more than chance would have them differ. Raises ConfigError where rows
    would have to be counted and the newest stand first: every new one would shift the numbers of all others.
    """
    if given:
        return Key(tuple(given), False, ())
    search = _Search(rows, kinds, target, time)
    notes = search.repeats()
    of_day = " of a day" if time else ""
    if time and not search.kept.duplicated([time]).any() and kinds[time] == "date":
        return Key((time,), False, tuple(notes))
    for size in range(1, MOST_COLUMNS + 1):
        if (found := search.best(size)) is not None:
            names = ", ".join(map(said, found))
            share = f"{names} names a row: no two rows{of_day} share it"
            if size > 1:
                share = f"{names} name a row together: no two rows{of_day} share them"
            return Key(found, False, (*notes, f"{share} (--key for another)"))
        if size == 1 and time and not search.kept.duplicated([time]).any():
            return Key((time,), False, tuple(notes))
    return _count_rows(rows, kinds, time, notes, origin)


def _count_rows(
    rows: pd.DataFrame, kinds: dict[str, ColumnType], time: str | None, notes: list[str], origin: str
) -> Key:
    """The table's own count of its rows, or ours; either holds only where new rows stand at the end."""
    order = _order(rows, time)
    if order == "newest first":
        shift = "no columns name a row, and the newest rows stand first: counting them would shift every night"
        advice = "name the columns that tell rows apart (--key), or have the file oldest first, new rows at its end"
        raise ConfigError(origin, [f"{shift}; {advice}"])
    if order == "mixed":
        notes = [*notes, f"rows do not stand in the order of {said(time)}: are new ones really added at the end?"]
    own = [
        str(name)
        for name in rows.columns
        if kinds[str(name)] == "integer" and counts_rows(str(name)) and rows[name].notna().all() and str(name).strip()
    ]
    own = [name for name in own if rows[name].is_unique]
    if own:
        told = f"no column but {said(own[0])}, which counts the rows, names one: rows may only ever be added at the end"
        return Key((own[0],), False, (*notes, told))
    told = "no column names a row, so rows are counted (row_number): rows may only ever be added at the end"
    return Key((_free("row_number", rows),), True, (*notes, told))


def _free(name: str, rows: pd.DataFrame) -> str:
    """`name`, or one like it that no column has."""
    taken = {str(column).lower() for column in rows.columns}
    return next(
        free for free in itertools.chain([name], (f"{name}_{n}" for n in itertools.count(2))) if free not in taken
    )


def _order(rows: pd.DataFrame, time: str | None) -> str:
    """How rows stand in their file: `oldest first`, `newest first` or `mixed`; the first where nothing dates them."""
    if time is None:
        return "oldest first"
    steps = np.diff(rows[time].dropna().dt.normalize().to_numpy().astype("datetime64[s]").astype("int64"))
    up, down = int((steps > 0).sum()), int((steps < 0).sum())
    if not down:
        return "oldest first"
    return "newest first" if up <= 0.02 * (up + down) else "oldest first" if down <= 0.02 * (up + down) else "mixed"


class _Search:
    """Candidates, best first, as codes: what has the same code is the same value."""

    def __init__(self, rows: pd.DataFrame, kinds: dict[str, ColumnType], target: str, time: str | None) -> None:
        self.rows, self.kinds, self.time = rows, kinds, time
        self.kept = rows
        self.target = target

    def repeats(self) -> list[str]:
        """Take rows out that equal another in every column, where a night could do so, and say how many there are."""
        doubled = self.rows.duplicated()
        self._prepare()
        if not doubled.any():
            return []
        count = int(doubled.sum())
        example = int(np.flatnonzero(doubled.to_numpy())[0]) + 1
        told = f"{count:,} of {len(self.rows):,} rows equal an earlier one in every column (row {example:,})"
        if self._too_many(doubled):
            return [f"{told}: too many to be set aside as repeats, so no column can name a row"]
        self.kept = self.rows[~doubled]
        self._prepare()
        return [f"{told}; under a key, repeats are set aside (duplicate_key)"]

    def _too_many(self, doubled: pd.Series) -> bool:
        """Whether setting repeats aside would refuse a snapshot, or more than a few days."""
        if self.time is None:
            return bool(doubled.mean() > REPEATS)
        refused = doubled.groupby(self.rows[self.time].dt.normalize()).mean() > REPEATS
        return bool(refused.mean() > REFUSED)

    def _prepare(self) -> None:
        kept = self.kept
        names = [str(name) for name in kept.columns if self._usable(str(name))]
        names.sort(
            key=lambda name: (not sounds_like_key(name), not sounds_like_code(name), self.kinds[name] != "string")
        )
        self.codes = {name: pd.factorize(kept[name])[0].astype("int64") for name in names[: 3 * MOST_CANDIDATES]}
        self.alike = {name: _alike(codes) for name, codes in self.codes.items()}
        self.day = pd.factorize(kept[self.time].dt.normalize())[0].astype("int64") if self.time else None
        self.day_alike = _alike(self.day) if self.day is not None else 1.0

    def _usable(self, name: str) -> bool:
        kind, values = self.kinds[name], self.kept[name]
        if name in (self.target, self.time) or kind in ("number", "boolean") or values.isna().any():
            return False
        if kind == "string":
            return bool(values.astype(str).str.len().mean() <= LONGEST)
        named = sounds_like_key(name) or sounds_like_code(name)
        return not counts_rows(name) and (kind != "integer" or named or values.nunique() <= len(values) / 2)

    def best(self, size: int) -> tuple[str, ...] | None:
        """The first columns of that number, by rank, that name every row and not by accident."""
        names = list(self.codes)[: 3 * MOST_CANDIDATES if size == 1 else MOST_CANDIDATES]
        combinations = sorted(itertools.combinations(range(len(names)), size), key=sum)
        for places in combinations:
            chosen = tuple(names[place] for place in places)
            if self._names_rows(chosen) and self._on_purpose(chosen):
                return chosen
        return None

    def _names_rows(self, chosen: tuple[str, ...]) -> bool:
        parts = [*([self.day] if self.day is not None else []), *(self.codes[name] for name in chosen)]
        for end in (HEAD, None) if len(self.kept) > 2 * HEAD else (None,):
            codes = parts[0][:end]
            for part in parts[1:]:
                codes = np.unique(codes, return_inverse=True)[1].astype("int64") * (int(part.max()) + 1) + part[:end]
            if len(np.unique(codes)) < len(codes):
                return False
        return True

    def _on_purpose(self, chosen: tuple[str, ...]) -> bool:
        if all(sounds_like_key(name) for name in chosen):
            return True
        count = len(self.kept)
        if len(chosen) == 1 and self.codes[chosen[0]].max() + 1 == count:
            return self.kinds[chosen[0]] == "string" or sounds_like_code(chosen[0])
        chance = float(np.prod([self.alike[name] for name in chosen])) * self.day_alike
        return count * (count - 1) / 2 * chance >= EXPECTED


def _alike(codes: np.ndarray) -> float:
    """The chance that two rows, drawn at random, have the same value."""
    shares = np.bincount(codes[codes >= 0]) / max(1, len(codes))
    return float((shares**2).sum())


def find_items(rows: pd.DataFrame, columns: Sequence[str]) -> Iterator[str]:
    """Those of a key's columns whose values come again: the items of a panel."""
    for name in columns:
        if name in rows.columns and rows[name].nunique() <= len(rows) / 2:
            yield name

"""What a column's distance is on ordinary days: each day of a reference against the rest of it. Pure.

A single day has one weekday and one weather, and its rows depend on each other, so that no number of rows tells how
far an ordinary day may be from a season. The days themselves do: every day, and every block of consecutive days, is
left out of the reference and compared with what remains, at several numbers of rows, for a small day is farther by
sampling alone. Days that follow a timetable are closer than independent rows would be; what chance alone brings about
is ordinary too, and where as many rows drawn from the rest would be farther, their distances are taken instead. It is
computed once for a version and kept with it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from include.drift.distances import MEASURES, SIZED, Coded, Kind, Measure, coded, measures

SCHEMA = 3
RECENT = 7
"""Nights of the block that shows slow change; a whole week, so that it has no weekday."""
FEWEST_DAYS = 10
"""Reference days below which there is no null: they do not tell how much days differ."""
SUPPORT = 2048
"""Values that a numeric column is reduced to for its null; tonight's own distance is computed on all of them."""
STEP = {1: math.sqrt(2)}
"""Ratio of neighbouring numbers of rows at which one-day nulls are computed; 2 for longer blocks."""
DIGITS = 5
SEED = 0


@dataclass(frozen=True)
class Profile:
    """A measure on blocks of `block` days with at most `rows` rows: `values` (blocks,), in the days' order."""

    block: int
    rows: int
    values: np.ndarray


@dataclass(frozen=True)
class Null:
    """Ordinary days of one version's reference. `days` (k,) and their `rows` (k,); a block is named by its last day.

    `profiles` has, by column and measure, one for each length; of SIZED measures one for each number of rows too.
    """

    days: tuple[date, ...]
    rows: np.ndarray
    profiles: Mapping[str, Mapping[Measure, tuple[Profile, ...]]]

    @property
    def blocks(self) -> tuple[int, ...]:
        found = {profile.block for measured in self.profiles.values() for profile in measured["distance"]}
        return tuple(sorted(found))

    def profile(self, column: str, measure: Measure, block: int, rows: float) -> Profile | None:
        """The profile of blocks no longer, and of no more rows, than asked for: larger ones would be too close.

        None where the column was not there, or `rows` are fewer than any profile's.
        """
        known = self.profiles.get(column, {}).get(measure, ())
        fitting = [found for found in known if found.block <= block]
        longest = max((found.block for found in fitting), default=0)
        fitting = [found for found in fitting if found.block == longest]
        if measure in SIZED:  # a longer block than the profile's has fewer rows in as many days
            fitting = [found for found in fitting if found.rows <= rows]
        return max(fitting, key=lambda found: found.rows, default=None)


def build(
    frame: pd.DataFrame,
    days: Sequence[date] | np.ndarray,
    sampled: np.ndarray,
    kinds: Mapping[str, Kind],
    fewest_rows: int,
    blocks: Sequence[int] = (1, RECENT),
) -> Null | None:
    """Compare each day, and each block of days, with the rest of the reference; None below FEWEST_DAYS days.

    Parameters
    ----------
    frame : (n, columns) all rows of the reference, as `drift.typed` makes them
    days : (n,) day of each row
    sampled : (n,) whether the row is in the sample that nights are compared with
    fewest_rows : rows that a night is compared with at least; nulls begin at half of it, for missing values
    """
    ordered, numbers = np.unique(np.asarray(days), return_inverse=True)
    if len(ordered) < FEWEST_DAYS:
        return None
    rows = np.bincount(numbers, minlength=len(ordered))
    place = _place_in_day(numbers, np.random.default_rng(SEED))
    fitting = sorted({block for block in blocks if block <= len(ordered) // 2})
    profiles: dict[str, dict[Measure, tuple[Profile, ...]]] = {}
    for column, kind in kinds.items():
        codes = coded(kind, frame[column].to_numpy(), SUPPORT)
        if not len(codes.support):
            continue
        reference = codes.counts(numbers, len(ordered), np.flatnonzero(sampled))
        found: dict[Measure, list[Profile]] = {measure: [] for measure in MEASURES[kind]}
        for block in fitting:
            whole = _left_out(codes, reference, codes.counts(numbers, len(ordered)), block)
            median = int(np.median(_rolling(rows.astype(float), block)))
            for measure, values in whole.items():
                found[measure].append(Profile(block, median, values))
            for level in levels(block, float(np.median(rows)), fewest_rows):
                few = codes.counts(numbers, len(ordered), np.flatnonzero(place < max(1, level // block)))
                for measure, values in _left_out(codes, reference, few, block).items():
                    if measure in SIZED:
                        found[measure].append(Profile(block, level, values))
        profiles[column] = {measure: tuple(of_measure) for measure, of_measure in found.items()}
    return Null(tuple(ordered), rows, profiles)


def levels(block: int, day_rows: float, fewest_rows: int) -> list[int]:
    """Numbers of rows at which a block's distances are computed beside the whole: ascending, each below the whole."""
    step, level, found = STEP.get(block, 2.0), max(20.0, fewest_rows / 2), []
    while level < day_rows * block * 0.95:
        found.append(int(level))
        level *= step
    return found


def to_json(null: Null, made_with: str) -> str:
    """As text that is kept with a version; `made_with` names the settings that it holds for."""
    return json.dumps(
        {
            "schema": SCHEMA,
            "made_with": made_with,
            "days": [day.isoformat() for day in null.days],
            "rows": null.rows.tolist(),
            "profiles": {
                column: {measure: [_plain(found) for found in profiles] for measure, profiles in by_measure.items()}
                for column, by_measure in null.profiles.items()
            },
        },
        allow_nan=False,
    )


def from_json(text: str, made_with: str) -> Null | None:
    """What `to_json` gave; None for another layout or other settings: it then has to be computed again."""
    stored = json.loads(text)
    if (stored.get("schema"), stored.get("made_with")) != (SCHEMA, made_with):
        return None
    return Null(
        days=tuple(date.fromisoformat(day) for day in stored["days"]),
        rows=np.array(stored["rows"]),
        profiles={
            column: {measure: tuple(map(_profile, profiles)) for measure, profiles in by_measure.items()}
            for column, by_measure in stored["profiles"].items()
        },
    )


def _left_out(codes: Coded, reference: np.ndarray, days: np.ndarray, block: int) -> dict[Measure, np.ndarray]:
    """Every block of consecutive days against the reference without them, each (k - block + 1,).

    Where the same numbers of values drawn at random from the rest are farther on average, SIZED measures are theirs.
    """
    rest = reference.sum(axis=0) - _rolling(reference, block)
    blocks = _rolling(days, block)
    found = measures(codes.kind, codes.support, rest, blocks)
    by_chance = measures(codes.kind, codes.support, rest, _drawn(rest, blocks))
    for measure in found.keys() & set(SIZED):
        real, drawn = found[measure], by_chance[measure]
        there = np.isfinite(real) & np.isfinite(drawn)
        if there.any() and np.sqrt(drawn[there]).mean() > np.sqrt(real[there]).mean():
            found[measure] = np.where(there, drawn, real)
    return found


def _drawn(rest: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """As many values as each block has, drawn from what is left of the reference: counts like those of `blocks`."""
    rng = np.random.default_rng(SEED)
    values = blocks[:, :-1].sum(axis=1).astype(int)
    known = rest[:, :-1]
    total = known.sum(axis=1, keepdims=True)
    drawn = np.zeros_like(blocks)
    there = total[:, 0] > 0
    drawn[there, :-1] = rng.multinomial(values[there], known[there] / total[there])
    return drawn


def _rolling(counts: np.ndarray, block: int) -> np.ndarray:
    """Sums of `block` consecutive rows: (k - block + 1, ...)."""
    summed = np.cumsum(counts, axis=0)
    result: np.ndarray = summed[block - 1 :].copy()
    result[1:] -= summed[:-block]
    return result


def _place_in_day(numbers: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random order of the rows within each day, from 0: (n,)."""
    order = np.lexsort((rng.random(len(numbers)), numbers))
    first = np.searchsorted(numbers[order], numbers[order])
    place = np.empty(len(numbers), dtype=int)
    place[order] = np.arange(len(numbers)) - first
    return place


def _plain(profile: Profile) -> dict[str, Any]:
    values = [float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None for value in profile.values]
    return {"block": profile.block, "rows": profile.rows, "values": values}


def _profile(stored: Mapping[str, Any]) -> Profile:
    return Profile(stored["block"], stored["rows"], np.array(stored["values"], dtype=float))

"""What chance alone makes of a snapshot's distances: pairs of samples drawn from the champion's training rows. Pure.

One snapshot has no other days that would tell how far ordinary ones are apart; what is left is chance. Rows of a
snapshot are one a key, so that under no change the rows that a version was trained on and those that it never saw are
two samples of the same thing. As many as both have are drawn again and again, with replacement, from the training rows'
own values, and the distances of such pairs are the null (the two-sample bootstrap test: Efron and Tibshirani 1993, An
Introduction to the Bootstrap, chapter 16). Drawing both sides matters: against a reference that is held fixed, the
distances of one drawn side are too small by the reference's own chance.

Draws from the training rows know no value that only the night has, such as one outlier of a skewed column, which may be
chance too. So what is that rare is asked once more, of pairs drawn from both sides' values together, as permutation
tests do (chapter 15 there), and the larger p-value counts.

The p-value is a rank among the draws. Benjamini and Hochberg's procedure can act on a single one of m values at rate q
if it may be as small as q / m, so that `draws_needed` makes m / q of them: 7,000 for 70 values watched at 1 %.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from include.contracts import DriftFinding
from include.drift import alarms
from include.drift.distances import MEASURES, Kind, Measure, Tally, compare, measures, tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.config.monitoring import DriftConfig

SCHEMA = 1
MOST_DRAWS = 50_000
"""Beyond m / q of them, so many columns at so small a rate can alarm together only."""
LEVELS, EXTREMES = 256, 32
"""Values that a numeric column is reduced to for its draws: quantiles, and the extremes as they are."""
CELLS = 2_000_000
"""Counts that are held at once: 16 MB."""
FEW_ROWS, MANY_SINGLE = 5, 0.02
"""Where more than MANY_SINGLE of the rows have a category of their own, those of fewer than FEW_ROWS rows, and new
ones, share BUCKETS by a hash: how many categories a sample has not seen yet cannot be drawn from it."""
BUCKETS = 50
STEP = 2**0.25
"""Ratio of neighbouring numbers of rows that draws are made at: a table that grows a little needs no new ones."""
DENSE, RATIO = 50, 1.05
"""The largest draws are kept one by one, the others at ranks RATIO apart: p-values are too large by 5 % at most."""
DIGITS = 4
SEED = 0


@dataclass(frozen=True)
class Tail:
    """Draws of one measure from the largest down: `values` (r,) of ranks `ranks` (r,) among `draws`, and the `usual`.

    95 % of draws have at most `usual`.
    """

    draws: int
    usual: float
    ranks: np.ndarray
    values: np.ndarray

    def p_value(self, value: float) -> float:
        """Share of draws as large, the value itself among them; never too small."""
        below = np.flatnonzero(self.values < value * (1 - 10.0 ** (1 - DIGITS)))
        as_large = int(self.ranks[below[0]]) - 1 if len(below) else self.draws
        return (1 + as_large) / (self.draws + 1)


@dataclass(frozen=True)
class Drawn:
    """A version's null by chance. `rows` had the whole snapshot that it was trained on; `tails` by column, measure."""

    rows: int
    draws: int
    tails: Mapping[str, Mapping[Measure, Tail]]


def draws_needed(kinds: Iterable[Kind], rate: float) -> int:
    """Draws for one measure alone to be able to alarm among all of these columns, and the number of rows."""
    watched = 1 + sum(len(MEASURES[kind]) for kind in kinds)
    return min(MOST_DRAWS, math.ceil(watched / rate))


def level(rows: int) -> int:
    """The number of rows, or the next below, that draws are made at: fewer are farther by chance, never nearer."""
    return int(STEP ** math.floor(math.log(max(rows, 1), STEP) + 1e-9))


def build(reference: Mapping[str, Tally], rows_now: Mapping[str, int], rows: int, draws: int) -> Drawn:
    """Draw `draws` pairs of each column, of as many rows as the reference has and as `rows_now` says.

    Parameters
    ----------
    reference : the training rows' values, as `pooled` leaves them
    rows_now : rows of the night that are compared, by column
    rows : of the whole snapshot that the reference is of
    """
    tails = {}
    for number, (column, before) in enumerate(reference.items()):
        rng = np.random.default_rng([SEED, number])
        found = _pairs(before, (_rows(before), rows_now[column]), draws, rng)
        tails[column] = {measure: _tail(values) for measure, values in found.items() if np.isfinite(values).all()}
    return Drawn(rows, draws, tails)


def pooled(reference: Tally, column: pd.Series) -> tuple[Tally, pd.Series]:
    """Both sides with rare categories put together by a hash, where the column has many; unchanged otherwise."""
    if reference.kind == "numeric" or reference.counts[reference.counts == 1].sum() <= MANY_SINGLE * _rows(reference):
        return reference, column
    kept = set(reference.values[reference.counts >= FEW_ROWS])
    told = {name: _bucket(name, kept) for name in {*reference.values, *column.dropna()}}
    counts = pd.Series(reference.counts).groupby([told[name] for name in reference.values]).sum().sort_index()
    now = column.astype(object).map(told)
    values = counts.index.to_numpy(dtype=str)
    return Tally(reference.kind, values, counts.to_numpy(), reference.missing), now


def judge(
    null: Drawn,
    reference: Mapping[str, Tally],
    current: Mapping[str, pd.Series],
    rows: int,
    rules: DriftConfig,
    expected: Sequence[str] = (),
) -> list[DriftFinding]:
    """Everything watched of a snapshot, the most unusual first; floors and rates as of days.

    Parameters
    ----------
    reference, current : as `pooled` leaves them; `rows` has the whole snapshot of the night
    """
    found = [
        one
        for column, before in reference.items()
        for one in _column(null.tails.get(column, {}), column, before, current[column], rules)
    ]
    found.append(_rows_finding(null, rows, rules))
    first = alarms.corrected(found, rules, expected)
    rare = {one.column for one in first if one.q is not None and one.q <= rules.false_discovery_rate}
    asked = {
        name: _pooled_tails(reference[name], current[name], null.draws) for name in sorted(rare & reference.keys())
    }
    told = [
        one.model_copy(update={"p": max(one.p, tails[one.measure].p_value(one.value))})
        if one.measure in (tails := asked.get(one.column, {}))
        else one
        for one in found
    ]
    return alarms.corrected(told, rules, expected)


def told(findings: Sequence[DriftFinding], null: Drawn) -> tuple[str, ...]:
    """The verdict in sentences."""
    return alarms.told_against(findings, f"{null.draws:,} pairs of samples drawn from the training rows")


def to_json(null: Drawn, made_with: str) -> str:
    """As text that is kept with a version; `made_with` names what it holds for."""
    tails = {
        column: {measure: _plain(tail) for measure, tail in by_measure.items()}
        for column, by_measure in null.tails.items()
    }
    kept = {"drawn": SCHEMA, "made_with": made_with, "rows": null.rows, "draws": null.draws, "tails": tails}
    return json.dumps(kept, allow_nan=False)


def from_json(text: str, made_with: str) -> Drawn | None:
    """What `to_json` gave; None for another layout or other settings: it then has to be drawn again."""
    stored = json.loads(text)
    if (stored.get("drawn"), stored.get("made_with")) != (SCHEMA, made_with):
        return None
    draws = stored["draws"]
    ranks = _kept_ranks(draws)
    tails = {
        column: {
            measure: Tail(draws, one["usual"], ranks, np.array(one["values"])) for measure, one in by_measure.items()
        }
        for column, by_measure in stored["tails"].items()
    }
    return Drawn(stored["rows"], draws, tails)


def _pairs(column: Tally, rows: tuple[int, int], draws: int, rng: np.random.Generator) -> dict[Measure, np.ndarray]:
    """Measures (draws,) of pairs of samples of so many rows, drawn from a column's values."""
    support, counts = _coarse(column)
    shares = np.append(counts, column.missing) / max(1, _rows(column))
    chunk = max(1, CELLS // len(shares))
    parts: list[dict[Measure, np.ndarray]] = []
    for start in range(0, draws, chunk):
        size = min(chunk, draws - start)
        first, second = (rng.multinomial(number, shares, size).astype(float) for number in rows)
        parts.append(measures(column.kind, support, first, second))
    return {measure: np.concatenate([part[measure] for part in parts]) for measure in MEASURES[column.kind]}


def _pooled_tails(before: Tally, current: pd.Series, draws: int) -> dict[str, Tail]:
    """Tails of pairs drawn from both sides' values together, of as many rows as each has."""
    now = tally(before.kind, current)
    values = np.union1d(before.values, now.values)
    counts = np.zeros(len(values))
    for side in (before, now):
        counts[np.searchsorted(values, side.values)] += side.counts
    together = Tally(before.kind, values, counts, before.missing + now.missing)
    found = _pairs(together, (_rows(before), len(current)), draws, np.random.default_rng(SEED))
    return {measure: _tail(values) for measure, values in found.items() if np.isfinite(values).all()}


def _coarse(column: Tally) -> tuple[np.ndarray, np.ndarray]:
    """Values and their counts; of many different numbers the quantiles and the extremes, each with its neighbours'."""
    if column.kind == "categorical" or len(column.values) <= LEVELS + 2 * EXTREMES:
        return column.values, column.counts
    shares = np.cumsum(column.counts) / column.counts.sum()
    inner = np.searchsorted(shares, np.linspace(0, 1, LEVELS)[:-1])
    last = len(column.values)
    kept = column.values[np.unique(np.concatenate([np.arange(EXTREMES), inner, np.arange(last - EXTREMES, last)]))]
    nearest = np.searchsorted((kept[1:] + kept[:-1]) / 2, column.values)
    return kept, np.bincount(nearest, weights=column.counts, minlength=len(kept))


def _tail(values: np.ndarray) -> Tail:
    ranks = _kept_ranks(len(values))
    falling = np.sort(values)[::-1]
    kept = np.array([float(f"{value:.{DIGITS}g}") for value in falling[ranks - 1]])
    usual = float(falling[math.floor((1 - alarms.USUAL) * len(values))])
    return Tail(len(values), usual, ranks, kept)


def _kept_ranks(draws: int) -> np.ndarray:
    """From 1 to `draws`, rising."""
    steps = math.ceil(math.log(max(draws / DENSE, 1), RATIO))
    sparse = DENSE * RATIO ** np.arange(steps + 1)
    found = np.unique(np.concatenate([np.arange(1, DENSE + 1), sparse, [draws]]).astype(int))
    result: np.ndarray = found[found <= draws]
    return result


def _column(
    tails: Mapping[Measure, Tail], column: str, before: Tally, current: pd.Series, rules: DriftConfig
) -> list[DriftFinding]:
    now = tally(before.kind, current)
    found = []
    for measure, value in compare(before, now).items():
        tail = tails.get(measure)
        if tail is None or not math.isfinite(value):
            continue
        told = "{:.2f}" if measure == "distance" else "{:.1%}"
        said = f"{alarms.WORDS[measure]} {told.format(value)}"
        found.append(
            DriftFinding(
                column=column,
                measure=measure,
                over="night",
                value=value,
                usual=tail.usual,
                p=tail.p_value(value),
                effect=value - tail.usual,
                floor=alarms.floor_of(before.kind, measure, int(now.counts.sum()), rules),
                sentence=f"{column}: {said}; by chance alone at most {told.format(tail.usual)} in 95% of draws",
            )
        )
    return found


def _rows_finding(null: Drawn, rows: int, rules: DriftConfig) -> DriftFinding:
    """The snapshot's number of rows against that of the version's own; chance alone changes none."""
    return DriftFinding(
        column=alarms.ROWS,
        measure="rows",
        over="night",
        value=rows,
        usual=null.rows,
        p=1.0 if rows == null.rows else 1 / (null.draws + 1),
        effect=abs(rows / null.rows - 1),
        floor=rules.rows_floor,
        sentence=f"{rows:,} rows; the snapshot that the champion was trained on had {null.rows:,}",
    )


def _rows(column: Tally) -> int:
    return int(column.counts.sum()) + column.missing


def _bucket(name: str, kept: set[str]) -> str:
    if name in kept:
        return name
    return f"rare {int(pd.util.hash_array(np.array([name], dtype=object))[0]) % BUCKETS}"


def _plain(tail: Tail) -> dict[str, Any]:
    return {"usual": tail.usual, "values": tail.values.tolist()}

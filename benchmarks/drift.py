"""How often the drift verdict cries wolf, and how often it sees a planted fault, on real flights of 2013.

`PYTHONPATH=.:plugins .venv/bin/python -m benchmarks.drift [--nights 1000] [--weeks 52] [--preset 20] [--parts abc]`.
Evidently's default preset, asked whether it calls any column drifted or the data set, stands beside each figure.

(a) Nights of rows drawn one by one from a window of flights, with all features, none declared as expected to move. In
the world `rows` the reference's days are drawn in the same way, so that nothing but sampling tells days apart; in the
world `days` they are the real ones.
(b) Each week of 2013 is left out of the 82 days around it; the other 75 are the reference, the week's days the nights,
judged night by night, and the week at its end. The score is that of the shipped model file's gradient boosting, fitted
on the reference. Faults are planted in the same left-out days, and an alarm counts when it names the faulty column.
(c) The nights 25 to 54 days after a reference, where a champion is served: what moved since is in the figure too.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

os.environ.setdefault("DO_NOT_TRACK", "1")

import numpy as np
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

from include.config import environment
from include.config.loader import load_model
from include.config.schema import DriftConfig, ModelConfig
from include.contracts import DriftFinding
from include.data.computed_features import add_rates
from include.data.sources import flights
from include.drift import alarms as verdict
from include.drift import columns as drift
from include.drift import ordinary_days as null
from include.drift.distances import Kind, Tally, tally
from include.training.fit import fit, predict_scores

YEAR = (date(2013, 1, 1), date(2013, 12, 31))
REFERENCE_DAYS, WEEK = 75, 7
ROWS = (60, 200, 850, 5000)
WORLDS_OF_ROWS = 5
Fault = Callable[[pd.DataFrame, "World", np.random.Generator], pd.DataFrame]


@dataclass(frozen=True)
class World:
    """A reference with its null, as a version keeps them."""

    config: ModelConfig
    kinds: dict[str, Kind]
    null: null.Null
    reference: pd.DataFrame
    tallies: dict[str, Tally]

    @classmethod
    def of(cls, config: ModelConfig, rows: pd.DataFrame, days: np.ndarray, blocks: Sequence[int]) -> World:
        kinds = {name: kind for name, kind in drift.kinds(config).items() if name in rows}
        wanted = min(len(rows), config.monitoring.reference_rows)
        sampled = np.zeros(len(rows), dtype=bool)
        sampled[np.random.default_rng(0).choice(len(rows), wanted, replace=False)] = True
        found = null.build(rows, days, sampled, kinds, config.monitoring.min_rows, blocks)
        assert found is not None
        reference = rows[sampled].reset_index(drop=True)
        tallies = {name: tally(kind, reference[name]) for name, kind in kinds.items()}
        return cls(config, kinds, found, reference, tallies)

    def look(self, frames: Sequence[pd.DataFrame], last: date, over: verdict.Over = "night") -> list[DriftFinding]:
        """The findings of these days' rows together, of which `last` is the last day."""
        rows = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
        night_rows = len(frames[-1]) if over == "night" else None
        sample = verdict.Sample(over, rows, len(frames), last.weekday(), night_rows)
        return verdict.judge(self.null, self.tallies, sample, RULES)

    def alarms(self, frames: Sequence[pd.DataFrame], last: date, over: verdict.Over = "night") -> set[str]:
        return {found.column for found in self.look(frames, last, over) if found.alarm}


RULES = DriftConfig()
SCORED = 4
"""Every fourth week has the score too: fitting a model for each would take most of the time."""


@dataclass(frozen=True)
class Year:
    """All flights of 2013 with their rates, `frame` as the drift room types them; `number` is a row's day."""

    config: ModelConfig
    rows: pd.DataFrame
    frame: pd.DataFrame
    number: np.ndarray

    @classmethod
    def read(cls) -> Year:
        config = load_model(environment.REPOSITORY / "include" / "models" / "flight_delay.yaml")
        rows = flights.read(*YEAR)
        rows = add_rates(rows, rows, config)
        number = (pd.to_datetime(rows["flight_date"]) - pd.Timestamp(YEAR[0])).dt.days.to_numpy()
        typed = drift.typed(config, rows, np.zeros(len(rows))).drop(columns=drift.SCORE)
        return cls(config, rows, typed, number)

    def inside(self, numbers: Sequence[int]) -> np.ndarray:
        return np.isin(self.number, list(numbers))

    def world(
        self, numbers: Sequence[int], others: Sequence[int], judged: Sequence[str]
    ) -> tuple[World, list[pd.DataFrame]]:
        """A reference of the days `numbers`, and the rows of each of `others`; only `judged` columns are computed."""
        inside = self.inside(numbers)
        frame, names = self.frame, list(judged)
        if drift.SCORE in names:
            fitted = fit(self.config, self.config.training.candidates[-1], self.rows[inside], threads=1)
            wanted = inside | self.inside(others)
            scores = np.full(len(frame), np.nan)
            scores[wanted] = predict_scores(fitted.pipeline, self.rows[wanted], self.config)
            frame = frame.assign(**{drift.SCORE: scores})
        rows = frame.loc[inside, names].reset_index(drop=True)
        days = np.array([day(n) for n in range(365)])[self.number[inside]]
        world = World.of(self.config, rows, days, (1, WEEK))
        return world, [frame.loc[self.number == n, names].reset_index(drop=True) for n in others]


def day(number: int) -> date:
    return date.fromordinal(YEAR[0].toordinal() + int(number))


def around(week: int) -> tuple[list[int], list[int]]:
    """The days of a week of the year, and the 75 nearest others."""
    left_out = list(range(week * WEEK, week * WEEK + WEEK))
    first = int(np.clip(left_out[0] - REFERENCE_DAYS // 2, 0, 365 - REFERENCE_DAYS - WEEK))
    return left_out, [n for n in range(first, first + REFERENCE_DAYS + WEEK) if n not in left_out]


def shifted(column: str, spreads: float) -> Fault:
    def plant(rows: pd.DataFrame, world: World, _: np.random.Generator) -> pd.DataFrame:
        return rows.assign(**{column: rows[column] + spreads * world.reference[column].std()})

    return plant


def moved_share(column: str, points: float) -> Fault:
    """As many rows of other categories become one that the reference has, drawn by its share."""

    def plant(rows: pd.DataFrame, world: World, rng: np.random.Generator) -> pd.DataFrame:
        into = str(world.reference[column].sample(1, random_state=int(rng.integers(1 << 31))).iloc[0])
        others = np.flatnonzero((rows[column] != into).to_numpy())
        values = rows[column].to_numpy(dtype=object, copy=True)
        values[rng.choice(others, min(len(others), round(points * len(rows))), replace=False)] = into
        return rows.assign(**{column: values})

    return plant


def missing(column: str, share: float) -> Fault:
    def plant(rows: pd.DataFrame, world: World, rng: np.random.Generator) -> pd.DataFrame:
        return rows.assign(**{column: rows[column].mask(rng.random(len(rows)) < share)})

    return plant


def scaled(column: str, factor: float) -> Fault:
    return lambda rows, world, rng: rows.assign(**{column: rows[column] * factor})


WITHIN_TWO: dict[tuple[str, str], Fault] = {
    ("distance", "shifted by 0.5 sd"): shifted("distance", 0.5),
    ("scheduled_minutes", "shifted by 0.5 sd"): shifted("scheduled_minutes", 0.5),
    ("hour", "shifted by 0.5 sd"): shifted("hour", 0.5),
    ("origin", "10 points moved"): moved_share("origin", 0.1),
    ("carrier", "10 points moved"): moved_share("carrier", 0.1),
    ("dest", "10 points moved"): moved_share("dest", 0.1),
    ("distance", "20 % missing"): missing("distance", 0.2),
    ("flights_in_hour", "20 % missing"): missing("flights_in_hour", 0.2),
    ("carrier", "20 % missing"): missing("carrier", 0.2),
    ("distance", "miles to kilometres"): scaled("distance", 1.609344),
}
WITHIN_SEVEN: dict[tuple[str, str], Fault] = {
    ("distance", "shifted by 0.25 sd"): shifted("distance", 0.25),
    ("scheduled_minutes", "shifted by 0.25 sd"): shifted("scheduled_minutes", 0.25),
    ("hour", "shifted by 0.25 sd"): shifted("hour", 0.25),
}


@dataclass
class Count:
    """Trials, and how many of them came out as counted; `which` names some of those."""

    hits: int = 0
    trials: int = 0
    which: list[str] = field(default_factory=list)

    def add(self, hit: bool, name: str = "") -> None:
        self.trials += 1
        self.hits += hit
        if hit and name:
            self.which.append(name)

    def __str__(self) -> str:
        if not self.trials:
            return "-"
        return f"{self.hits} of {self.trials} ({self.hits / self.trials:.1%})"


def preset(reference: pd.DataFrame, current: pd.DataFrame, kinds: Mapping[str, Kind]) -> tuple[bool, bool, int]:
    """Evidently's default drift preset: any column drifted, the data set (half of the columns), how many columns."""
    names = [name for name in kinds if reference[name].notna().any() and current[name].notna().any()]
    definition = DataDefinition(
        numerical_columns=[name for name in names if kinds[name] == "numeric"],
        categorical_columns=[name for name in names if kinds[name] == "categorical"],
    )
    both = [Dataset.from_pandas(frame[names], definition) for frame in (current, reference)]
    found = Report([DataDriftPreset()]).run(*both).dict()["metrics"][0]["value"]
    return found["count"] > 0, found["share"] >= 0.5, int(found["count"])


@dataclass
class Preset:
    """What the preset said of a sample of the same nights."""

    any_column: Count = field(default_factory=Count)
    data_set: Count = field(default_factory=Count)
    columns: list[int] = field(default_factory=list)

    def add(self, world: World, current: pd.DataFrame) -> None:
        any_column, data_set, columns = preset(world.reference, current, world.kinds)
        self.any_column.add(any_column)
        self.data_set.add(data_set)
        self.columns.append(columns)

    def __str__(self) -> str:
        if not self.columns:
            return "preset: not asked"
        return (
            f"preset: a column {self.any_column}, the data set {self.data_set}, "
            f"{np.mean(self.columns):.1f} columns a night"
        )


def drawn_nights(
    year: Year, rows: int, nights: int, asked: int, real_days: bool, worlds: int = WORLDS_OF_ROWS
) -> tuple[Count, Preset]:
    """(a): nights whose rows are drawn one by one from a window of flights; those below the minimum are pooled."""
    count, said = Count(), Preset()
    rng = np.random.default_rng(rows)
    pooled = math.ceil(year.config.monitoring.min_rows / rows)
    for number in range(worlds):
        start = round(number * (365 - REFERENCE_DAYS) / max(1, worlds - 1))
        window = range(start, start + REFERENCE_DAYS)
        source = year.frame[year.inside(window)]
        reference, days = source, year.number[year.inside(window)]
        if not real_days:
            days = np.repeat(list(window), rows)
            reference = source.iloc[rng.integers(0, len(source), len(days))]
        dated = np.array([day(n) for n in range(365)])[days]
        world = World.of(year.config, reference.reset_index(drop=True), dated, sorted({1, pooled, WEEK}))
        for one in range(nights // worlds):
            frames = [source.iloc[rng.integers(0, len(source), rows)] for _ in range(pooled)]
            last = day((window.stop + one) % 365)
            found = {found.column for found in world.look(frames, last) if found.alarm}
            # In a real history another number of rows is an alarm, and rightly: it is not what is asked here.
            count.add(bool(found - {verdict.ROWS} if real_days else found), ", ".join(sorted(found)))
            if one < asked / worlds:
                said.add(world, pd.concat(frames))
    return count, said


def left_out_days(year: Year, chosen: Sequence[int], asked: int) -> dict[str, Any]:
    """(b): real nights and weeks without a fault, and with each."""
    features = [name for name in year.frame if name not in year.config.monitoring.expected_to_move]
    nights, week_ends, either, said = Count(), Count(), Count(), Preset()
    scores = Count()
    seen = {key: Count() for key in (*WITHIN_TWO, *WITHIN_SEVEN)}
    rng = np.random.default_rng(2013)
    for number, week in enumerate(chosen):
        left_out, others = around(week)
        scored = number % SCORED == 0
        world, frames = year.world(others, left_out, [*features, drift.SCORE] if scored else features)
        days = [day(n) for n in left_out]
        recent = world.alarms(frames, days[-1], "recent")
        week_ends.add(bool(recent), f"{days[-1]} {sorted(recent)}")
        for place, (frame, one) in enumerate(zip(frames, days, strict=True)):
            found = world.alarms([frame], one)
            nights.add(bool(found), f"{one} {sorted(found)}")
            if scored:
                scores.add(drift.SCORE in found)
            either.add(bool(found or (recent and place == WEEK - 1)))
        if number < asked:
            said.add(world, frames[number % WEEK])
        for key, fault in WITHIN_TWO.items():
            for first in (0, 2, 4):
                seen[key].add(
                    any(key[0] in world.alarms([fault(frames[i], world, rng)], days[i]) for i in (first, first + 1))
                )
        for key, fault in WITHIN_SEVEN.items():
            bad = [fault(frame, world, rng) for frame in frames]
            looks = [([frame], one, "night") for frame, one in zip(bad, days, strict=True)]
            seen[key].add(any(key[0] in world.alarms(*look) for look in [*looks, (bad, days[-1], "recent")]))
        say(f"week {number + 1} of {len(chosen)}: {nights} nights")
    return {"nights": nights, "weeks": week_ends, "either": either, "scores": scores, "preset": said, "seen": seen}


def later_nights(year: Year, starts: Sequence[int]) -> tuple[Count, Count, Counter[str]]:
    """(c): nights 25 to 54 days after a reference that nothing was left out of, and the weeks that end in them."""
    judged = [*(name for name in year.frame if name not in year.config.monitoring.expected_to_move)]
    nights, week_ends, named = Count(), Count(), Counter[str]()
    for start in starts:
        end = start + REFERENCE_DAYS
        later = list(range(end + 24, min(end + 54, 365)))
        world, frames = year.world(range(start, end), later, judged)
        for place, one in enumerate(later):
            found = world.alarms([frames[place]], day(one))
            nights.add(bool(found))
            named.update(found)
            if place >= WEEK - 1 and (place + 1) % WEEK == 0:
                recent = world.alarms(frames[place - WEEK + 1 : place + 1], day(one), "recent")
                week_ends.add(bool(recent))
                named.update(f"{name} (week)" for name in recent)
    return nights, week_ends, named


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("--nights", type=int, default=1000)
    asked.add_argument("--weeks", type=int, default=52)
    asked.add_argument("--preset", type=int, default=20)
    asked.add_argument("--parts", default="abc")
    given = asked.parse_args()
    year = Year.read()
    for part in given.parts:
        began = time.perf_counter()
        PARTS[part](year, given)
        print(f"   ({time.perf_counter() - began:.0f} s)", flush=True)


def _part_a(year: Year, given: argparse.Namespace) -> None:
    print("(a) nights with any alarm, rows drawn one by one (at most 2 %)")
    for rows in ROWS:
        for real_days in (False, True):
            count, said = drawn_nights(year, rows, given.nights, 0 if real_days else given.preset, real_days)
            print(
                f"   {rows:5,} rows, reference of {'real days' if real_days else 'drawn rows'}: {count} | {said}",
                flush=True,
            )


def _part_b(year: Year, given: argparse.Namespace) -> None:
    found = left_out_days(year, np.linspace(0, 51, given.weeks).round().astype(int).tolist(), given.preset)
    print("(b) real days left out of a reference of 75 (at most 5 %)")
    print(
        f"   nights {found['nights']}, weeks {found['weeks']}, nights with either {found['either']} | {found['preset']}"
    )
    print(f"   of these, the score on {found['scores']} nights of every {SCORED}th week")
    for name in (*found["nights"].which, *found["weeks"].which):
        print(f"      {name}")
    for (column, fault), count in found["seen"].items():
        within = "2" if (column, fault) in WITHIN_TWO else "7"
        print(f"   {column} {fault}: alarm within {within} nights in {count}")


def _part_c(year: Year, given: argparse.Namespace) -> None:
    nights, week_ends, named = later_nights(year, range(0, 240, 30))
    print("(c) real nights 25 to 54 days after the reference; what moved since counts too")
    print(f"   nights {nights}, weeks {week_ends}: {dict(named.most_common())}")


PARTS = {"a": _part_a, "b": _part_b, "c": _part_c}

if __name__ == "__main__":
    main()

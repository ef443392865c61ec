"""Whether a night is unlike ordinary days: distances and shares become p-values in the null of days. Pure.

With k reference days no rank is below 1/(k + 1), which could never survive a correction over twenty columns. Up to the
largest ordinary day the p-value is the rank's; beyond it Student's t prediction of one more day takes over (Hahn and
Meeker 1991, section 4.7), on the root of distances and the arcsine root of shares. The root lies between what makes a
distance normal where sampling moves it, its 2/3 power (Wilson and Hilferty 1931), and where days differ by factors,
its logarithm. Columns go through Benjamini and Hochberg (1995); an alarm needs their rate and an effect as well: a
distance that is larger than ordinary days' by a floor. Of few rows the floor of a Wasserstein distance is larger: noise
alone gives its root a longer right tail than Student's t (its logarithm has not, but hides real changes).
"""

from __future__ import annotations

import calendar
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.special import fdtrc, stdtr
from scipy.stats import false_discovery_control

from include.contracts import DriftFinding
from include.drift.distances import SIZED, Kind, Measure, Tally, compare, tally
from include.drift.ordinary_days import Null, Profile

if TYPE_CHECKING:
    import pandas as pd

    from include.config.monitoring import DriftConfig

SCORE = "champion_score"
ROWS = "rows"
USUAL = 0.95
"""Share of ordinary days that are at most as far as what a sentence calls usual."""
WEEKLY = 0.001
"""A column is weekly where an analysis of variance of its distances by weekday gives a smaller p-value."""
DAYS_OF_A_WEEKDAY = 4
FEWEST = 3
"""Independent blocks below which nothing can be said of one more."""
LEAST_SPREAD = 0.01
"""Least spread that the roots of ordinary days' distances are given: a constant column has none."""
LEAST_OF_ROWS = 0.02
"""Least relative spread of the number of rows."""
NOISE = 2.0
"""Sampling alone keeps a Wasserstein distance of n rows below about NOISE / sqrt(n) on 95 % of nights."""
Over = Literal["night", "recent"]
WORDS: dict[Measure | Literal["rows"], str] = {
    "distance": "distance",
    "moved": "largest change of a category's share",
    "missing": "share missing",
    "outside": "share outside the reference's range",
    "new": "share in categories that the reference has not",
    "rows": "rows",
}


@dataclass(frozen=True)
class Ordinary:
    """Where one more ordinary day is expected, on the transformed scale: Student's t, and the largest day seen.

    `spread` is that of a day's prediction, `usual` the USUAL quantile of days (transformed), `residuals` the ordinary
    days' distances from their centre, `weekday` the one that the centre is of, None where it is of all days.
    """

    centre: float
    spread: float
    degrees: float
    usual: float
    residuals: np.ndarray
    weekday: int | None

    def p_value(self, value: float) -> float:
        """Chance that an ordinary day is as large: by rank up to the largest seen, by Student's t beyond it."""
        beyond = value - self.centre
        tail = float(stdtr(self.degrees, -beyond / self.spread))
        as_large = int((self.residuals >= beyond).sum())
        if not as_large:
            return tail
        return max(tail, (1 + as_large) / (len(self.residuals) + 1))


@dataclass(frozen=True)
class Sample:
    """What is looked at: `current` rows of `block` days whose last is `weekday`, and how many rows the night had."""

    over: Over
    current: pd.DataFrame
    block: int
    weekday: int
    night_rows: int | None = None


def ordinary(values: np.ndarray, weekdays: np.ndarray, weekday: int, block: int, least: float) -> Ordinary | None:
    """Fit the ordinary days' transformed values; by weekday where they are weekly and there are enough of them.

    Parameters
    ----------
    values, weekdays : (b,) a measure of each block, and the weekday of its last day; NaN values are left out
    block : days in a block; neighbouring blocks overlap, so that b / block of them are independent
    least : the least spread of a day
    """
    there = np.isfinite(values)
    values, weekdays = values[there], weekdays[there]
    independent = len(values) / block
    if independent < FEWEST:
        return None
    mine = weekdays == weekday
    names, group = np.unique(weekdays, return_inverse=True)
    by_weekday = (np.bincount(group, values) / np.bincount(group))[group]
    weekly = mine.sum() >= DAYS_OF_A_WEEKDAY * block and is_weekly(values, by_weekday, len(names), block)
    centres = by_weekday if weekly else np.full(len(values), values.mean())
    centre = float(centres[mine][0]) if weekly else float(values.mean())
    alike = mine.sum() / block if weekly else independent
    residuals = values - centres
    degrees = max(1.0, independent - (len(names) if weekly else 1))
    spread = max(least, math.sqrt(float(residuals @ residuals) / block / degrees)) * math.sqrt(1 + 1 / alike)
    usual = centre + float(np.sort(residuals)[math.ceil(USUAL * len(residuals)) - 1])
    return Ordinary(centre, spread, degrees, usual, residuals, weekday if weekly else None)


def is_weekly(values: np.ndarray, by_weekday: np.ndarray, weekdays: int, block: int = 1) -> bool:
    """Whether the weekday explains a measure, by a one-way analysis of variance; constant values are not weekly.

    Overlapping blocks count as the independent ones among them.

    :param by_weekday: (b,) mean of the values of the same weekday
    """
    inside = float(((values - by_weekday) ** 2).sum())
    between = float(((by_weekday - values.mean()) ** 2).sum())
    degrees = weekdays - 1, len(values) / block - weekdays
    if min(degrees) < 1 or inside <= 0:
        return False
    return float(fdtrc(*degrees, between / degrees[0] * degrees[1] / inside)) < WEEKLY


def judge(
    null: Null,
    reference: Mapping[str, Tally],
    sample: Sample,
    rules: DriftConfig,
    expected: Sequence[str] = (),
) -> list[DriftFinding]:
    """Everything watched of a sample, the most unusual first.

    The features and the number of rows share one false discovery rate; the score is judged by itself at the same.
    Columns that are expected to move get a p-value and no part in the correction, and alarm nobody.

    :param reference: columns of the sample of the reference's rows that the null was computed with
    """
    found = [one for column, before in reference.items() for one in _column(null, column, before, sample, rules)]
    if sample.night_rows is not None:
        found += _rows(null, sample.night_rows, sample.weekday, rules)
    return corrected(found, rules, expected)


def corrected(found: Sequence[DriftFinding], rules: DriftConfig, expected: Sequence[str] = ()) -> list[DriftFinding]:
    """The findings with their q-values and alarms, the most unusual first; what is expected to move has neither."""
    scores = [one for one in found if one.column == SCORE]
    moving = [one for one in found if one.column in expected]
    rest = [one for one in found if one.column != SCORE and one.column not in expected]
    shown = [one.model_copy(update={"expected": True}) for one in moving]
    done = [*_corrected(rest, rules), *_corrected(scores, rules), *shown]
    return sorted(done, key=lambda one: (not one.alarm, one.expected, one.p))


def told(findings: Sequence[DriftFinding], days: int) -> tuple[str, ...]:
    """The verdict in sentences: how many alarms of how much that was watched, then each alarm by itself."""
    return told_against(findings, f"{days} ordinary days of the reference")


def told_against(findings: Sequence[DriftFinding], null: str) -> tuple[str, ...]:
    """As `told`, of a null in words."""
    alarms = [found for found in findings if found.alarm]
    watched = len({found.column for found in findings if not found.expected})
    against = f"of {watched} columns and counts watched, against {null}"
    if not alarms:
        return (f"No drift alarm {against}.",)
    count = len({found.column for found in alarms})
    over = {"night": "tonight", "recent": "over the last nights"}
    return (f"DRIFT ALARM on {count} {against}.", *(f"{found.sentence} ({over[found.over]})." for found in alarms))


def _corrected(found: Sequence[DriftFinding], rules: DriftConfig) -> list[DriftFinding]:
    """Benjamini and Hochberg's q-values, and the alarms that they and the effect allow."""
    if not found:
        return []
    rates = false_discovery_control([one.p for one in found])
    return [
        one.model_copy(
            update={"q": float(rate), "alarm": bool(rate <= rules.false_discovery_rate and one.effect >= one.floor)}
        )
        for one, rate in zip(found, rates, strict=True)
    ]


def _column(null: Null, column: str, reference: Tally, sample: Sample, rules: DriftConfig) -> list[DriftFinding]:
    """Distance and shares of one column; what the night or the null has too little of is left out."""
    current = tally(reference.kind, sample.current[column])
    values, everything = int(current.counts.sum()), len(sample.current)
    found = []
    for measure, value in compare(reference, current).items():
        rows = everything if measure == "missing" else values
        profile = null.profile(column, measure, sample.block, rows)
        if profile is None or not math.isfinite(value):
            continue
        weekdays = np.array([day.weekday() for day in null.days])[profile.block - 1 :]
        place = (
            _of_distance(profile, weekdays, sample.weekday)
            if measure in SIZED
            else _of_share(profile, weekdays, sample.weekday, rows)
        )
        if place is None:
            continue
        root = math.sqrt(value) if measure in SIZED else math.asin(math.sqrt(value))
        usual = place.usual**2 if measure in SIZED else math.sin(min(place.usual, math.pi / 2)) ** 2
        found.append(
            DriftFinding(
                column=column,
                measure=measure,
                over=sample.over,
                value=value,
                usual=usual,
                p=place.p_value(root),
                effect=value - usual,
                floor=floor_of(reference.kind, measure, values, rules),
                sentence=_sentence(column, measure, value, usual, place.weekday, profile.block),
            )
        )
    return found


def floor_of(kind: Kind, measure: Measure, values: int, rules: DriftConfig) -> float:
    """How much beyond what is usual it takes to alarm, for a column with so many values."""
    if measure != "distance":
        return rules.share_floor
    return max(rules.numeric_floor, NOISE / math.sqrt(values)) if kind == "numeric" else rules.categorical_floor


def _of_distance(profile: Profile, weekdays: np.ndarray, weekday: int) -> Ordinary | None:
    return ordinary(np.sqrt(profile.values), weekdays, weekday, profile.block, LEAST_SPREAD)


def _of_share(profile: Profile, weekdays: np.ndarray, weekday: int, rows: int) -> Ordinary | None:
    """A share's arcsine root has variance 1/(4 rows) by sampling; a sample smaller than the profile's has more."""
    moved = np.arcsin(np.sqrt(profile.values))
    found = ordinary(moved, weekdays, weekday, profile.block, math.sqrt(0.25 / profile.rows))
    if found is None or rows >= profile.rows:
        return found
    more = 0.25 / rows - 0.25 / profile.rows
    widened = math.hypot(found.spread, math.sqrt(more))
    return Ordinary(found.centre, widened, found.degrees, found.usual, found.residuals, found.weekday)


def _rows(null: Null, rows: int, weekday: int, rules: DriftConfig) -> list[DriftFinding]:
    """The night's number of rows against the same weekday's, in both directions."""
    counts = np.log(np.maximum(null.rows, 1))
    weekdays = np.array([day.weekday() for day in null.days])
    least = max(LEAST_OF_ROWS, 1 / math.sqrt(max(1.0, float(np.median(null.rows)))))
    place = ordinary(counts, weekdays, weekday, 1, least)
    if place is None:
        return []
    beyond = math.log(max(rows, 1)) - place.centre
    mirrored = Ordinary(0.0, place.spread, place.degrees, 0.0, np.abs(place.residuals), place.weekday)
    usual = math.exp(place.centre)
    return [
        DriftFinding(
            column=ROWS,
            measure="rows",
            over="night",
            value=rows,
            usual=usual,
            p=min(1.0, 2 * mirrored.p_value(abs(beyond))),
            effect=abs(rows / usual - 1),
            floor=rules.rows_floor,
            sentence=f"{rows:,} rows; {_days(place.weekday, 1)} have about {usual:,.0f}",
        )
    ]


def _sentence(column: str, measure: Measure, value: float, usual: float, weekday: int | None, block: int) -> str:
    def told(number: float) -> str:
        return f"{number:.2f}" if measure == "distance" else f"{number:.1%}"

    return f"{column}: {WORDS[measure]} {told(value)}; on {USUAL:.0%} of {_days(weekday, block)} at most {told(usual)}"


def _days(weekday: int | None, block: int) -> str:
    if weekday is not None:
        return f"ordinary {calendar.day_name[weekday]}s"
    return "ordinary days" if block == 1 else f"ordinary blocks of {block} days"

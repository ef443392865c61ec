"""How near do estimates without labels come to the truth, on a year of real flights whose labels come 14 days late?

    python -m benchmarks.estimates --json estimates.json

The shipped model file's HistGradientBoostingClassifier is trained again every 28 nights and serves the days in between;
each week is estimated on the night after it, from labels of days at least `--delay` days back, and held against the
week's own labels. A week counts as one without concept change where the estimate's own chances were right about it: the
calibration slope (Cox 1958) of a random half of its flights lies within 15 % of 1. That is decided without a look at
any AUC; the error is given on all flights of the week, and on the other half, which the decision never saw.

Then the labels of one airport are turned round from some day on. The estimate cannot see it; the check of past errors
must say so once the first of those labels are there. The exit code is 1 where less than 80 % of the weeks without
concept change are estimated within 0.03 AUC, or the check stays silent in a planted case.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from include.config.loader import find_model
from include.config.schema import ModelConfig
from include.data import windows
from include.data.computed_features import add_rates
from include.data.sources import flights
from include.monitoring import calibration
from include.training.fit import fit, predict_scores

MODEL, LEARNER = "flight_delay", "hist_gradient_boosting"
FIRST, LAST = date(2013, 1, 1), date(2013, 12, 31)
EVERY, WEEK = 28, 7
WITHIN, PROMISE, SLOPE = 0.03, 0.8, 0.85
CHECKED = 4
"""Weeks whose errors the check looks at."""
CHANGED_WEEKS = 8
TURNED = "EWR"


class Week(NamedTuple):
    """One week's estimate, on the night after it, and what its labels said later."""

    version: int
    start: date
    guess: calibration.Estimate
    truth: float
    other_half: float
    slope: float
    level: float
    raw: float
    last_known: float

    @property
    def error(self) -> float:
        return self.guess.value - self.truth

    @property
    def stable(self) -> bool:
        return SLOPE <= self.slope <= 1 / SLOPE


def served(config: ModelConfig, first: int = 0, most: int = 100) -> list[pd.DataFrame]:
    """Scores of each version from its validation days on: day, origin, label, score, and the night of its training.

    `first` versions are skipped, and no more than `most` made.
    """
    day, label = config.data.day, config.data.label
    frame = flights.read(FIRST, LAST)
    frame = frame.assign(**{day: pd.to_datetime(frame[day]), label: frame[label].astype("float64")})
    rows = add_rates(frame, frame, config)
    candidate = next(one for one in config.training.candidates if one.name == LEARNER)
    needed = config.training.train_days + config.training.validation_days + config.training.holdout_days
    as_of = FIRST + timedelta(days=needed + max(1, config.data.label_delay_days) - 1 + first * EVERY)
    versions: list[pd.DataFrame] = []
    while as_of + timedelta(days=WEEK - 1) <= LAST and len(versions) < most:
        frozen = windows.training_windows(config, as_of)
        train = rows[rows[day].between(pd.Timestamp(frozen.train.start), pd.Timestamp(frozen.train.end))]
        until = as_of + timedelta(days=CHANGED_WEEKS * WEEK)
        scored = rows[(rows[day] >= pd.Timestamp(frozen.validation.start)) & (rows[day] < pd.Timestamp(until))]
        scores = predict_scores(
            fit(config, candidate, train.reset_index(drop=True), threads=2).pipeline, scored, config
        )
        versions.append(
            pd.DataFrame(
                {
                    "day": scored[day].dt.date,
                    "origin": scored["origin"],
                    "label": scored[label],
                    "score": scores,
                    "as_of": as_of,
                }
            ).reset_index(drop=True)
        )
        as_of += timedelta(days=EVERY)
    return versions


def look(rows: pd.DataFrame, version: int, start: date, delay: int) -> Week:
    """Estimate the week from `start` on the night after it, and hold it against its labels."""
    night = start + timedelta(days=WEEK)
    known = rows[rows["day"] <= night - timedelta(days=delay)]
    week = rows[(rows["day"] >= start) & (rows["day"] < night)]
    scores, labels = week["score"].to_numpy(), week["label"].to_numpy()
    fitted = calibration.fit(known["score"].to_numpy(), known["label"].to_numpy(), known["day"].to_numpy())
    assert fitted is not None
    guess = calibration.estimate(fitted, scores, week["day"].to_numpy())["roc_auc"]
    half = np.random.default_rng(start.toordinal()).random(len(week)) < 0.5
    chance = calibration.chances(fitted, scores)
    held = LogisticRegression(C=1e6).fit(logit(chance[half])[:, None], labels[half])
    return Week(
        version=version,
        start=start,
        guess=guess,
        truth=float(roc_auc_score(labels, scores)),
        other_half=float(roc_auc_score(labels[~half], scores[~half])),
        slope=float(held.coef_[0, 0]),
        level=float((labels[half] - chance[half]).mean()),
        raw=expected_auc(scores),
        last_known=float(roc_auc_score(known["label"], known["score"])),
    )


def expected_auc(scores: np.ndarray) -> float:
    """ROC AUC that labels would give for which the scores themselves were the chances."""
    ordered = np.sort(scores)
    zeros = np.cumsum(1 - ordered) - (1 - ordered) / 2
    return float((ordered * zeros).sum() / (ordered.sum() * (1 - ordered).sum()))


def trust(weeks: list[Week], night: date, delay: int) -> calibration.Trust:
    """The check as of a night: errors of the last weeks that do not overlap and whose labels have all come."""
    past: list[Week] = []
    for week in sorted(weeks, key=lambda one: one.start, reverse=True):
        matured = week.start + timedelta(days=WEEK - 1 + delay) <= night
        if matured and (not past or week.start + timedelta(days=WEEK) <= past[-1].start):
            past.append(week)
    return calibration.check([(week.guess, week.truth) for week in past[:CHECKED]])


def changed(versions: list[pd.DataFrame], weeks: list[Week], number: int, delay: int) -> dict[str, object]:
    """Turn the labels of one airport round from the version's first day on: what do estimate and check say?"""
    rows = versions[number].copy()
    start: date = rows["as_of"].iloc[0]
    turned = (rows["origin"] == TURNED) & (rows["day"] >= start)
    rows.loc[turned, "label"] = 1 - rows.loc[turned, "label"]
    before = [week for week in weeks if week.start + timedelta(days=WEEK) <= start]
    found: list[Week] = []
    said = None
    for step in range(CHANGED_WEEKS):
        found.append(look(rows, number + 1, start + timedelta(days=WEEK * step), delay))
        night = found[-1].start + timedelta(days=WEEK)
        if said is None and trust(before + found, night, delay).state == "suspected":
            said = (night - start).days
    blind = found[: delay // WEEK + 1]
    return {
        "from": str(start),
        "estimated": float(np.mean([week.guess.value for week in blind])),
        "truth": float(np.mean([week.truth for week in blind])),
        "said_after_nights": said,
        "first_possible_night": WEEK - 1 + delay,
        "suspected_before": trust(before, start, delay).state == "suspected",
    }


def summary(weeks: list[Week], name: str) -> dict[str, object]:
    """Errors of a set of weeks, of the estimate and of two simpler ones."""
    error = np.array([week.error for week in weeks])
    near = lambda values: float((np.abs(values) <= WITHIN).mean())  # noqa: E731
    return {
        "weeks": name,
        "n": len(weeks),
        "within": near(error),
        "within_other_half": near(np.array([week.guess.value - week.other_half for week in weeks])),
        "bias": float(error.mean()),
        "mean_absolute_error": float(np.abs(error).mean()),
        "held_by_95_interval": float(np.mean([week.guess.low <= week.truth <= week.guess.high for week in weeks])),
        "half_width": float(np.mean([(week.guess.high - week.guess.low) / 2 for week in weeks])),
        "within_raw_scores": near(np.array([week.raw - week.truth for week in weeks])),
        "within_last_known": near(np.array([week.last_known - week.truth for week in weeks])),
    }


def all_weeks(versions: list[pd.DataFrame], delay: int, step: int) -> list[Week]:
    """Every week that begins while a version serves, `step` days apart; the last days may be its successor's time."""
    weeks = []
    for number, rows in enumerate(versions):
        start: date = rows["as_of"].iloc[0]
        for offset in range(0, EVERY, step):
            first = start + timedelta(days=offset)
            if first + timedelta(days=WEEK - 1) <= LAST:
                weeks.append(look(rows, number + 1, first, delay))
    return weeks


def main() -> int:
    """Run, print and, where asked, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--delay", type=int, default=14, help="days after which labels are pretended to come")
    parser.add_argument("--step", type=int, default=1, help="days between the starts of two weeks")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    started = time.perf_counter()
    config = find_model(MODEL)
    late = config.model_copy(update={"data": config.data.model_copy(update={"label_delay_days": asked.delay})})
    versions = served(late)
    weeks = all_weeks(versions, asked.delay, asked.step)
    apart = [week for week in weeks if ((week.start - versions[week.version - 1]["as_of"].iloc[0]).days % WEEK) == 0]
    found = [
        summary(weeks, f"all, {asked.step} days apart"),
        summary([week for week in weeks if week.stable], f"no concept change, {asked.step} days apart"),
        summary(apart, "all, 7 days apart"),
        summary([week for week in apart if week.stable], "no concept change, 7 days apart"),
    ]
    print(pd.DataFrame(found).round(3).to_string(index=False))
    nights = [week.start + timedelta(days=WEEK) for week in apart[CHECKED:]]
    suspected = float(np.mean([trust(apart, night, asked.delay).state == "suspected" for night in nights]))
    print(f"\nreal weeks on which the check says that the estimate cannot be used: {suspected:.0%} of {len(nights)}")
    full = [n for n, rows in enumerate(versions) if n and rows["as_of"].iloc[0] <= LAST - timedelta(days=8 * WEEK)]
    cases = [changed(versions, apart, number, asked.delay) for number in full]
    print(f"\nlabels of {TURNED} turned round from a day on\n{pd.DataFrame(cases).round(3).to_string(index=False)}")
    seconds = time.perf_counter() - started
    print(f"\n{len(versions)} versions, {len(weeks)} weeks, labels {asked.delay} days late; {seconds:.0f} s")
    if asked.json:
        kept = [{**week._asdict(), "start": str(week.start), "guess": vars(week.guess)} for week in weeks]
        facts = {"seconds": seconds, "summary": found, "suspected": suspected, "changed": cases, "weeks": kept}
        asked.json.write_text(json.dumps(facts, indent=1))
    return int(float(str(found[1]["within"])) < PROMISE or any(case["said_after_nights"] is None for case in cases))


if __name__ == "__main__":
    sys.exit(main())

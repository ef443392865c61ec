"""Equal models on real flights: how often does each rule promote one of them over the other?

    python -m benchmarks.flights --pairs 500 --processes 2 --json flights.json

A pair is one learner of the shipped model file, fitted twice on bootstrap resamples of one training window: neither is
better but by chance. Both score the holdout of that night, 14 whole days, and `>=`, rules that take rows as independent
and the shipped rule judge them at one-sided 1 %. Every fitted model is in one pair only. The exit code is 1 where the
shipped rule promotes more than 2 %.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.evidence import CLUSTERED, Rate, Verdicts, judge, table
from benchmarks.simulated import Rows
from include.config.loader import find_model
from include.config.schema import ModelConfig
from include.data import windows
from include.data.computed_features import add_rates
from include.data.sources import flights
from include.training.fit import fit, predict_scores

MODEL = "flight_delay"
ALPHA, PROMISE = 0.01, 0.02
FIRST, LAST = date(2013, 5, 1), date(2014, 1, 1)
"""Nights whose window, and the days that its rates look back to, are all of 2013."""


class Night(NamedTuple):
    """One night's share of the work."""

    as_of: date
    pairs: int
    learner: str
    resamples: int


def nights(count: int, pairs: int, learner: str, resamples: int) -> list[Night]:
    """`count` nights spread evenly over the year, the pairs dealt among them."""
    step = (LAST - FIRST).days / max(1, count - 1)
    days = [FIRST + timedelta(days=round(step * number)) for number in range(count)]
    return [
        Night(day, pairs // count + (number < pairs % count), learner, resamples) for number, day in enumerate(days)
    ]


def splits(config: ModelConfig, as_of: date) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The training and the holdout rows of a night, rates included, as a retraining run reads them."""
    frozen = windows.training_windows(config, as_of)
    first = frozen.train.start - timedelta(days=windows.lookback_days(config))
    frame = flights.read(first, frozen.holdout.end)
    day, label = config.data.day, config.data.label
    frame = frame.assign(**{day: pd.to_datetime(frame[day]), label: frame[label].astype("float64")})
    rows = add_rates(frame, frame, config)

    def of(split: str) -> pd.DataFrame:
        days = getattr(frozen, split)
        inside = rows[day].between(pd.Timestamp(days.start), pd.Timestamp(days.end))
        return rows[inside].reset_index(drop=True)

    return of("train"), of("holdout")


def judged(night: Night) -> list[Verdicts]:
    """Fit the night's pairs and judge each."""
    config = find_model(MODEL)
    candidate = next(one for one in config.training.candidates if one.name == night.learner)
    train, holdout = splits(config, night.as_of)
    rng = np.random.default_rng(night.as_of.toordinal())

    def scores() -> np.ndarray:
        drawn = train.iloc[rng.integers(len(train), size=len(train))]
        return predict_scores(fit(config, candidate, drawn, threads=1).pipeline, holdout, config)

    y, day = holdout[config.data.label].to_numpy(), holdout[config.data.day].to_numpy()
    return [judge(Rows(y, scores(), scores(), day), ALPHA, night.resamples, seed) for seed in range(night.pairs)]


def rates(verdicts: list[Verdicts], count: int) -> list[Rate]:
    """How often each rule promoted."""
    found = []
    for rule in verdicts[0].promoted:
        hits = sum(one.promoted[rule] for one in verdicts)
        kept = hits / len(verdicts) <= PROMISE if rule == CLUSTERED else None
        found.append(
            Rate("equal models promoted", f"{count} nights", rule, hits, len(verdicts), f"<= {PROMISE:g}", kept)
        )
    return found


def main() -> int:
    """Run, print and, where asked, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=500)
    parser.add_argument("--nights", type=int, default=36)
    parser.add_argument("--learner", default="hist_gradient_boosting", help="a candidate of the model file")
    parser.add_argument("--resamples", type=int, default=2000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    started = time.perf_counter()
    work = nights(asked.nights, asked.pairs, asked.learner, asked.resamples)
    with ProcessPoolExecutor(asked.processes) as pool:
        parts = list(pool.map(judged, work))
    verdicts = [one for part in parts for one in part]
    found = rates(verdicts, len(work))
    seconds = time.perf_counter() - started
    print(table(found))
    smallest = float(np.median([one.smallest[CLUSTERED] for one in verdicts]))
    print(f"{len(verdicts)} pairs of {asked.learner}, one-sided {ALPHA:.0%}; {seconds:.0f} s")
    print(f"a lead of {smallest:.4f} ROC AUC (median) would be seen four times in five, judged by whole days")
    if asked.json:
        figures = {
            "learner": asked.learner,
            "seconds": seconds,
            "smallest_detectable": smallest,
            "rates": [{**one._asdict(), "share": one.share, "interval": one.interval()} for one in found],
            "nights": {
                str(night.as_of): [one.promoted for one in part] for night, part in zip(work, parts, strict=True)
            },
        }
        asked.json.write_text(json.dumps(figures, indent=1))
    return int(any(one.kept is False for one in found))


if __name__ == "__main__":
    sys.exit(main())

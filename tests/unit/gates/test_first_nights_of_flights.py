"""The first release of the shipped model on the nights that are hardest for it, by real fits on real flights.

`python -m benchmarks.first_release` asks all 364 nights and trains every candidate. Here the quickest candidate alone
is trained, on the ten nights of its least sure skill, and on three of those on which a bound of the Brier score or of
ROC AUC, fit for other months, kept the first champion away.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from benchmarks.flights import splits
from include.config.schema import ModelConfig
from include.data.sources.flights import STEP, day_of_2013
from include.data.windows import training_windows
from include.evidence.baselines import constants
from include.gates.decide import decide
from include.gates.first_release import GATE
from include.gates.inputs import Facts, HoldoutScores, Replay
from include.training.fit import fit, predict_scores

WORST = [*(date(2026, 10, day) for day in (22, 20, 21, 24, 31, 18, 17, 19)), date(2026, 9, 22), date(2026, 9, 23)]
"""Nights of the least sure skill: autumn, when few flights are disrupted and the weather says little."""
OF_MANY_DELAYS = [date(2026, 12, 3), date(2026, 1, 31), date(2026, 4, 13)]
CANDIDATE = "logistic_regression"


@pytest.mark.parametrize("night", [*WORST, *OF_MANY_DELAYS], ids=str)
def test_the_worst_nights_end_with_a_champion(flight_delay: ModelConfig, night: date) -> None:
    config = flight_delay
    train, holdout = splits(config, night)
    candidate = next(one for one in config.training.candidates if one.name == CANDIDATE)
    scores = predict_scores(fit(config, candidate, train, threads=1).pipeline, holdout, config)
    rows = HoldoutScores(
        y=holdout[config.data.label].to_numpy(dtype=np.float64),
        days=holdout[config.data.day].to_numpy(dtype="datetime64[D]"),
        challenger=scores,
        columns={"origin": holdout["origin"].to_numpy()},
        baseline=constants(config, train[config.data.label].to_numpy()),
    )
    golden = Replay(scores[:5], scores[:5])
    decision = decide(config, 1, None, rows, golden, Facts(scoring_ms=1.0, model_mb=1.0))
    assert decision.verdict == "promote", decision.reasons
    assert next(gate for gate in decision.gates if gate.name == GATE).judged > 0


@pytest.mark.parametrize("day", [date(2028, 2, 29), date(2028, 3, 1), date(2027, 3, 14), date(2026, 11, 1)], ids=str)
def test_a_leap_day_and_a_change_of_clocks_are_days_like_any_other(flight_delay: ModelConfig, day: date) -> None:
    """Windows count days, not months or hours; a mapped day is a whole number of weeks from its day of 2013."""
    frozen = training_windows(flight_delay, day + timedelta(days=1))
    assert frozen.holdout.end == day
    assert frozen.whole.days == sum(part.days for part in (frozen.train, frozen.validation, frozen.holdout)) == 84
    recorded = day_of_2013(day)
    assert recorded.weekday() == day.weekday() and (day - recorded).days % STEP == 0
    train, holdout = splits(flight_delay, day + timedelta(days=1))
    assert holdout["flight_date"].nunique() == 14 and train["flight_date"].nunique() == 60
    assert (holdout["scheduled_departure"].dt.normalize() == holdout["flight_date"]).mean() > 0.99

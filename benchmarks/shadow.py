"""Does a trial in the shadow keep its word? Simulated challengers, looked at every night for 90 nights.

    python -m benchmarks.shadow --trials 2000 --json shadow.json

Two models of known ROC AUC, 0.80 where they are equal, score the same 900 rows a night; days make both of them better
or worse together, and each by itself. Of equal models, at most alpha may ever be promoted; a fixed-sample t-test that
is repeated every night shows what looking costs without a sequence. The exit code is 1 where the promise is not kept.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import expit, logit

from include.config.release import AgainstChampion, ShadowTrial
from include.evidence.confidence_sequence import CALLS, FUTILE, GOES_ON, PROMOTE, Plan, calls, lasting

NIGHTS, ROWS, WEEK = 90, 900, 7
AUC, PREVALENCE, CORRELATION = 0.80, 0.3, 0.8
SHARED, PREVALENCE_SPREAD = 0.3, 0.5
"""Standard deviations over days of both models' separation together, and of the log-odds of a positive."""
FEWEST = 10
CHUNK = 25
"""Trials whose rows are drawn at once: 2 million of them."""
WEEKEND = np.array([-0.004] * 5 + [0.01] * 2)
SAMPLED_BY_CHANCE = 0.01
"""A promise counts as broken where chance alone would give so many in fewer than 1 of 100 runs."""


@dataclass(frozen=True)
class Setting:
    """How the challenger differs: `lead` is its true ROC AUC over the champion's, on average over nights.

    `own` are standard deviations over days of the challenger's and the champion's separation, each by itself; `lasting`
    is the correlation of one night's effect with the next one's; `pattern` is added to the lead, weekday by weekday.
    """

    name: str
    own: tuple[float, float] = (0.0, 0.0)
    lasting: float = 0.0
    pattern: tuple[float, ...] = (0.0,) * WEEK
    lead: float = 0.0
    promised: bool = True

    def draw(self, trials: int, seed: int, nights: int = NIGHTS) -> np.ndarray:
        """(trials, nights) differences of the nightly ROC AUC; the same seed gives the same."""
        rng = np.random.default_rng([seed, *self.name.encode(), round(1e6 * self.lead)])
        chunks = [self._chunk(rng, min(CHUNK, trials - start), nights) for start in range(0, trials, CHUNK)]
        return np.concatenate(chunks)

    def _chunk(self, rng: np.random.Generator, trials: int, nights: int) -> np.ndarray:
        count = trials * nights
        chance = expit(logit(PREVALENCE) + rng.normal(0, PREVALENCE_SPREAD, count))
        positives = np.clip(rng.binomial(ROWS, chance), FEWEST, ROWS - FEWEST)
        labels = np.arange(ROWS) < positives[:, None]
        together = rng.normal(0, SHARED, count)
        noise = rng.standard_normal((count, ROWS), dtype=np.float32)
        weekday = np.tile(np.resize(self.pattern, nights), trials)
        values = []
        for side, own in zip((0.5, -0.5), self.own, strict=True):
            auc = AUC + side * (self.lead + weekday)
            mean = stats.norm.ppf(auc) * np.sqrt(2 + SHARED**2 + own**2)
            separation = mean + together + own * _effects(rng, trials, nights, self.lasting)
            values.append(_auc(_scores(rng, noise, labels, separation), labels, positives))
        return np.asarray(values[0] - values[1]).reshape(trials, nights)


def _effects(rng: np.random.Generator, trials: int, nights: int, lasting: float) -> np.ndarray:
    """(trials * nights,) standard normal effects, each trial's an autoregression of the first order."""
    fresh = rng.normal(size=(trials, nights))
    for night in range(1, nights):
        fresh[:, night] = lasting * fresh[:, night - 1] + np.sqrt(1 - lasting**2) * fresh[:, night]
    return fresh.ravel()


def _scores(rng: np.random.Generator, noise: np.ndarray, labels: np.ndarray, separation: np.ndarray) -> np.ndarray:
    own = rng.standard_normal(noise.shape, dtype=np.float32)
    mixed = np.float32(np.sqrt(CORRELATION)) * noise + np.float32(np.sqrt(1 - CORRELATION)) * own
    return mixed + separation.astype(np.float32)[:, None] * labels


def _auc(scores: np.ndarray, labels: np.ndarray, positives: np.ndarray) -> np.ndarray:
    """(count,) ROC AUC of each row of scores: the rank sum of its positives."""
    in_order = np.take_along_axis(labels, np.argsort(scores, axis=1), axis=1)
    ranks = in_order @ np.arange(1.0, ROWS + 1)
    return np.asarray((ranks - positives * (positives + 1) / 2) / (positives * (ROWS - positives)))


ALIKE = Setting("days move both models alike")
OWN = Setting("days move each model too", own=(0.1, 0.1))
UNLIKE = Setting("one model varies, the other not", own=(0.3, 0.0))
WEEKDAYS = Setting("better at weekends, worse else", own=(0.1, 0.1), pattern=tuple(WEEKEND))
SEASONS = Setting("effects that last for days", own=(0.1, 0.1), lasting=0.7, promised=False)
EQUAL = (ALIKE, OWN, UNLIKE, WEEKDAYS, SEASONS)
BETTER = tuple(replace(setting, lead=lead) for setting in (ALIKE, OWN) for lead in (0.01, 0.02))


def shipped_plan(nights: int = NIGHTS) -> Plan:
    """The plan of a model file that asks for evidence from the shadow and says no more."""
    trial = ShadowTrial(max_nights=nights)
    alpha = float(AgainstChampion().alpha or 0.0)
    return Plan(trial.largest, alpha, trial.futility_alpha, 0.0, trial.worth, trial.min_nights, nights)


def naive(differences: np.ndarray, plan: Plan) -> np.ndarray:
    """(trials, nights) whether a one-sided t-test over the nights so far would promote, as if it were the only one."""
    nights = np.arange(1, differences.shape[1] + 1)
    means = differences.cumsum(axis=1) / nights
    squares = (differences**2).cumsum(axis=1) - nights * means**2
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = np.sqrt(squares / (nights - 1) / nights)
        beyond = stats.t.sf(means / errors, nights - 1) < plan.alpha
    return np.asarray(beyond & (nights >= plan.min_nights))


@dataclass(frozen=True)
class Lives:
    """How the trials of a setting ended, after how many nights, and whether a promotion asks a person; (trials,)."""

    setting: Setting
    spread: float
    ends: np.ndarray
    nights: np.ndarray
    asked: np.ndarray
    naive: np.ndarray
    naive_nights: np.ndarray

    def share(self, call: int) -> float:
        return float((self.ends == call).mean())

    def median(self, call: int) -> float:
        """Median nights of the trials that ended so; nan where none did."""
        nights = self.nights[self.ends == call]
        return float(np.median(nights)) if len(nights) else float("nan")

    @property
    def share_asked(self) -> float:
        """Share of the promotions that ask a person, for one night's differences go on into the next."""
        promoted = self.ends == PROMOTE
        return float(self.asked[promoted].mean()) if promoted.any() else float("nan")

    @property
    def kept(self) -> bool | None:
        """Whether equal models were promoted no more often than promised; None where nothing is."""
        if self.setting.lead or not self.setting.promised:
            return None
        hits, trials = int((self.ends == PROMOTE).sum()), len(self.ends)
        found = stats.binomtest(hits, trials, shipped_plan().alpha, "greater")
        return bool(found.pvalue > SAMPLED_BY_CHANCE)

    def facts(self) -> dict[str, Any]:
        low, high = stats.binomtest(int((self.ends == PROMOTE).sum()), len(self.ends)).proportion_ci()
        named = {f"share_{name}": self.share(code) for code, name in enumerate(CALLS) if code != GOES_ON}
        return {
            "setting": self.setting.name,
            "lead": self.setting.lead,
            "trials": len(self.ends),
            "spread_of_nights": self.spread,
            **named,
            "promoted_95_percent": [low, high],
            "median_nights_promoted": self.median(PROMOTE),
            "median_nights_futile": self.median(FUTILE),
            "share_of_promotions_asking": self.share_asked,
            "naive_promoted": float(self.naive.mean()),
            "naive_median_nights": float(np.median(self.naive_nights[self.naive])) if self.naive.any() else None,
            "kept": self.kept,
        }


def live(setting: Setting, trials: int, seed: int = 0, plan: Plan | None = None) -> Lives:
    """Draw the trials of a setting and look at each every night until it ends."""
    plan = plan or shipped_plan()
    differences = setting.draw(trials, seed, plan.max_nights)
    looks = calls(differences, plan)
    ended = (looks != GOES_ON).argmax(axis=1)  # the last night ends every trial
    seen = [np.clip(row[: end + 1], -plan.bound, plan.bound) for row, end in zip(differences, ended, strict=True)]
    found = [lasting(row) for row in seen]
    tests = naive(differences, plan)
    return Lives(
        setting,
        float(differences.std()),
        looks[np.arange(trials), ended],
        ended + 1,
        np.array([correlation > usual for correlation, usual in found]),
        tests.any(axis=1),
        tests.argmax(axis=1) + 1,
    )


def lines(found: list[Lives]) -> Iterator[str]:
    """One line for each setting."""
    heads = f"{'promoted':>9} {'nights':>6} {'asking':>6}  {'futile':>6} {'nights':>6}  {'t-test':>6}"
    yield f"{'setting':32} {'lead':>5} {'sd':>6}  {heads}"
    for one in found:
        kept = "" if one.kept is None else "  kept" if one.kept else "  BROKEN"
        yield (
            f"{one.setting.name:32} {one.setting.lead:5.2f} {one.spread:6.4f}  {one.share(PROMOTE):9.4f} "
            f"{one.median(PROMOTE):6.0f} {one.share_asked:6.2f}  {one.share(FUTILE):6.3f} {one.median(FUTILE):6.0f}  "
            f"{one.naive.mean():6.3f}{kept}"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    started = time.perf_counter()
    found = [live(setting, asked.trials, asked.seed) for setting in (*EQUAL, *BETTER)]
    seconds = time.perf_counter() - started
    print(f"{asked.trials} trials of {NIGHTS} nights, alpha {shipped_plan().alpha:g}, {seconds:.0f} s")
    print("\n".join(lines(found)))
    if asked.json:
        asked.json.write_text(json.dumps([one.facts() for one in found], indent=1))
    return int(any(one.kept is False for one in found))


if __name__ == "__main__":
    sys.exit(main())

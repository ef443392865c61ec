"""Does the evidence keep its word? Paired simulations with known truth, on which three rules judge the same trials.

    python -m benchmarks.evidence --trials 4000 --processes 2 --json evidence.json

False promotions among equal models must not exceed alpha, and a true lead of the stated smallest size must be seen four
times in five, beside a bare `>=` and rules that take rows as independent. Intervals must cover the truth 95 % of the
time with 14 clusters and with 60. The exit code is 1 where a promise is not kept.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import stats
from threadpoolctl import threadpool_limits

from benchmarks.simulated import AUC, INDEPENDENT, MANY_DAYS, SHARED_DAYS, Rows, Setting
from include.evidence.paired_difference import metric_interval, paired_difference

ALPHA = 0.01
POWER = 0.78
COVERAGE = (0.93, 0.97)
CONFIDENCE = 0.95
COVERED_METRICS = ("roc_auc", "log_loss", "brier_score")
CLUSTERED, DELONG, ROWS, BARE = "whole days", "rows, DeLong", "rows, bootstrap", ">="
RULES = (CLUSTERED, DELONG, ROWS)
PROMISED = ((INDEPENDENT, (CLUSTERED, DELONG)), (SHARED_DAYS, (CLUSTERED,)))
"""Where each rule is meant to hold: DeLong's test needs independent rows."""


class Rate(NamedTuple):
    """How often something happened, what was promised, and whether that is kept."""

    what: str
    setting: str
    rule: str
    hits: int
    trials: int
    promise: str
    kept: bool | None

    @property
    def share(self) -> float:
        return self.hits / self.trials

    def interval(self) -> tuple[float, float]:
        """95 % interval of the share, Clopper and Pearson's."""
        found = stats.binomtest(self.hits, self.trials).proportion_ci()
        return float(found.low), float(found.high)


class Verdicts(NamedTuple):
    """Of one trial: by rule, whether the challenger would be promoted and the smallest lead that it says it sees."""

    promoted: dict[str, bool]
    smallest: dict[str, float]


def judge(rows: Rows, alpha: float, resamples: int, seed: int, rules: Iterable[str] = RULES) -> Verdicts:
    """Judge one trial by `rules` and by a bare `>=`."""
    given: dict[str, dict[str, Any]] = {CLUSTERED: {"clusters": rows.day}, DELONG: {"method": "delong"}, ROWS: {}}
    shared: dict[str, Any] = {"alpha": alpha, "resamples": resamples, "seed": seed}
    scores = rows.y, rows.challenger, rows.champion
    found = {rule: paired_difference("roc_auc", *scores, **given[rule], **shared) for rule in rules}
    promoted = {rule: bool(one.low > 0) for rule, one in found.items()}
    promoted[BARE] = bool(next(iter(found.values())).difference >= 0)
    return Verdicts(promoted, {rule: one.smallest_detectable for rule, one in found.items()})


def trial(
    setting: Setting, lead: float, alpha: float, resamples: int, seed: int, rules: Iterable[str] = RULES
) -> Verdicts:
    """One draw of `setting` in which the challenger's true ROC AUC is higher by `lead`, half of it on either side."""
    return judge(setting.draw(seed, AUC + lead / 2, AUC - lead / 2), alpha, resamples, seed, rules)


def covered(setting: Setting, resamples: int, seed: int) -> dict[str, bool]:
    """Whether each 95 % interval of one draw of equal models holds the truth, by metric and kind."""
    rows = setting.draw(seed)
    shared: dict[str, Any] = {"clusters": rows.day, "resamples": resamples, "seed": seed}
    held = {}
    for metric in COVERED_METRICS:
        one = metric_interval(metric, rows.y, rows.challenger, confidence=CONFIDENCE, **shared)
        alpha = (1 - CONFIDENCE) / 2
        two = paired_difference(metric, rows.y, rows.challenger, rows.champion, alpha=alpha, **shared)
        held[f"{metric} of one model"] = one.low <= setting.truth(metric) <= one.high
        held[f"{metric} difference"] = two.low <= 0 <= two.high
    return held


def false_promotions(setting: Setting, rules: Iterable[str], verdicts: list[Verdicts], alpha: float) -> list[Rate]:
    """How often equal models were promoted; `rules` are those that promise not to exceed alpha."""
    rates = []
    for rule in verdicts[0].promoted:
        hits, trials = sum(one.promoted[rule] for one in verdicts), len(verdicts)
        # Kept unless chance would give so many in fewer than 1 of 100 runs of a rule with exactly this error.
        kept = bool(stats.binomtest(hits, trials, alpha, "greater").pvalue > 0.01) if rule in rules else None
        rates.append(Rate("false promotions", setting.name, rule, hits, trials, f"<= {alpha:g}", kept))
    return rates


def power(setting: Setting, rule: str, lead: float, verdicts: list[Verdicts]) -> list[Rate]:
    """How often a true lead of the size that `rule` says it sees was seen, by every rule."""
    rates = []
    for other in verdicts[0].promoted:
        hits = sum(one.promoted[other] for one in verdicts)
        kept = hits / len(verdicts) >= POWER if other == rule else None
        what = f"a true lead of {lead:.4f} seen"
        rates.append(Rate(what, setting.name, other, hits, len(verdicts), f">= {POWER}", kept))
    return rates


def coverage(setting: Setting, held: list[dict[str, bool]]) -> list[Rate]:
    """How often the intervals held the truth."""
    rates = []
    for name in held[0]:
        hits = sum(one[name] for one in held)
        kept = COVERAGE[0] <= hits / len(held) <= COVERAGE[1]
        promise = f"{COVERAGE[0]} to {COVERAGE[1]}"
        rates.append(
            Rate(f"0.95 interval holds: {name}", f"{setting.days} days", CLUSTERED, hits, len(held), promise, kept)
        )
    return rates


def smallest_lead(rule: str, verdicts: list[Verdicts]) -> float:
    """The lead that a rule states it sees four times in five, on average over trials."""
    return float(np.mean([one.smallest[rule] for one in verdicts]))


def run(trials: int, resamples: int, processes: int) -> list[Rate]:
    """All simulations; trial i of a stage has a seed of its own, so that processes change nothing."""
    rates: list[Rate] = []
    with ProcessPoolExecutor(processes, initializer=threadpool_limits, initargs=(1,)) as pool:

        def repeat(work: Callable[[int], Any], stage: int) -> list[Any]:
            seeds = range(stage * 10_000_000, stage * 10_000_000 + trials)
            return list(pool.map(work, seeds, chunksize=20))

        stage = 0
        for setting, rules in PROMISED:
            equal = repeat(partial(trial, setting, 0.0, ALPHA, resamples), stage := stage + 1)
            rates += false_promotions(setting, rules, equal, ALPHA)
            for rule in rules:
                lead = smallest_lead(rule, equal)
                work = partial(trial, setting, lead, ALPHA, resamples, rules=(CLUSTERED, DELONG))
                rates += power(setting, rule, lead, repeat(work, stage := stage + 1))
        for setting in (SHARED_DAYS, MANY_DAYS):
            rates += coverage(setting, repeat(partial(covered, setting, resamples), stage := stage + 1))
    return rates


def table(rates: list[Rate]) -> str:
    """One line for each rate."""
    lines = [f"{'what':48} {'setting':22} {'by':16} {'share':>6}  {'95 % interval':15} {'promise':12}"]
    for rate in rates:
        low, high = rate.interval()
        kept = "" if rate.kept is None else f"{rate.promise:12} {'kept' if rate.kept else 'BROKEN'}"
        line = f"{rate.what:48} {rate.setting:22} {rate.rule:16} {rate.share:6.4f}  {low:.4f}-{high:.4f}   {kept}"
        lines.append(line.rstrip())
    return "\n".join(lines)


def main() -> int:
    """Run, print and, where asked, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=4000)
    parser.add_argument("--resamples", type=int, default=2000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    started = time.perf_counter()
    rates = run(asked.trials, asked.resamples, asked.processes)
    seconds = time.perf_counter() - started
    print(table(rates))
    print(f"{asked.trials} trials each, {asked.resamples} resamples, alpha {ALPHA}; {seconds:.0f} s")
    if asked.json:
        figures = [{**rate._asdict(), "share": rate.share, "interval": rate.interval()} for rate in rates]
        asked.json.write_text(
            json.dumps({"seconds": seconds, "resamples": asked.resamples, "rates": figures}, indent=1)
        )
    return int(any(rate.kept is False for rate in rates))


if __name__ == "__main__":
    sys.exit(main())

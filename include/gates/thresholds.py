"""Gates on the new version alone: absolute bounds on a metric's confidence limit, skill over a constant, and cost."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from include.contracts import GateResult
from include.evidence.baselines import constant_of
from include.evidence.metrics import metrics_of
from include.evidence.paired_difference import EvidenceError, Interval, metric_interval, skill_interval
from include.gates.inputs import WORDS, Facts, HoldoutScores, dependence, refused, score_fault

if TYPE_CHECKING:
    from include.config.schema import ModelConfig, Threshold

TOLD = 0.95
"""Confidence of the intervals that people read; a bound is judged one-sided at the same confidence."""


def threshold_gates(config: ModelConfig, holdout: HoldoutScores) -> list[GateResult]:
    """One gate for each bound."""
    return [_threshold(config, threshold, holdout) for threshold in config.release.thresholds]


def intervals(config: ModelConfig, holdout: HoldoutScores) -> dict[str, Interval]:
    """The two-sided 95 % interval of every metric that the rows allow one for: told in the card, judging nothing."""
    found: dict[str, Interval] = {}
    if score_fault(holdout.challenger, holdout.challenger_fault, config.task) or holdout.challenger is None:
        return found
    for metric in metrics_of(config):
        with suppress(EvidenceError):
            found[metric] = metric_interval(
                metric, holdout.y, holdout.challenger, confidence=TOLD, **dependence(config, holdout)
            )
    return found


def cost_gates(config: ModelConfig, facts: Facts) -> list[GateResult]:
    """Scoring time and stored size, where the model file bounds them."""
    release = config.release
    offered = (
        ("scoring_latency", facts.scoring_ms, release.max_scoring_ms_per_1000_rows, "ms", "Scoring 1,000 rows takes"),
        ("model_size", facts.model_mb, release.max_model_mb, "MB", "The stored model takes"),
    )
    return [_cost(*offer, facts.cost_fault) for offer in offered if offer[2] is not None]


def _cost(name: str, value: float | None, bound: float | None, unit: str, opening: str, fault: str) -> GateResult:
    limit = float(bound or 0.0)
    if value is None:
        return refused(name, limit, f"{opening} an unknown number of {unit}: {fault or 'it was not measured'}.")
    passed = value <= limit
    sentence = f"{opening} {value:.3g} {unit}; {'allowed' if passed else 'only allowed'} are {limit:g} {unit}."
    return GateResult(name=name, passed=passed, value=value, bound=limit, sentence=sentence, margin=limit - value)


def _threshold(config: ModelConfig, threshold: Threshold, holdout: HoldoutScores) -> GateResult:
    """The bound must hold for the metric's 95 % one-sided confidence bound, not just for its estimate."""
    skill = threshold.min_skill is not None
    name, bound, least = _demand(threshold)
    word = f"skill in {WORDS[threshold.metric]}" if skill else WORDS[threshold.metric]
    fault = score_fault(holdout.challenger, holdout.challenger_fault, config.task)
    if fault or holdout.challenger is None:
        return refused(name, bound, f"{_upper(word)} cannot be judged: the challenger {fault}.")
    constant = constant_of(threshold.metric, holdout.baseline)
    if skill and constant is None:
        known = "the training rows' rate" if config.task == "binary" else "what a constant would predict"
        return refused(name, bound, f"{_upper(word)} cannot be judged: {known} is not known.")
    try:
        shared = dependence(config, holdout)
        if skill and constant is not None:
            interval = skill_interval(threshold.metric, holdout.y, holdout.challenger, constant, **shared)
        else:
            interval = metric_interval(threshold.metric, holdout.y, holdout.challenger, **shared)
    except EvidenceError as error:
        return refused(name, bound, f"{_upper(word)} cannot be judged on {holdout.extent}: {error}.")
    return _judged(name, word, bound, least, interval, holdout)


def _judged(name: str, word: str, bound: float, least: bool, found: Interval, holdout: HoldoutScores) -> GateResult:
    sure = found.low if least else found.high
    margin = sure - bound if least else bound - sure
    limit = "at least" if least else "at most"
    figures = (
        f"{word} is {found.value:.4f} on {holdout.extent}, with 95 % confidence {limit} {sure:.4f}; "
        f"demanded is {limit} {bound:g}."
    )
    within = found.value >= bound if least else found.value <= bound
    passed = margin >= 0
    words = "Good enough" if passed else "Insufficient evidence that it is good enough" if within else "Not good enough"
    return GateResult(
        name=name,
        passed=passed,
        value=found.value,
        bound=bound,
        sentence=f"{words}: {figures}",
        judged=sure,
        margin=margin,
    )


def _demand(threshold: Threshold) -> tuple[str, float, bool]:
    """The gate's name, its bound, and whether it bounds from below."""
    if threshold.min_skill is not None:
        return f"{threshold.metric}_skill", threshold.min_skill, True
    if threshold.min is not None:
        return f"{threshold.metric}_min", threshold.min, True
    return f"{threshold.metric}_max", float(threshold.max or 0.0), False


def _upper(word: str) -> str:
    return word[0].upper() + word[1:]

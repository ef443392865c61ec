"""The rule for a first release: is the version surely better than no model? Pure.

Before there is a champion, what is served is nothing, or the same prediction for every row. So the first version is
held against the best constant prediction of its training rows, in the metric that every later version is compared in
(`release.against_champion.metric`), on the same holdout and with the same intervals. Skill, the share of the way from
the constant's figure to a perfect one's, moves with the season far less than the figure itself: a month with many
delays makes every Brier score worse, the constant's too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from include.contracts import GateResult
from include.evidence.baselines import constant_of
from include.evidence.metrics import metrics_of
from include.evidence.paired_difference import EvidenceError, Interval, metric_interval, skill_interval
from include.gates.inputs import WORDS, HoldoutScores, dependence, refused, score_fault

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from include.config.schema import ModelConfig

    Floats = NDArray[np.float64]

GATE = "against_constant"
NO_SKILL = 0.0


class Skill(NamedTuple):
    """How far a metric's figure is from a constant's to a perfect one: 0 no better, 1 perfect."""

    metric: str
    interval: Interval

    @property
    def sure(self) -> bool:
        """Whether it is above none with 95 % confidence; a prediction that is a constant itself never is."""
        return self.interval.low > NO_SKILL


def skill_of(config: ModelConfig, metric: str, holdout: HoldoutScores) -> Skill:
    """The challenger's skill in `metric`; raises EvidenceError where the rows, or the training rows, do not tell it."""
    fault = score_fault(holdout.challenger, holdout.challenger_fault, config.task)
    if fault or holdout.challenger is None:
        raise EvidenceError(f"the challenger {fault}")
    if metric == "f1_macro":
        return Skill(metric, _beyond_guessing(config, holdout, holdout.challenger))
    constant = constant_of(metric, holdout.baseline)
    if constant is None:
        raise EvidenceError("what a constant would predict, by the training rows, is not known")
    shared = dependence(config, holdout)
    return Skill(metric, skill_interval(metric, holdout.y, holdout.challenger, constant, **shared))


def _beyond_guessing(config: ModelConfig, holdout: HoldoutScores, scores: Floats) -> Interval:
    """Skill in the mean F1 of k classes over guessing them by their shares, which gets 1/k; a constant gets less.

    Whoever knows nothing and calls class c with chance q has there an F1 of 2pq / (p + q), p being its share: the mean
    over classes is largest, and 1/k, where q is p. Every other metric is served best by one constant.
    """
    found = metric_interval("f1_macro", holdout.y, scores, **dependence(config, holdout))
    guess = 1 / len(config.data.classes)
    value, low, high = ((one - guess) / (1 - guess) for one in (found.value, found.low, found.high))
    return Interval(value, low, high, found.confidence)


def constant_gate(config: ModelConfig, holdout: HoldoutScores) -> GateResult:
    """Hold the challenger's skill against none; there at every first release, whatever the model file bounds."""
    metric = config.release.against_champion.metric
    try:
        found = skill_of(config, metric, holdout)
    except EvidenceError as error:
        sentence = f"Whether it is better than no model cannot be judged on {holdout.extent}: {error}."
        return refused(GATE, NO_SKILL, sentence)
    value, low = found.interval.value, found.interval.low
    words = (
        "Better than no model"
        if found.sure
        else "Insufficient evidence that it is better than no model"
        if value > NO_SKILL
        else "Not better than no model"
    )
    short = "" if found.sure else f", {abs(low):.4f} short of any"
    sentence = (
        f"{words}: by {WORDS[metric]} on {holdout.extent}, its skill over a constant prediction is {value:.4f} "
        f"(0 is a constant's, 1 is perfect), with 95 % confidence at least {low:.4f}{short}; demanded is more than 0."
    )
    return GateResult(
        name=GATE,
        passed=found.sure,
        value=value,
        bound=NO_SKILL,
        sentence=sentence,
        judged=low,
        margin=low - NO_SKILL,
    )


def sure_skills(config: ModelConfig, holdout: HoldoutScores) -> list[Skill]:
    """The other metrics of the task in which the challenger is surely better than a constant."""
    judged, found = config.release.against_champion.metric, []
    for metric in metrics_of(config):
        try:
            skill = skill_of(config, metric, holdout) if metric != judged else None
        except EvidenceError:
            continue
        if skill is not None and skill.sure:
            found.append(skill)
    return found

"""The new version against the champion, and where little is demanded against the anchor too.

An honest holdout has little power: a model that is truly better by 0.01 ROC AUC is seen as better in a fifth of
nights. So the scheduled refresh must be better, and only a champion that is stale, by age or by what it does live, may
be replaced by one that is merely not worse. The anchor, the last version that won by being better, bounds what a row
of such replacements can lose.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from include.contracts import GateResult, PairedDifference, Rule
from include.evidence.metrics import greater_is_better
from include.evidence.paired_difference import EvidenceError, paired_difference
from include.gates.first_release import constant_gate
from include.gates.inputs import WORDS, Facts, HoldoutScores, dependence, refused, score_fault

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.config.schema import ModelConfig
    from include.evidence.paired_difference import Method

EXACT: dict[str, Method] = {"roc_auc": "delong", "accuracy": "mcnemar"}
"""Tests for independent rows that need no resampling."""
ROW_WISE: dict[str, str] = {"binary": "roc_auc", "multiclass": "accuracy"}
"""What is shown beside the judged figure where rows are clustered; there is no such test of a regression."""


@dataclass(frozen=True)
class Demand:
    """The rule that this version is judged by, the loss it tolerates, the error rate, and why this rule."""

    rule: Rule
    margin: float
    alpha: float
    why: str

    @property
    def bound(self) -> float:
        return -self.margin if self.margin else 0.0


@dataclass(frozen=True)
class Rival:
    """An earlier version that the new one is compared with, as `HoldoutScores` has it."""

    role: str
    version: int
    scores: NDArray[np.float64] | None
    fault: str
    lacks: tuple[str, ...]


def demand(config: ModelConfig, champion_version: int | None, facts: Facts) -> Demand:
    """Choose the rule from what was known before the holdout was looked at."""
    against, stale = config.release.against_champion, config.release.stale_champion
    alpha = alpha_of(config, facts)
    if champion_version is None:
        return Demand("first_release", 0.0, alpha, "there is no champion to compare with")
    if against.rule == "non_inferiority":
        return Demand("non_inferiority", against.margin, alpha, "the model file asks for non_inferiority")
    if stale is None:
        return Demand("superiority", 0.0, alpha, "")
    age = facts.champion_age_days
    if age is not None and age >= stale.after_days:
        why = f"version {champion_version} is {age} nights old, and stale after {stale.after_days}"
        return Demand("non_inferiority", stale.margin, alpha, why)
    fallen = _fallen(config, champion_version, facts)
    if fallen:
        return Demand("non_inferiority", stale.margin, alpha, fallen)
    return Demand("superiority", 0.0, alpha, "")


def alpha_of(config: ModelConfig, facts: Facts) -> float:
    """The error rate of one judgement: the model file's, or its share of the year's budget."""
    against = config.release.against_champion
    if against.alpha_per_year is not None:
        return against.alpha_per_year / max(1, facts.judgements_a_year)
    return float(against.alpha or 0.0)


def budget_gate(config: ModelConfig, facts: Facts) -> GateResult | None:
    """A year's budget is kept by making no more judgements than it was shared among (the union bound)."""
    budget = config.release.against_champion.alpha_per_year
    if budget is None:
        return None
    number, most = facts.earlier_judgements + 1, facts.judgements_a_year
    passed = number <= most
    words = "Within the year's budget" if passed else "The year's budget of error is spent"
    sentence = (
        f"{words}: this is judgement {number} in 365 days, of {most} that release.against_champion.alpha_per_year "
        f"{budget:g} is shared among, each at {alpha_of(config, facts):.2g}."
    )
    return GateResult(
        name="alpha_budget",
        passed=passed,
        value=float(number),
        bound=float(most),
        sentence=sentence,
        margin=float(most - number),
    )


def comparison_gates(
    config: ModelConfig, champion_version: int | None, holdout: HoldoutScores, facts: Facts
) -> tuple[list[GateResult], tuple[PairedDifference, ...], Demand]:
    """The gates against champion and anchor, the evidence, and the rule; the judged figure comes first.

    Where there is no champion, a constant prediction takes its place. Where rows are clustered, the row-wise figure is
    there to be seen, not to judge.
    """
    asked = demand(config, champion_version, facts)
    if champion_version is not None and config.release.shadow is not None:
        return _to_the_shadow(config, champion_version, holdout, facts, asked)
    if champion_version is None:
        return [constant_gate(config, holdout)], (), asked
    gate, evidence = _compare(
        config,
        holdout,
        asked,
        Rival("champion", champion_version, holdout.champion, holdout.champion_fault, holdout.champion_lacks),
    )
    gates = [gate]
    if asked.rule == "non_inferiority":
        against, more = _anchor(config, champion_version, holdout, facts, asked)
        gates.append(against)
        evidence = (*evidence, *more)
    budget = budget_gate(config, facts)
    return [*gates, *([budget] if budget else [])], evidence, asked


def _to_the_shadow(
    config: ModelConfig, champion_version: int, holdout: HoldoutScores, facts: Facts, asked: Demand
) -> tuple[list[GateResult], tuple[PairedDifference, ...], Demand]:
    """The gates of a version that is to show over nights that it is better: both must be able to score at all.

    Where not being worse suffices, the anchor is asked for on the holdout all the same: the shadow does not score it.
    """
    gates = [_may_be_tried(config, champion_version, holdout)]
    evidence: tuple[PairedDifference, ...] = ()
    if asked.rule == "non_inferiority":
        against, evidence = _anchor(config, champion_version, holdout, facts, asked)
        gates.append(against)
    budget = budget_gate(config, facts)
    return [*gates, *([budget] if budget else [])], evidence, asked


def _may_be_tried(config: ModelConfig, champion_version: int, holdout: HoldoutScores) -> GateResult:
    name = "against_champion"
    if fault := score_fault(holdout.challenger, holdout.challenger_fault, config.task):
        return refused(name, None, f"No trial in the shadow is possible: the challenger {fault}.")
    if fault := score_fault(holdout.champion, holdout.champion_fault, config.task):
        sentence = f"No trial beside the champion (version {champion_version}) is possible: it {fault}."
        return refused(name, None, sentence)
    nights = config.release.shadow.max_nights if config.release.shadow else 0
    sentence = (
        f"Not compared on the holdout: it goes on trial against version {champion_version}, night by night on the same "
        f"rows, for at most {nights} nights (release.evidence: shadow)."
    )
    return GateResult(name=name, passed=True, value=None, bound=None, sentence=sentence)


def _anchor(
    config: ModelConfig, champion_version: int, holdout: HoldoutScores, facts: Facts, asked: Demand
) -> tuple[GateResult, tuple[PairedDifference, ...]]:
    anchor = facts.anchor_version
    if anchor is None:
        return refused("against_anchor", asked.bound, "The ledger names no anchor to compare with."), ()
    if anchor == champion_version:
        sentence = f"The anchor is the champion itself: version {anchor} was released by being better, or as the first."
        return GateResult(name="against_anchor", passed=True, value=None, bound=asked.bound, sentence=sentence), ()
    rival = Rival("anchor", anchor, holdout.anchor, holdout.anchor_fault, holdout.anchor_lacks)
    gate, evidence = _compare(config, holdout, asked, rival)
    return gate, evidence[:1]


def _compare(
    config: ModelConfig, holdout: HoldoutScores, asked: Demand, rival: Rival
) -> tuple[GateResult, tuple[PairedDifference, ...]]:
    name, version = f"against_{rival.role}", rival.version
    fault = score_fault(holdout.challenger, holdout.challenger_fault, config.task)
    if fault:
        return refused(name, asked.bound, f"No comparison is possible: the challenger {fault}."), ()
    fault = score_fault(rival.scores, rival.fault, config.task)
    if fault:
        sentence = (
            f"No comparison with the {rival.role} (version {version}) is possible: it {fault}. "
            f"Next: ./nightshift repair {config.name}; where it finds nothing, "
            f"./nightshift rollback {config.name} --reason WHY"
        )
        return refused(name, asked.bound, sentence), ()
    try:
        evidence = _evidence(config, holdout, asked, rival.scores)
    except EvidenceError as error:
        sentence = f"No comparison with version {version} is possible on {holdout.extent}: {error}."
        return refused(name, asked.bound, sentence), ()
    return _verdict(name, asked, rival, evidence[0], holdout.extent), evidence


def _evidence(config: ModelConfig, holdout: HoldoutScores, asked: Demand, theirs: Any) -> tuple[PairedDifference, ...]:
    metric = config.release.against_champion.metric
    compare = partial(
        paired_difference,
        y=holdout.y,
        challenger=np.asarray(holdout.challenger),
        champion=theirs,
        alpha=asked.alpha,
        margin=asked.margin,
    )
    shared = dependence(config, holdout)
    if shared["clusters"] is None:
        return (compare(metric, **shared, method=EXACT.get(metric, "bootstrap")),)
    shown = ROW_WISE.get(config.task)
    return compare(metric, **shared), *([compare(shown, method=EXACT[shown])] if shown else [])


def _verdict(name: str, asked: Demand, rival: Rival, found: PairedDifference, extent: str) -> GateResult:
    version = rival.version
    passed = found.low > asked.bound
    claim = f"better than version {version}"
    if asked.margin:
        claim = f"not worse than version {version} by more than {asked.margin:g}"
    if passed:
        words = claim.capitalize()
    elif found.standard_error == 0 and found.difference == 0:
        words = f"Nothing gained: the same {WORDS[found.metric]} as version {version} in every resample"
    elif found.high < asked.bound:
        words = f"Worse than version {version}" + (f" by more than {asked.margin:g}" if asked.margin else "")
    else:
        words = f"Insufficient evidence that it is {claim}"
    sentence = (
        f"{words}: {WORDS[found.metric]} {found.challenger:.4f} against {found.champion:.4f} on the same {extent}; "
        f"difference {found.difference:+.4f} (above 0 is better), {found.confidence:.0%} interval {found.low:+.4f} to "
        f"{found.high:+.4f}, whose lower end must be above {asked.bound:g}. "
        f"A lead of {found.smallest_detectable:.4f} over {asked.bound:g} would be seen four times in five."
    )
    if asked.why:
        sentence += f" Judged by {asked.rule}: {asked.why}."
    if rival.lacks:
        columns = ", ".join(repr(name) for name in rival.lacks)
        sentence += f" Version {version} was trained with {columns}, which none of these rows has, and misses it here."
    return GateResult(
        name=name,
        passed=passed,
        value=found.difference,
        bound=asked.bound,
        sentence=sentence,
        judged=found.low,
        margin=found.low - asked.bound,
    )


def _fallen(config: ModelConfig, version: int, facts: Facts) -> str:
    """How far the champion's live metric has surely fallen, where that is more than is allowed; otherwise empty."""
    stale, live, metric = config.release.stale_champion, facts.live, config.release.against_champion.metric
    if stale is None or stale.live_loss is None or live is None:
        return ""
    sign = 1.0 if greater_is_better(metric) else -1.0
    best = live.since.high if sign > 0 else live.since.low
    if sign * (live.released - best) <= stale.live_loss:
        return ""
    return (
        f"the live {WORDS[metric]} of version {version} is {live.since.value:.4f} on {live.rows:,} rows of "
        f"{live.first} to {live.last}, with 95 % confidence no better than {best:.4f}, and was {live.released:.4f} at "
        "its release"
    )

"""Whether a version may be served: pure decisions on scores that are already there. What cannot be judged is refused.

Every gate gives a sentence for the person who reads it at night, and "worse" is never said where "too little evidence"
is meant. A first release is a rule of its own: no champion to compare with, every other gate must hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from include.contracts import GateDecision, GateResult, PairedDifference
from include.release.evidence import EvidenceError, metric_interval, paired_difference

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.config.schema import AgainstChampion, ModelConfig, Threshold

    Floats = NDArray[np.float64]

PARITY_TOLERANCE = 1e-6
"""Largest difference between a stored probability and its replay: rounding passes, another model does not."""
WORDS = {
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "log_loss": "log loss",
    "brier_score": "Brier score",
    "accuracy": "accuracy",
    "f1": "F1",
}


@dataclass(frozen=True)
class HoldoutScores:
    """The untouched rows as both models scored them: labels, days and probabilities of class 1, each (n,).

    A model that could not score the rows has None and a fault that says why.
    """

    y: Floats
    days: NDArray[np.datetime64]
    challenger: Floats | None
    champion: Floats | None = None
    challenger_fault: str = ""
    champion_fault: str = ""

    @property
    def extent(self) -> str:
        """How much there is, in words."""
        days = len(np.unique(self.days))
        return f"{len(self.y):,} rows of {days} day{'' if days == 1 else 's'}"


@dataclass(frozen=True)
class Replay:
    """Golden rows: probabilities recorded where the model was fitted, and again by the registry's copy, each (m,)."""

    recorded: Floats
    replayed: Floats | None
    fault: str = ""


def decide(
    config: ModelConfig, version: int, champion_version: int | None, holdout: HoldoutScores, replay: Replay
) -> GateDecision:
    """Judge `version` by every gate of `config.release`; promote only if all of them passed."""
    gates = [_enough_rows(config, holdout), _both_classes(holdout), parity_gate(version, replay)]
    gates += [_threshold(config, threshold, holdout) for threshold in config.release.thresholds]
    against, evidence = _against_champion(config, champion_version, holdout)
    gates.append(against)
    reasons = tuple(gate.sentence for gate in gates if not gate.passed)
    return GateDecision(
        model=config.name,
        version=version,
        champion_version=champion_version,
        verdict="refuse" if reasons else "promote",
        first_release=champion_version is None,
        gates=tuple(gates),
        evidence=evidence,
        reasons=reasons,
    )


def refuse(model: str, version: int, champion_version: int | None, name: str, sentence: str) -> GateDecision:
    """A refusal for one named reason that leaves nothing else to judge."""
    gate = GateResult(name=name, passed=False, value=None, bound=None, sentence=sentence)
    return GateDecision(
        model=model,
        version=version,
        champion_version=champion_version,
        verdict="refuse",
        first_release=False,
        gates=(gate,),
        reasons=(sentence,),
    )


def parity_gate(version: int, replay: Replay) -> GateResult:
    """The registry's copy must give the probabilities that the model gave where it was fitted."""
    bound = PARITY_TOLERANCE
    if replay.replayed is None:
        return _refused("parity", bound, f"Version {version} cannot be replayed from the registry: {replay.fault}.")
    recorded, replayed = replay.recorded, replay.replayed
    if len(recorded) == 0 or recorded.shape != replayed.shape:
        counts = f"{len(recorded)} recorded, {len(replayed)} replayed"
        return _refused("parity", bound, f"Version {version} has no golden rows to compare ({counts}).")
    largest = float(np.max(np.abs(recorded - replayed)))
    if not np.isfinite(largest):
        return _refused("parity", bound, f"Version {version} gives a missing probability on a golden row.")
    passed = largest <= bound
    words = "gives the probabilities of training" if passed else "is not the model that was trained: it differs"
    sentence = (
        f"The registry's copy of version {version} {words} on {len(recorded)} golden rows "
        f"(largest difference {largest:.2g}, allowed {bound:.0e})."
    )
    return GateResult(name="parity", passed=passed, value=largest, bound=bound, sentence=sentence)


def _enough_rows(config: ModelConfig, holdout: HoldoutScores) -> GateResult:
    rows, bound = len(holdout.y), config.release.min_holdout_rows
    passed = rows >= bound
    words = "Enough rows to judge on" if passed else "Too few rows to judge on"
    sentence = f"{words}: {holdout.extent}, at least {bound:,} rows demanded."
    return GateResult(name="holdout_rows", passed=passed, value=float(rows), bound=float(bound), sentence=sentence)


def _both_classes(holdout: HoldoutScores) -> GateResult:
    fewer = int(min((holdout.y == 1).sum(), (holdout.y == 0).sum()))
    odd = int((~np.isin(holdout.y, (0.0, 1.0))).sum())
    if odd:
        sentence = f"{odd:,} of the {holdout.extent} have a label that is missing or neither 0 nor 1."
    elif len(holdout.y) == 0:
        sentence = "The holdout has no labelled rows, so no model can be judged on it."
    elif fewer == 0:
        sentence = f"The {holdout.extent} have one class only, so no model can be judged on them."
    else:
        sentence = f"Both classes are there: the rarer one has {fewer:,} of {holdout.extent}."
    passed = not odd and fewer > 0
    return GateResult(name="holdout_labels", passed=passed, value=float(fewer), bound=1.0, sentence=sentence)


def _threshold(config: ModelConfig, threshold: Threshold, holdout: HoldoutScores) -> GateResult:
    """The bound must hold for the metric's 95 % one-sided confidence bound, not just for its estimate."""
    side, least = ("max", False) if threshold.min is None else ("min", True)
    bound = float(threshold.min if threshold.min is not None else threshold.max or 0.0)
    name, word = f"{threshold.metric}_{side}", WORDS[threshold.metric]
    against = config.release.against_champion
    fault = _fault(holdout.challenger, holdout.challenger_fault)
    if fault or holdout.challenger is None:
        return _refused(name, bound, f"{word} cannot be judged: the challenger {fault}.")
    clusters = holdout.days if against.rows == "clustered_by_day" else None
    try:
        found = metric_interval(
            threshold.metric,
            holdout.y,
            holdout.challenger,
            clusters=clusters,
            resamples=against.resamples,
            seed=config.training.seed,
        )
    except EvidenceError as error:
        return _refused(name, bound, f"{word} cannot be judged on {holdout.extent}: {error}.")
    sure = found.low if least else found.high
    passed = sure >= bound if least else sure <= bound
    limit = "at least" if least else "at most"
    figures = (
        f"{word} is {found.value:.4f} on {holdout.extent}, with 95 % confidence {limit} {sure:.4f}; "
        f"demanded is {limit} {bound:g}."
    )
    within = found.value >= bound if least else found.value <= bound
    words = "Good enough" if passed else "Insufficient evidence that it is good enough" if within else "Not good enough"
    return GateResult(name=name, passed=passed, value=found.value, bound=bound, sentence=f"{words}: {figures}")


def _against_champion(
    config: ModelConfig, champion_version: int | None, holdout: HoldoutScores
) -> tuple[GateResult, tuple[PairedDifference, ...]]:
    """The comparison and its evidence; where rows are clustered, DeLong's figure is there to be seen, not to judge."""
    rule = config.release.against_champion
    if champion_version is None:
        sentence = "First release: there is no champion to compare with, so the other gates alone decide."
        return GateResult(name="against_champion", passed=True, value=None, bound=None, sentence=sentence), ()
    bound = -rule.margin if rule.margin else 0.0
    ours, theirs = holdout.challenger, holdout.champion
    fault = _fault(ours, holdout.challenger_fault)
    if fault or ours is None:
        return _refused("against_champion", bound, f"No comparison is possible: the challenger {fault}."), ()
    fault = _fault(theirs, holdout.champion_fault)
    if fault or theirs is None:
        sentence = (
            f"No comparison with the champion (version {champion_version}) is possible: it {fault}. "
            f"Next: ./nightshift rollback {config.name} --to <version> --reason <why>"
        )
        return _refused("against_champion", bound, sentence), ()
    clustered = rule.rows == "clustered_by_day"
    compare = partial(
        paired_difference,
        y=holdout.y,
        challenger=ours,
        champion=theirs,
        alpha=rule.alpha,
        margin=rule.margin,
        resamples=rule.resamples,
        seed=config.training.seed,
    )
    try:
        if clustered:
            judged = compare(rule.metric, clusters=holdout.days)
            evidence: tuple[PairedDifference, ...] = (judged, compare("roc_auc", method="delong"))
        else:
            judged = compare(rule.metric, method="delong" if rule.metric == "roc_auc" else "bootstrap")
            evidence = (judged,)
    except EvidenceError as error:
        sentence = f"No comparison with version {champion_version} is possible on {holdout.extent}: {error}."
        return _refused("against_champion", bound, sentence), ()
    return _comparison(rule, champion_version, judged, holdout.extent), evidence


def _comparison(rule: AgainstChampion, champion: int, found: PairedDifference, extent: str) -> GateResult:
    bound = -rule.margin if rule.margin else 0.0
    passed = found.low > bound
    claim = f"better than version {champion}"
    if rule.margin:
        claim = f"not worse than version {champion} by more than {rule.margin:g}"
    if passed:
        words = claim.capitalize()
    elif found.standard_error == 0 and found.difference == 0:
        words = f"Nothing gained: the same {WORDS[rule.metric]} as version {champion} in every resample"
    elif found.high < bound:
        words = f"Worse than version {champion}" + (f" by more than {rule.margin:g}" if rule.margin else "")
    else:
        words = f"Insufficient evidence that it is {claim}"
    sentence = (
        f"{words}: {WORDS[rule.metric]} {found.challenger:.4f} against {found.champion:.4f} on the same {extent}; "
        f"difference {found.difference:+.4f} (above 0 is better), {found.confidence:.0%} interval {found.low:+.4f} to "
        f"{found.high:+.4f}, whose lower end must be above {bound:g}. "
        f"A lead of {found.smallest_detectable:.4f} over {bound:g} would be seen four times in five."
    )
    return GateResult(name="against_champion", passed=passed, value=found.difference, bound=bound, sentence=sentence)


def _fault(scores: Floats | None, fault: str) -> str:
    """What is wrong with a model's scores, as the rest of a sentence; empty when nothing is."""
    if scores is None:
        return f"could not score the rows ({fault or 'no scores'})"
    odd = int((~((scores >= 0) & (scores <= 1))).sum())
    return f"gave no probability between 0 and 1 for {odd:,} of {len(scores):,} rows" if odd else ""


def _refused(name: str, bound: float, sentence: str) -> GateResult:
    return GateResult(name=name, passed=False, value=None, bound=bound, sentence=sentence)

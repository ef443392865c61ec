"""Whether a version may be served: pure decisions on scores that are already there. What cannot be judged is refused.

Every gate gives a sentence for the person who reads it at night, and "worse" is never said where "too little evidence"
is meant. A first release is a rule of its own: it must be surely better than no model, and every other gate must hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from include.contracts import GateDecision, GateResult
from include.gates.against_champion import comparison_gates
from include.gates.inputs import WORDS, Facts, HoldoutScores, Replay, refused
from include.gates.next_steps import next_step
from include.gates.slices import slice_gates
from include.gates.suspicion import warnings
from include.gates.thresholds import cost_gates, threshold_gates

if TYPE_CHECKING:
    from include.config.schema import ModelConfig
    from include.config.section import Task

__all__ = ["WORDS", "Facts", "HoldoutScores", "Replay", "decide", "parity_gate", "questions", "refuse"]

PARITY_TOLERANCE = 1e-6
"""Largest difference between a stored probability and its replay: rounding passes, another model does not."""
NOTHING_KNOWN = Facts()


def decide(
    config: ModelConfig,
    version: int,
    champion_version: int | None,
    holdout: HoldoutScores,
    replay: Replay,
    facts: Facts = NOTHING_KNOWN,
) -> GateDecision:
    """Judge `version` by every gate of `config.release`; promote only if all of them passed."""
    compared, evidence, asked = comparison_gates(config, champion_version, holdout, facts)
    sliced, slices = slice_gates(config, holdout)
    gates = [
        _enough_rows(config, holdout),
        _labels(config, holdout),
        _holdout_uses(config, facts),
        *_not_taken_back(facts),
        parity_gate(version, replay, config.task),
        *threshold_gates(config, holdout),
        *cost_gates(config, facts),
        *compared,
        *sliced,
    ]
    reasons = tuple(gate.sentence for gate in gates if not gate.passed)
    tried = not reasons and champion_version is not None and config.release.shadow is not None
    if tried:
        reasons = tuple(gate.sentence for gate in compared[:1])
    return GateDecision(
        model=config.name,
        version=version,
        champion_version=champion_version,
        verdict="trial" if tried else "refuse" if reasons else "promote",
        first_release=champion_version is None,
        gates=tuple(gates),
        evidence=evidence,
        reasons=reasons,
        rule=asked.rule,
        alpha=None if champion_version is None else asked.alpha,
        anchor_version=facts.anchor_version if asked.rule == "non_inferiority" else None,
        slices=slices,
        ask_person=() if reasons else questions(config, champion_version, gates),
        warnings=warnings(config, holdout),
        next_step=next_step(config, gates, holdout) if champion_version is None else "",
    )


def questions(config: ModelConfig, champion_version: int | None, gates: Iterable[GateResult]) -> tuple[str, ...]:
    """Why a person must agree before this version is served; empty where nobody has to."""
    wanted = config.release.approval
    asked = [gate.sentence for gate in gates if gate.ask_person]
    if wanted == "always":
        asked.insert(0, "The model file asks for approval of every release (release.approval: always).")
    elif wanted == "first_release" and champion_version is None:
        asked.insert(0, "The model file asks for approval of the first release (release.approval: first_release).")
    return tuple(asked)


def _holdout_uses(config: ModelConfig, facts: Facts) -> GateResult:
    """Whoever tries often enough on the same rows finds luck."""
    number, most = facts.earlier_uses + 1, config.release.max_holdout_uses
    passed = number <= most
    words = "This holdout may judge" if passed else "This holdout has judged enough versions: trying again finds luck"
    sentence = f"{words} (use {number} of {most}, release.max_holdout_uses)."
    if facts.same_answer is not None:
        sentence += f" Version {facts.same_answer} gave these very scores: the same look again, and no further use."
    if not passed:
        sentence += (
            " Next: wait until the table's rows change: the same rows are the same holdout, whatever the night."
            if config.data.snapshot
            else f" Next: wait for new days, or ./nightshift train {config.name} --as-of NIGHT with another night."
        )
    return GateResult(
        name="holdout_uses",
        passed=passed,
        value=float(number),
        bound=float(most),
        sentence=sentence,
        margin=float(most - number),
    )


def _not_taken_back(facts: Facts) -> list[GateResult]:
    return [refused("not_taken_back", None, facts.taken_back)] if facts.taken_back else []


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


def parity_gate(version: int, replay: Replay, task: Task = "binary") -> GateResult:
    """The registry's copy must give the scores that the model gave where it was fitted.

    Probabilities are compared as they are, values by the largest of them: rounding grows with what is rounded.
    """
    bound, said = PARITY_TOLERANCE, "value" if task == "regression" else "probability"
    several = "values" if task == "regression" else "probabilities"
    if replay.replayed is None:
        return refused("parity", bound, f"Version {version} cannot be replayed from the registry: {replay.fault}.")
    recorded, replayed = replay.recorded, replay.replayed
    if len(recorded) == 0 or recorded.shape != replayed.shape:
        counts = f"{len(recorded)} recorded, {len(replayed)} replayed"
        return refused("parity", bound, f"Version {version} has no golden rows to compare ({counts}).")
    unit = float(np.abs(recorded).max()) or 1.0 if task == "regression" else 1.0
    largest = float(np.max(np.abs(recorded - replayed))) / unit
    if not np.isfinite(largest):
        return refused("parity", bound, f"Version {version} gives a missing {said} on a golden row.")
    passed = largest <= bound
    words = f"gives the {several} of training" if passed else "is not the model that was trained: it differs"
    sentence = (
        f"The registry's copy of version {version} {words} on {len(recorded)} golden rows "
        f"(largest difference {largest:.2g}{' of the largest value' if task == 'regression' else ''}, "
        f"allowed {bound:.0e})."
    )
    return GateResult(
        name="parity", passed=passed, value=largest, bound=bound, sentence=sentence, margin=bound - largest
    )


def _enough_rows(config: ModelConfig, holdout: HoldoutScores) -> GateResult:
    rows, bound = len(holdout.y), config.release.min_holdout_rows
    passed = rows >= bound
    words = "Enough rows to judge on" if passed else "Too few rows to judge on"
    sentence = f"{words}: {holdout.extent}, at least {bound:,} rows demanded."
    return GateResult(
        name="holdout_rows",
        passed=passed,
        value=float(rows),
        bound=float(bound),
        sentence=sentence,
        margin=float(rows - bound),
    )


def _labels(config: ModelConfig, holdout: HoldoutScores) -> GateResult:
    """There must be something to tell apart: two classes, or two values."""
    if config.task == "regression":
        return _values(holdout)
    codes = np.arange(len(config.data.classes) if config.task == "multiclass" else 2)
    counts = np.array([(holdout.y == code).sum() for code in codes])
    there = int((counts > 0).sum())
    fewer = int(counts[counts > 0].min()) if there > 1 else 0
    odd = int((~np.isin(holdout.y, codes)).sum())
    if odd:
        known = "neither 0 nor 1" if config.task == "binary" else f"none of the {len(codes)} classes"
        sentence = f"{odd:,} of the {holdout.extent} have a label that is missing or {known}."
    elif len(holdout.y) == 0:
        sentence = "The holdout has no labelled rows, so no model can be judged on it."
    elif fewer == 0:
        sentence = f"The {holdout.extent} have one class only, so no model can be judged on them."
    elif config.task == "binary":
        sentence = f"Both classes are there: the rarer one has {fewer:,} of {holdout.extent}."
    else:
        all_of = "All" if there == len(codes) else f"{there} of the"
        sentence = f"{all_of} {len(codes)} classes are there: the rarest of them has {fewer:,} of {holdout.extent}."
    passed = not odd and fewer > 0
    return GateResult(name="holdout_labels", passed=passed, value=float(fewer), bound=1.0, sentence=sentence)


def _values(holdout: HoldoutScores) -> GateResult:
    odd, different = int((~np.isfinite(holdout.y)).sum()), len(np.unique(holdout.y))
    if odd:
        sentence = f"{odd:,} of the {holdout.extent} have a label that is missing or no number."
    elif len(holdout.y) == 0:
        sentence = "The holdout has no labelled rows, so no model can be judged on it."
    elif different == 1:
        sentence = f"The {holdout.extent} have one value only, so no model can be judged on them."
    else:
        low, high = holdout.y.min(), holdout.y.max()
        sentence = f"There is something to predict: {different:,} values from {low:g} to {high:g} in {holdout.extent}."
    return GateResult(
        name="holdout_labels", passed=not odd and different > 1, value=float(different), bound=2.0, sentence=sentence
    )

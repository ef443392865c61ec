"""What the nights of a trial say, as a gate, as evidence and in a sentence; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from include.contracts import GateResult, PairedDifference
from include.evidence.confidence_sequence import lasting
from include.gates.inputs import WORDS, refused
from include.release.report import SHADOW

if TYPE_CHECKING:
    from include.evidence.confidence_sequence import Plan, Sequence
    from include.release.shadow import Seen
    from include.release.trials import Trial

METHOD = "confidence sequence"
MAX_UNSCORED = 0.01
"""Share of the champion's labelled rows that a challenger may leave unscored: it must not choose its rows."""
FEWEST = 2
"""Nights that it takes to see how nights differ."""


def shadow_gate(metric: str, trial: Trial, seen: Seen, found: Sequence, plan: Plan) -> GateResult:
    """The gate of the nights so far; it holds while they may still come to a promotion."""
    if seen.fault:
        return refused(SHADOW, plan.least, f"The nights of the trial cannot be compared: {seen.fault}.")
    call = found.call
    if call == "goes_on" and seen.elapsed >= plan.max_nights:
        call = "spent"
    figures = _figures(metric, trial, seen, found, plan)
    claim = f"better than version {trial.champion}"
    if plan.least:
        claim = f"not worse than version {trial.champion} by more than {-plan.least:g}"
    openings = {
        "goes_on": f"On trial since {trial.since}, {seen.elapsed} of {plan.max_nights} nights: not yet surely {claim}",
        "promote": claim[0].upper() + claim[1:],
        "worse": f"Worse than version {trial.champion}" + (f" by more than {-plan.least:g}" if plan.least else ""),
        "futile": f"No lead over version {trial.champion} that is worth a release ({plan.worth:g} or more)",
        "spent": f"The trial's {plan.max_nights} nights are over, and it is not surely {claim}",
    }
    passed = call in ("goes_on", "promote")
    sentence = f"{openings[call]}: {figures}."
    if not seen.nights:
        return GateResult(name=SHADOW, passed=passed, value=None, bound=plan.least, sentence=sentence)
    low = float(found.low[-1])
    return GateResult(
        name=SHADOW,
        passed=passed,
        value=float(found.means[-1]),
        bound=plan.least,
        sentence=sentence,
        judged=low,
        margin=low - plan.least,
    )


def unscored_gate(trial: Trial, seen: Seen) -> list[GateResult]:
    """A refusal where the challenger left rows out that the champion scored; nothing otherwise."""
    rows = seen.rows + seen.unscored
    if not rows or seen.unscored <= MAX_UNSCORED * rows:
        return []
    sentence = (
        f"Version {trial.version} could not score {seen.unscored:,} of {rows:,} rows that version {trial.champion} "
        f"scored; at most {MAX_UNSCORED:.0%} may be left out of a comparison."
    )
    return [
        GateResult(name="shadow_rows", passed=False, value=seen.unscored / rows, bound=MAX_UNSCORED, sentence=sentence)
    ]


def lasting_gate(seen: Seen, plan: Plan) -> GateResult:
    """Whether one night's difference goes on into the next: then a person has to tell a lead from a season.

    It bars nobody, for a lead that changes slowly may be a lead; but it is where the sequence can be wrong.
    """
    found, bound = lasting(np.clip(seen.differences, -plan.bound, plan.bound))
    doubtful = found > bound
    words = (
        "go on into the next, so that this may be a season and no lead" if doubtful else "do not go on into the next"
    )
    return GateResult(
        name="shadow_nights",
        passed=True,
        value=found,
        bound=bound,
        sentence=f"One night's differences {words} (correlation {found:+.2f}, by chance up to {bound:.2f}).",
        margin=bound - found,
        ask_person=doubtful,
    )


def evidence_of(metric: str, seen: Seen, found: Sequence, plan: Plan) -> tuple[PairedDifference, ...]:
    """The nights as evidence; none below two nights, which say nothing about how nights differ.

    Models' figures are means over nights, the difference that of the nights as they count, bounded.
    """
    if len(seen.nights) < FEWEST:
        return ()
    bounded = np.clip(seen.differences, -plan.bound, plan.bound)
    return (
        PairedDifference(
            metric=metric,
            method=METHOD,
            rows=sum(night.rows for night in seen.nights),
            clusters=len(seen.nights),
            challenger=float(np.mean([night.challenger for night in seen.nights])),
            champion=float(np.mean([night.champion for night in seen.nights])),
            difference=float(found.means[-1]),
            standard_error=float(bounded.std(ddof=1) / np.sqrt(len(bounded))),
            low=float(found.low[-1]),
            high=float(found.high[-1]),
            confidence=1 - plan.alpha - plan.futility_alpha,
            p_value=found.p_value,
            smallest_detectable=found.smallest_detectable,
        ),
    )


def _figures(metric: str, trial: Trial, seen: Seen, found: Sequence, plan: Plan) -> str:
    waiting = f"; {seen.waiting:,} rows of the last days wait for more" if seen.waiting else ""
    if not seen.nights:
        return f"no night's labels have come in yet that both models scored{waiting}"
    rows = sum(night.rows for night in seen.nights)
    beyond = int((np.abs(seen.differences) > plan.bound).sum())
    counted = f"; differences on {beyond} of them count with {plan.bound:g}, the most that one may" if beyond else ""
    return (
        f"on {len(seen.nights)} nights of {rows:,} rows, {seen.nights[0].first} to {seen.nights[-1].last}, "
        f"{WORDS.get(metric, metric)} differs by {found.means[-1]:+.4f} a night (above 0 is better{counted}); "
        f"looked at every night, it is at least {found.low[-1]:+.4f} with {100 - 100 * plan.alpha:.4g} % confidence "
        f"and at most {found.high[-1]:+.4f} with {100 - 100 * plan.futility_alpha:.4g} %{waiting}"
    )

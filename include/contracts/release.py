"""Evidence, verdict, answer, and the ledger's lines."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

from include.contracts.base import Contract


class PairedDifference(Contract):
    """Challenger minus champion on the same rows, its sign made so that higher is better.

    `low` and `high` bound the two-sided interval at `confidence`; `p_value` is one-sided, for "not better than
    -margin"; `smallest_detectable` is the difference this evidence would have seen with 80 % power.
    """

    metric: str
    method: str
    rows: int
    clusters: int | None
    challenger: float
    champion: float
    difference: float
    standard_error: float
    low: float
    high: float
    confidence: float
    p_value: float
    smallest_detectable: float


Rule = Literal["first_release", "superiority", "non_inferiority"]
"""By which rule a version is judged against what is served."""


class GateResult(Contract):
    """One gate: what it measured, what it demanded, whether it held, and a sentence for a person.

    `value` is the estimate, `judged` the confidence limit that was held against `bound` (None: the value itself was),
    and `margin` how far inside the bound that is: negative where the gate did not hold. `ask_person` says that the
    gate holds as far as it can be judged, and that a person has to look at the rest.
    """

    name: str
    passed: bool
    value: float | None
    bound: float | None
    sentence: str
    judged: float | None = None
    margin: float | None = None
    ask_person: bool = False


class SliceResult(Contract):
    """How one value of a column is served beside the other rows; `gap` is above 0 where it is served worse.

    `high` is the gap's upper confidence limit, None where there were too few rows to judge; `why_not` then says so.
    """

    column: str
    value: str
    metric: str
    rows: int
    inside: float | None
    outside: float | None
    gap: float | None
    high: float | None
    bound: float
    protected: bool
    why_not: str = ""

    @property
    def served(self) -> Literal["alike", "worse", "not sure", "not judged"]:
        """In a word; worse only where the gap's lower confidence limit is beyond the bound too."""
        if self.high is None or self.gap is None:
            return "not judged"
        if self.high <= self.bound:
            return "alike"
        return "worse" if 2 * self.gap - self.high > self.bound else "not sure"


class LogLine(NamedTuple):
    """A line for a log; one that `refuses` says what speaks against a version."""

    text: str
    refuses: bool = False


class GateDecision(Contract):
    """The verdict on one version. `promote` only if every gate passed; otherwise `reasons` says what did not.

    `trial`: it goes, or stays, on trial in the shadow of the champion, and `reasons` says since when.

    `alpha` is the error rate that the comparison was made at. `ask_person` holds the reasons for which a person must
    agree before the version is served; empty: none has to. `warnings` are what should be looked at though every gate
    may have passed, and `next_step` what ends a refusal of the first release.
    """

    model: str
    version: int
    champion_version: int | None
    verdict: Literal["promote", "refuse", "trial"]
    first_release: bool
    gates: tuple[GateResult, ...]
    evidence: tuple[PairedDifference, ...] = ()
    reasons: tuple[str, ...] = ()
    report_uri: str | None = None
    rule: Rule = "superiority"
    alpha: float | None = None
    anchor_version: int | None = None
    slices: tuple[SliceResult, ...] = ()
    ask_person: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    next_step: str = ""

    @property
    def held_back(self) -> str:
        """Why this version is not to be served now; empty where it may be."""
        if self.verdict == "promote":
            return ""
        words = "is on trial" if self.verdict == "trial" else "was refused"
        return f"Version {self.version} {words}: " + " ".join(self.reasons)

    def summary(self) -> list[LogLine]:
        """Lines for a log: the verdict, what refused it, then the gates that held, each with its sentence."""
        against = f"champion version {self.champion_version}" if self.champion_version else "no champion yet"
        sentences = {gate.sentence for gate in self.gates}
        refusals = [f"REFUSED: {reason}" for reason in self.reasons if reason not in sentences]
        refusals += [f"REFUSED by {gate.name}: {gate.sentence}" for gate in self.gates if not gate.passed]
        others = [f"A PERSON IS ASKED: {reason}" for reason in self.ask_person]
        others += [f"LOOK AT THIS: {warning}" for warning in self.warnings]
        others += [f"NEXT: {self.next_step}"] if self.next_step else []
        others += [f"held: {gate.name}: {gate.sentence}" for gate in self.gates if gate.passed]
        return [
            LogLine(f"VERDICT: {self.verdict} version {self.version} of {self.model} ({against})"),
            *(LogLine(text, refuses=True) for text in refusals),
            *(LogLine(text) for text in others),
        ]


class Approval(Contract):
    """What became of the question whether a version may be served; `asked` is False where nobody had to be asked."""

    approved: bool
    asked: bool
    answered_by: str
    reason: str
    answered_at: datetime | None = None

    def summary(self) -> str:
        """A line for a log."""
        if not self.asked:
            return self.reason
        return f"{'approved' if self.approved else 'REJECTED'} by {self.answered_by}: {self.reason}"


class ReleaseEvent(Contract):
    """A line of the append-only ledger: who or what changed (or refused to change) the champion, and why.

    `rule` is the one that the version was judged by, empty for a rollback; `answered_by` the person who was asked.
    `trial` begins a trial in the shadow, which `promoted` or `refused` ends. An intention `aims_at` its outcome; a
    refusal is `interrupted` where a crash, and no judgement, kept the version from being served.
    """

    at: datetime
    model: str
    event: Literal["intended", "promoted", "refused", "rolled_back", "trial"]
    version: int
    champion_before: int | None
    champion_after: int | None
    actor: str
    reason: str
    airflow_run_id: str
    evidence: str = ""
    rule: Rule | Literal[""] = ""
    answered_by: str = ""
    aims_at: Literal["promoted", "rolled_back", ""] = ""
    interrupted: bool = False

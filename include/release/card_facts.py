"""What a model card says, as one frozen value, and how values are written so that they stay text."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from include.config.schema import ModelConfig
from include.contracts import Approval, CandidateResult, Contract, GateDecision, RegisteredVersion, RunContext
from include.gates.inputs import WORDS


class CardInterval(Contract):
    """A metric on the holdout rows and the bounds that hold with `confidence` (two-sided)."""

    value: float
    low: float
    high: float
    confidence: float


class Card(Contract):
    """Everything a card says. `metrics` and `tags` are those of the candidate's run, and of the night's beside them."""

    config: ModelConfig
    context: RunContext
    registered: RegisteredVersion
    candidates: tuple[CandidateResult, ...]
    reason: str
    metrics: dict[str, float]
    tags: dict[str, str]
    intervals: dict[str, CardInterval] = Field(default_factory=dict)
    decision: GateDecision | None = None
    approval: Approval | None = None


def word(metric: str) -> str:
    words: Mapping[str, str] = WORDS
    return words.get(metric, metric)


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

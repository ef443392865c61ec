"""The model card of a registered version: what it is for, what it was made of, how good it is, and what it cannot do.

MLflow shows it on the version's page, as its description; whole, it is the artefact `model_card.md` of the candidate's
run. It is first written when the version is registered, and again with the verdict and with a person's answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import ValidationError

from include.contracts import Approval, GateDecision, RegisteredVersion, RunContext
from include.errors import PermanentError
from include.release.card_facts import Card, CardInterval
from include.release.card_text import markdown
from include.tracking import registry, runs

if TYPE_CHECKING:
    from include.config.schema import ModelConfig
    from include.evidence.intervals import Interval

__all__ = ["Card", "answered", "judged", "markdown", "write"]

CARD_FILE = "model_card.md"
FACTS_FILE = "model_card.json"
"""What the card was made of, so that it can be written again with one fact more."""


def write(
    config: ModelConfig,
    context: RunContext,
    registered: RegisteredVersion,
    decision: GateDecision | None = None,
    intervals: Mapping[str, Interval] | None = None,
    approval: Approval | None = None,
) -> Card:
    """Write the version's card from its runs and what is given, and return what it was made of.

    Without a decision a card that holds one is left as it is, so that a registration which runs again takes no verdict
    from the page. Raises TransientError where MLflow does not answer.
    """
    if decision is None and (earlier := _earlier(registered)) is not None and earlier.decision is not None:
        return earlier
    metrics, tags = runs.run_metrics(registered.mlflow_run_id)
    night, night_tags = runs.run_metrics(context.mlflow_run_id)
    card = Card(
        config=config,
        context=context,
        registered=registered,
        candidates=tuple(runs.candidates_of(context, config)),
        reason=night_tags.get("selection", ""),
        metrics={**night, **metrics},
        tags=tags,
        intervals={name: CardInterval(**found._asdict()) for name, found in (intervals or {}).items()},
        decision=decision,
        approval=approval,
    )
    _store(card)
    return card


def answered(registered: RegisteredVersion, approval: Approval) -> Card | None:
    """Write the card again with what became of the question whether the version may be served.

    None, and nothing is written, where the version has no card of this code's making.
    """
    return _updated(registered, {"approval": approval})


def judged(registered: RegisteredVersion, decision: GateDecision) -> Card | None:
    """Write the card again with a later decision, such as that of a trial; None as for `answered`."""
    return _updated(registered, {"decision": decision})


def _updated(registered: RegisteredVersion, facts: dict[str, object]) -> Card | None:
    card = _earlier(registered)
    if card is None:
        return None
    card = card.model_copy(update=facts)
    _store(card)
    return card


def _store(card: Card) -> None:
    run_id = card.registered.mlflow_run_id
    runs.log_json(run_id, card.to_json(), FACTS_FILE)
    runs.log_text(run_id, markdown(card), CARD_FILE)
    text = markdown(card, limit=registry.MAX_DESCRIPTION)
    registry.describe(card.registered.model, card.registered.version, text)


def _earlier(registered: RegisteredVersion) -> Card | None:
    """What the version's card was made of, where there is one that this code can read."""
    try:
        card = Card.from_json(runs.load_json(registered.mlflow_run_id, FACTS_FILE))
    except (PermanentError, ValidationError):
        return None
    return card if card.registered == registered else None

"""What a version cannot do, or was not shown to do: derived from what is known of it, for its model card. Pure."""

from __future__ import annotations

from calendar import month_name
from collections.abc import Iterable

from include.contracts import DayRange
from include.evidence.metrics import CATALOGUE, metrics_of
from include.markdown import as_text
from include.release.card_facts import Card, word
from include.tracking import naming

YEAR = 365


def limits(card: Card, slices: int) -> list[str]:
    """What this version cannot do or was not shown to do, from what is known of it; each a line of Markdown.

    :param slices: how many of the slices that could not be judged are named, the largest first
    """
    return [*_limits_of_data(card), *_limits_of_evidence(card, slices)]


def _limits_of_data(card: Card) -> Iterable[str]:
    context, training = card.context, card.config.training
    train = context.windows.train
    if card.config.data.snapshot:
        yield (
            f"It has learned from the table as it was on {train.start}, and was judged on other rows of the same: "
            "what changes with time was not tested."
        )
    elif train.days < YEAR:
        months = dict.fromkeys(month_name[(train.start.month - 1 + step) % 12 + 1] for step in range(_months(train)))
        yield f"It has learned from rows of {_listed(list(months))} only."
    age, (_, validation_days, holdout_days) = (context.as_of - train.end).days, training.days
    if not card.config.data.snapshot:
        yield (
            f"Its newest training row is {age} days older than the night it was trained for: {validation_days} "
            f"to choose, {holdout_days} to judge, and labels known after {card.config.data.label_delay_days}."
        )
    if left_out := card.tags.get("features_left_out"):
        yield f"Ignored, for want of a single value in the training rows: {as_text(left_out)}."


def _limits_of_evidence(card: Card, slices: int) -> Iterable[str]:
    days, declared = card.metrics.get("days_in_holdout"), card.context.windows.holdout.days
    if days is not None and days < declared:
        yield f"{declared - int(days)} of the {declared} holdout days have no labelled rows."
    doubtful = [word(name) for name in metrics_of(card.config) if _may_be_chance(card, name)]
    if doubtful:
        yield f"A constant prediction does as well, or lies within the interval, by: {', '.join(doubtful)}."
    if card.decision is None:
        yield "Not judged yet: intervals, gates and slices are written by `evaluate_gates`."
        return
    for found in card.decision.evidence[:1]:
        if found.smallest_detectable > 0:
            yield (
                f"A difference to the champion below {found.smallest_detectable:.4f} in {word(found.metric)} would "
                "have been missed on these rows at least one time in five."
            )
    unjudged = sorted((one for one in card.decision.slices if one.why_not), key=lambda one: -one.rows)
    named = [f"{as_text(one.column)} = {as_text(one.value)} ({one.rows:,} rows)" for one in unjudged[:slices]]
    named += [f"{len(unjudged) - slices} smaller ones"] if len(unjudged) > slices else []
    if named:
        yield f"Too little to judge how these are served: {'; '.join(named)}."


def _may_be_chance(card: Card, name: str) -> bool:
    """Whether the interval, or without one the estimate, does not lie on the better side of the baseline."""
    baseline, found = card.metrics.get(naming.metric("baseline", name)), card.intervals.get(name)
    better = CATALOGUE[name].greater_is_better
    worst = (found.low if better else found.high) if found else card.metrics.get(naming.metric("holdout", name))
    if baseline is None or worst is None:
        return False
    return worst <= baseline if better else worst >= baseline


def _months(days: DayRange) -> int:
    return (days.end.year - days.start.year) * 12 + days.end.month - days.start.month + 1


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

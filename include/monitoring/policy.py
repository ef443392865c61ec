"""What a night leads to: nothing, an alert, or a request to retrain. Pure; `decisions` reads the facts and keeps it.

Harm is the live metric on matured labels. Movement alone wakes nobody: it must last, and by default it only explains.
What asks for retraining is held back where retraining would change nothing (too few new labels, a version of tonight)
or was asked for just now, and always where tonight's data is bad: a model trained on it would be worse.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

from include.config.next_commands import trigger
from include.contracts import Alarm, PolicyDecision

if TYPE_CHECKING:
    from include.config.schema import LastingDrift, MonitoringConfig, PolicyConfig, RetrainRequest

WEEK = 7
"""Nights that the weekly budget counts, tonight among them."""


@dataclass(frozen=True)
class Facts:
    """What is known on the night. Nothing in it is of a later one.

    :param bad_data: why tonight's day cannot be judged; empty where it was validated
    :param missing: whether that is because there are no rows of it, rather than refused ones
    :param awaited: whether the night's ingest is still to come, so that missing rows are no alarm yet
    :param ended: whether no rows are expected any more: the source is a record of the past
    :param performance: the champion's metrics on matured labels, computed on `performance_rows` rows
    :param drift: sentence of each column in tonight's alarms; None where there was no verdict
    :param drifted_before: columns in the alarms of each earlier night under the same champion
    :param of: which rows those are, in words; empty for the last matured nights that the rule names
    :param new_rows: rows whose label arrived after the night that the champion was trained as of
    :param requests: earlier nights on which retraining was asked for
    :param trained_as_of: night of the newest trained version
    :param on_trial: version on trial in the shadow of the champion, during which nothing is trained
    """

    model: str
    night: date
    champion_version: int | None = None
    champion_as_of: date | None = None
    bad_data: str = ""
    missing: bool = False
    awaited: bool = False
    ended: bool = False
    performance: Mapping[str, float] = field(default_factory=dict)
    performance_rows: int = 0
    of: str = ""
    drift: Mapping[str, str] | None = None
    drifted_before: Mapping[date, Sequence[str]] = field(default_factory=dict)
    new_rows: int = 0
    requests: Sequence[date] = ()
    trained_as_of: date | None = None
    on_trial: int | None = None


@dataclass(frozen=True)
class Finding:
    """One rule's answer: what it leads to by itself, in a sentence, and the alarms that it opens."""

    kind: str
    sentence: str
    action: Literal["nothing", "alert", "retrain"] = "nothing"
    alarms: tuple[Alarm, ...] = ()
    judged: bool = True


def decide(rules: MonitoringConfig, facts: Facts) -> PolicyDecision:
    """Weigh the night. The decision is the same however often the same facts are given."""
    if facts.bad_data:
        return _blocked(rules.policy, facts)
    drifted = tuple(facts.drift or ())
    if facts.champion_version is None:
        reason = f"No champion yet, so there is nothing to judge: {facts.model}__retrain makes one."
        return _decision(facts, "nothing", (reason,), judged=("data",))
    findings = [
        _harm(rules, facts),
        *_drift(rules.policy.drift, facts),
        *_age(rules.policy, facts),
        *_new_rows(rules.policy, facts),
    ]
    asking = [found for found in findings if found.action == "retrain"]
    holds = _holds(rules.policy, facts) if asking else ()
    action: Literal["nothing", "alert", "retrain"] = "nothing"
    if asking and not holds:
        action = "retrain"
    elif any(found.action != "nothing" for found in findings):
        action = "alert"
    told = [_told(found, action) for found in findings]
    told += [f"Retraining is not asked for: {hold}" for hold in holds]
    return _decision(
        facts,
        action,
        tuple(told),
        alarms=tuple(alarm for found in findings for alarm in found.alarms),
        # An age that the file no longer asks for is judged too: its alarm ends.
        judged=(
            "data",
            "age",
            *dict.fromkeys(found.kind for found in findings if found.judged and found.kind != "age"),
        ),
        drifted=drifted,
    )


def _decision(
    facts: Facts,
    action: Literal["nothing", "alert", "retrain"],
    reasons: tuple[str, ...],
    alarms: tuple[Alarm, ...] = (),
    judged: tuple[str, ...] = (),
    drifted: tuple[str, ...] = (),
) -> PolicyDecision:
    return PolicyDecision(
        model=facts.model,
        night=facts.night,
        champion_version=facts.champion_version,
        action=action,
        reasons=reasons,
        alarms=alarms,
        judged=judged,
        drifted=drifted,
    )


def _told(found: Finding, action: str) -> str:
    """A finding's sentence, led by what came of it where it asks for retraining."""
    if found.action != "retrain":
        return found.sentence
    return f"Retraining asked for: {found.sentence}" if action == "retrain" else f"Reason to retrain: {found.sentence}"


def _blocked(policy: PolicyConfig, facts: Facts) -> PolicyDecision:
    """Bad data: nothing else is judged, no alarm of another kind begins or ends, and nothing is retrained."""
    reason = f"Nothing is judged and no retraining asked for: {facts.bad_data}"
    if facts.ended:
        return _decision(facts, "nothing", (reason,), judged=("data",))
    if facts.missing and (facts.awaited or policy.on_missing_day == "nothing"):
        return _decision(facts, "nothing", (reason,))  # nor does an alarm on the last day that came end
    day = facts.night - timedelta(days=1)
    alarm = Alarm(
        model=facts.model,
        key="data",
        severity="critical",
        sentence=facts.bad_data,
        next=f"read why in {facts.model}__ingest; once it is mended: {trigger(facts.model, 'ingest', start=day)}",
    )
    return _decision(facts, "alert", (reason,), alarms=(alarm,), judged=("data",))


def _harm(rules: MonitoringConfig, facts: Facts) -> Finding:
    """The live metric against its bound; too few rows, or no metric, are no evidence of harm and none of health."""
    rule = rules.retrain_request
    if rule is None:
        return Finding("harm", "No retraining on harm: the model file has no monitoring.retrain_request.")
    rows, of = facts.performance_rows, facts.of or f"the last {rule.nights} matured nights"
    if rows < rule.min_rows:
        sentence = (
            f"Insufficient evidence to judge the live {rule.metric}: {rows:,} labelled rows of {of}, "
            f"{rule.min_rows:,} needed."
        )
        return Finding("harm", sentence, judged=False)
    value = facts.performance.get(rule.metric)
    if value is None or not math.isfinite(value):
        return Finding("harm", f"The live {rule.metric} could not be computed on {rows:,} rows.", judged=False)
    passed, bound = _passed(rule, value)
    found = f"live {rule.metric} {value:.4f} on {rows:,} rows of {of}"
    if not passed:
        return Finding("harm", f"No retraining needed: {found} keeps its {bound}.")
    sentence = f"{found} passes its {bound}."
    return Finding(
        "harm",
        sentence,
        rules.policy.on_harm,
        (_alarm(facts, f"harm:{rule.metric}", "critical", sentence, f"./nightshift history {facts.model}"),),
    )


def _passed(rule: RetrainRequest, value: float) -> tuple[bool, str]:
    if rule.min is not None:
        return value < rule.min, f"minimum {rule.min:g}"
    return rule.max is not None and value > rule.max, f"maximum {rule.max:g}"


def _drift(rule: LastingDrift, facts: Facts) -> list[Finding]:
    """Columns whose alarm lasts. Those that alarmed tonight but not often enough yet are named."""
    if facts.drift is None:
        return [Finding("drift", "No verdict on drift tonight.", judged=False)]
    first = facts.night - timedelta(days=rule.of - 1)
    window = {night: columns for night, columns in facts.drifted_before.items() if first <= night < facts.night}
    window[facts.night] = tuple(facts.drift)
    counts: dict[str, int] = {}
    for columns in window.values():
        for column in set(columns):
            counts[column] = counts.get(column, 0) + 1
    lasting = sorted(column for column, count in counts.items() if count >= rule.nights)
    findings = [_lasting(rule, facts, column, counts[column]) for column in lasting]
    if waiting := sorted(set(facts.drift) - set(lasting)):
        needed = f"{rule.nights} of {rule.of} nights make it an alarm that is told"
        findings.append(Finding("drift", f"Drift tonight, not lasting yet ({needed}): {', '.join(waiting)}."))
    return findings or [Finding("drift", "No drift that lasts.")]


def _lasting(rule: LastingDrift, facts: Facts, column: str, count: int) -> Finding:
    tonight = (facts.drift or {}).get(column, "ordinary again tonight.")
    sentence = f"Drift of {column} on {count} of the last {rule.of} nights; tonight: {tonight}"
    if rule.action == "nothing":
        return Finding("drift", sentence)
    look = "the drift report of the night"
    return Finding("drift", sentence, rule.action, (_alarm(facts, f"drift:{column}", "warning", sentence, look),))


def _age(policy: PolicyConfig, facts: Facts) -> list[Finding]:
    limit, as_of = policy.retrain_after_days, facts.champion_as_of
    if limit is None or as_of is None:
        return []
    days = (facts.night - as_of).days
    found = f"champion version {facts.champion_version} was trained {days} days ago (as of {as_of})"
    if days < limit:
        return [Finding("age", f"Not old: {found}; {limit} days ask for retraining.")]
    sentence = f"{found}, and {limit} days ask for retraining."
    look = f"./nightshift history {facts.model}"
    return [Finding("age", sentence, "retrain", (_alarm(facts, "age", "warning", sentence, look),))]


def _new_rows(policy: PolicyConfig, facts: Facts) -> list[Finding]:
    """Enough new labels are a reason to retrain and no trouble, so they open no alarm."""
    limit = policy.retrain_after_new_rows
    if limit is None:
        return []
    found = f"{facts.new_rows:,} rows were labelled since the champion's training"
    if facts.new_rows < limit:
        return [Finding("rows", f"Few new labels: {found}; {limit:,} ask for retraining.")]
    return [Finding("rows", f"{found}, and {limit:,} ask for retraining.", "retrain")]


def _holds(policy: PolicyConfig, facts: Facts) -> tuple[str, ...]:
    """What holds a request back, each in a sentence."""
    holds = []
    if facts.on_trial is not None:
        holds.append(f"version {facts.on_trial} is on trial, and nothing is trained before that ends.")
    if facts.trained_as_of is not None and facts.trained_as_of >= facts.night:
        holds.append(f"a version was trained as of {facts.trained_as_of} already.")
    if facts.new_rows < policy.min_new_rows:
        holds.append(
            f"{facts.new_rows:,} rows were labelled since the champion's training, {policy.min_new_rows:,} needed "
            "(monitoring.policy.min_new_rows)."
        )
    earlier = sorted(night for night in facts.requests if night < facts.night)
    if earlier and (since := (facts.night - earlier[-1]).days) < policy.cooldown_nights:
        holds.append(
            f"it was on the night of {earlier[-1]}, {since} nights ago; it can be again after {policy.cooldown_nights} "
            "(monitoring.policy.cooldown_nights)."
        )
    lately = [night for night in earlier if (facts.night - night).days < WEEK]
    if len(lately) >= policy.weekly_budget:
        holds.append(
            f"{len(lately)} requests in the last {WEEK} nights use up the budget of {policy.weekly_budget} "
            "(monitoring.policy.weekly_budget)."
        )
    return tuple(holds)


def _alarm(facts: Facts, key: str, severity: Literal["critical", "warning"], sentence: str, look: str) -> Alarm:
    return Alarm(model=facts.model, key=key, severity=severity, sentence=sentence, next=look)

"""The model file's rules, held against the rows: rows judged by themselves at once, days one by one.

A day's verdict never depends on which other days are validated with it, so that loading history and ingesting
night by night give the same table.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from include.validation.inspection import Inspection, count, listed
from include.validation.structure import COLUMN_EXISTS, duplicates

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from include.validation.gx import Engine, Finding
    from include.validation.rules import BoundRule


@dataclass
class _Tally:
    """What one rule found over all days: rows (or days) failed and checked, where, and for example what."""

    failed: int = 0
    checked: int = 0
    days: dict[datetime.date, None] = field(default_factory=dict)
    examples: dict[str, None] = field(default_factory=dict)
    worst: Finding | None = None
    counted: dict[int, Finding] = field(default_factory=dict)
    """What a rule that reads no column found, by the number of rows."""


def apply_rules(found: Inspection, rules: Sequence[BoundRule], engine: Engine) -> None:
    """Hold every rule whose columns are there against the readable rows.

    Rows that are structurally at fault are not shown to the rules: what they hold is not what a rule speaks of. Rules
    about a day see what would be written of it: its rows that no row rule has set aside, without repeats of a key.
    On a day whose labels have not matured, a rule about the label sees only rows that have one, and one about the
    day's labels as a whole waits: a label that has not arrived is no fault.
    """
    usable = [rule for rule in rules if not set(rule.columns) & set(found.missing)]
    tallies = {rule.index: _Tally() for rule in usable}
    readable = ~_structural(found)
    by_row = [rule for rule in usable if rule.scope == "row"]
    by_day = _row_rules(found, [rule for rule in by_row if not rule.of_label], readable, engine, tallies)
    labelled = readable & ~found.awaits_label(readable)
    by_day |= _row_rules(found, [rule for rule in by_row if rule.of_label], labelled, engine, tallies)
    duplicates(found)
    for rule in usable:
        if rule.scope == "day":
            by_day[rule.index] = set(found.days) - (found.unmatured if rule.of_label else set())
    for day in found.days:
        _day_rules(found, day, [rule for rule in usable if day in by_day.get(rule.index, ())], engine, tallies)
    for rule in usable:
        _report(found, rule, tallies[rule.index])


def _row_rules(
    found: Inspection, rules: Sequence[BoundRule], rows: np.ndarray, engine: Engine, tallies: dict[int, _Tally]
) -> dict[int, set[datetime.date]]:
    """Judge the rows of the mask (n,) at once; return the rules that must be asked again, each with its days.

    Those are rules that raised or named no rows (which day is to blame?) and rules with `mostly` (which is a promise
    about each day) that found a failing row at all.
    """
    readable = found.typed[rows]
    again: dict[int, set[datetime.date]] = {}
    if readable.empty:
        return again
    first = engine.check(readable, {rule.index: rule.expectation for rule in rules})
    wanted = {
        rule.index: rule.expectation for rule in rules if not first[rule.index].passed or first[rule.index].failed
    }
    named = engine.check(readable, wanted, with_rows=True)
    for rule in rules:
        finding = named.get(rule.index, first[rule.index])
        tally = tallies[rule.index]
        tally.checked, tally.worst = finding.checked, finding
        if finding.passed and not finding.failed:
            continue
        if finding.error or finding.rows is None:
            again[rule.index] = set(found.days)
        elif rule.mostly < 1:
            again[rule.index] = set(found.day_of_row[list(finding.rows)])
        else:
            _hold(found, rule, finding, tally)
    return again


def _structural(found: Inspection) -> np.ndarray:
    """Mask of the rows with a fault of their own, before any rule; a missing column is a fault of the day."""
    own = [held for name, held in found.marks.items() if not name.startswith(f"{COLUMN_EXISTS}:")]
    return np.logical_or.reduce(own) if own else np.zeros(found.rows, dtype=bool)


def _day_rules(
    found: Inspection, day: datetime.date, rules: Sequence[BoundRule], engine: Engine, tallies: dict[int, _Tally]
) -> None:
    kept = found.rows_of(day) & ~(found.aside if not found.missing else _structural(found))
    waiting = found.awaits_label(kept)
    if waiting.any() and (about := [rule for rule in rules if rule.of_label]):
        _judge_day(found, day, about, found.typed[kept & ~waiting], engine, tallies)
        rules = [rule for rule in rules if not rule.of_label]
    _judge_day(found, day, rules, found.typed[kept], engine, tallies)


def _judge_day(
    found: Inspection,
    day: datetime.date,
    rules: Sequence[BoundRule],
    good: pd.DataFrame,
    engine: Engine,
    tallies: dict[int, _Tally],
) -> None:
    if good.empty or not rules:
        return  # refused already, for having no rows or for having lost them all; or no label has arrived yet
    findings = _check_day(good, rules, engine, tallies)
    for rule in rules:
        finding, tally = findings[rule.index], tallies[rule.index]
        if rule.scope == "day":
            tally.checked += len(good) if finding.rows is not None else 1
        if finding.passed:
            tally.worst = tally.worst or finding
        elif finding.error:
            # Nothing was checked: to let the rows pass, even for a rule that only warns, would be to guess.
            found.refuse(day, f"{rule.name} could not be evaluated: {finding.error}")
            _note(tally, finding, 1, [day])
        elif finding.rows is None:
            _note(tally, finding, 1, [day])
            if rule.severity != "warn":
                found.refuse(day, f"{rule.name}: found {finding.observed or 'otherwise'}, demanded {rule.demands}")
        else:
            _hold(found, rule, finding, tally)


def _check_day(
    good: pd.DataFrame, rules: Sequence[BoundRule], engine: Engine, tallies: dict[int, _Tally]
) -> dict[int, Finding]:
    """What each rule finds on a day's rows; one that reads no column finds the same on every day of as many rows.

    So a history of one row a day, say, is counted once: each check costs some milliseconds whatever it looks at.
    """
    known = {rule.index: found for rule in rules if (found := tallies[rule.index].counted.get(len(good)))}
    asked = [rule for rule in rules if rule.index not in known]
    rows = _read_columns(good, asked)
    expectations = {rule.index: rule.expectation for rule in asked}
    findings = engine.check(rows, expectations)
    bad = {index: made for index, made in expectations.items() if not findings[index].passed}
    findings |= engine.check(rows, bad, with_rows=True)
    for rule in asked:
        if rule.reads == ():
            tallies[rule.index].counted[len(good)] = findings[rule.index]
    return known | findings


def _read_columns(rows: pd.DataFrame, rules: Sequence[BoundRule]) -> pd.DataFrame:
    """The columns that the rules read, at least one: GX takes a fingerprint of all it is given, once for each day."""
    read = [rule.reads for rule in rules]
    if any(columns is None for columns in read):
        return rows
    names = {name for columns in read for name in columns or ()}
    return rows[[name for name in rows.columns if name in names] or list(rows.columns[:1])]


def _hold(found: Inspection, rule: BoundRule, finding: Finding, tally: _Tally) -> None:
    """Hold a rule against the rows that fail it, and against their days where the rule says so."""
    rows = np.array(finding.rows, dtype=int)
    days, failed = np.unique(found.day_of_row[rows], return_counts=True)
    _note(tally, finding, len(rows), list(days))
    if rule.severity == "warn":
        return
    found.mark(rule.name, rows)
    if rule.severity == "refuse_day":
        for day, number in zip(days, failed, strict=True):
            such = f", such as {', '.join(finding.examples)}" if len(days) == 1 and finding.examples else ""
            found.refuse(
                day, f"{rule.name}: {count(int(number), 'row')} of {int(found.rows_of(day).sum()):,} fail{such}"
            )


def _note(tally: _Tally, finding: Finding, failed: int, days: Sequence[datetime.date]) -> None:
    if not tally.days or tally.worst is None:
        tally.worst = finding
    tally.failed += failed
    tally.days |= dict.fromkeys(days)
    said = [finding.error] if finding.error else list(finding.examples) or [finding.observed]
    tally.examples |= dict.fromkeys(text for text in said if text)


def _report(found: Inspection, rule: BoundRule, tally: _Tally) -> None:
    """Turn a tally into the rule's one line, and keep one of its results for the page."""
    if tally.worst is not None:
        found.results.append(tally.worst.result)
    if tally.days:
        such = f", such as {listed(list(tally.examples), 3)}" if tally.examples else ""
        demands = f"; demanded {rule.demands}" if rule.demands else ""
        detail = f"fails on {count(len(tally.days), 'day')} ({listed(sorted(tally.days))}){such}{demands}"
        found.fail(rule.name, rule.severity, tally.failed, tally.checked, detail)

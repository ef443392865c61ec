"""The training window as a whole, before anything is fitted on it: each day was good, but is there enough of them?"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Literal

import pandas as pd

from include.config.next_commands import trigger
from include.contracts import DayRange, RuleFailure
from include.data.gaps import find_gaps
from include.data.labels import class_names
from include.data.splits import LEAST_ROWS, Split, in_part
from include.data.windows import read_rows, validated_days
from include.errors import DataRefused
from include.validation import window_advice
from include.validation.gx import Engine
from include.validation.inspection import listed

# isort: split
import great_expectations.expectations as gxe

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

    from include.config.schema import ModelConfig
    from include.contracts import RunContext, Windows

MAX_MISSING_SHARE = 0.5
"""Share of a split's days that may be missing, or of a feature's or the label's values that may be null.

How many days of the whole window may be missing is `training.max_missing_share`; where it is more, it holds here too.
"""
RATES = (0.01, 0.99)
"""Rates of the label outside of which the rows of a split hold hardly anything of one class."""

SPLITS: tuple[Split, ...] = ("train", "validation", "holdout")
ABSENT: Mapping[Split, str] = {
    "train": "it will never be predicted",
    "validation": "candidates are chosen without it",
    "holdout": "the gates cannot tell how well it is predicted",
}


@dataclass(frozen=True)
class _Check:
    name: str
    fatal: bool
    expectation: Expectation
    says: str
    null_in: str | None = None


def validate_window(config: ModelConfig, context: RunContext) -> tuple[RuleFailure, ...]:
    """Return what is doubtful about a run's window; read at the run's table version, as of its night.

    Raises DataRefused as `check_window` does.
    """
    rows = read_rows(config, context.windows.whole, context.as_of, version=context.data_version)
    there = validated_days(config, context.windows.whole, context.data_version)
    return check_window(config, context.windows, context.as_of, rows, there)


def check_window(
    config: ModelConfig, frozen: Windows, as_of: date, rows: pd.DataFrame, there: Collection[date]
) -> tuple[RuleFailure, ...]:
    """Return what is doubtful about a window's rows, of which the days `there` are validated.

    Raises DataRefused with every reason where training must not start: a split with too few days or rows, with one
    class (of a regression, one value) only, or with a feature or the label null throughout.
    """
    engine = Engine()
    failures: list[RuleFailure] = []
    for split in SPLITS:
        days: DayRange = getattr(frozen, split)
        failures += _missing_days(config, split, days, there)
        day = rows[config.data.day]
        inside = (day >= pd.Timestamp(days.start)) & (day <= pd.Timestamp(days.end))
        part = rows[inside & in_part(config, rows, split)]
        failures += _split_failures(config, split, part, engine, partial(_advice, config, as_of, days, rows, part))
    fatal = [failure for failure in failures if failure.severity != "warn"]
    if fatal:
        reasons = "\n".join(f"  - {failure.rule}: {failure.detail}" for failure in fatal)
        whole = frozen.whole
        raise DataRefused(
            f"{config.name}: the window {whole.start} to {whole.end} cannot be trained on\n{reasons}"
            + _loading(config, whole, fatal)
        )
    return tuple(failures)


def _loading(config: ModelConfig, whole: DayRange, fatal: Sequence[RuleFailure]) -> str:
    """How days that are missing are loaded; nothing where all of them are there."""
    if not any(failure.rule.endswith("_days_present") or not failure.checked for failure in fatal):
        return ""
    return (
        f"\nLoad what is missing: {_ingest(config, whole)}, "
        f"or change training.{'split' if config.data.snapshot else '*_days'} in the model file"
    )


def _advice(
    config: ModelConfig,
    as_of: date,
    days: DayRange,
    rows: pd.DataFrame,
    part: pd.DataFrame,
    split: Split,
    check: _Check,
) -> str:
    """What would mend a check that failed."""
    if check.null_in == config.data.label:
        return window_advice.labels(config, as_of, days, rows)
    if check.null_in:
        return window_advice.empty_feature(config, check.null_in, rows)
    return window_advice.more_rows(config, split, part, len(rows)) if check.fatal and check.name == "rows" else ""


def _ingest(config: ModelConfig, whole: DayRange) -> str:
    if config.data.snapshot and not config.data.source.looks_back:
        return trigger(config.name, "ingest")
    return trigger(config.name, "ingest", start=whole.start, end=whole.end)


def _missing_days(config: ModelConfig, split: str, days: DayRange, there: Collection[date]) -> Iterator[RuleFailure]:
    """A split may lack half of its days, or as many as the model file allows of the whole window."""
    gaps = find_gaps(config, days, there)
    if gaps.days:
        yield RuleFailure(
            rule=f"{split}_days_present",
            severity=_severity(gaps.share > max(MAX_MISSING_SHARE, gaps.allowed)),
            failed=len(gaps.days),
            checked=days.days,
            detail=f"{len(gaps.days)} of {days.days} days have no validated rows: {listed(gaps.days, 20)}",
        )


def _split_failures(
    config: ModelConfig, split: Split, part: pd.DataFrame, engine: Engine, advice: Callable[[Split, _Check], str]
) -> Iterator[RuleFailure]:
    """One failure for each subject (rows, label, a feature): the first of its checks, which is the worst."""
    if part.empty:
        yield RuleFailure(rule=f"{split}_rows", severity="refuse_day", failed=0, checked=0, detail="there are no rows")
        return
    if absent := _absent_classes(config, part):
        yield RuleFailure(
            rule=f"{split}_every_class",
            severity="warn",
            failed=len(absent),
            checked=len(class_names(config)),
            detail=f"no row of {listed(absent, 20)}: {ABSENT[split]}",
        )
    checks = [check for group in _checks(config, split) for check in group]
    findings = engine.check(part, {number: check.expectation for number, check in enumerate(checks)})
    told: set[str] = set()
    for number, check in enumerate(checks):
        finding = findings[number]
        subject = f"{split}_{check.name}"
        if finding.passed or subject in told:
            continue
        told.add(subject)
        found = f"could not be evaluated: {finding.error}" if finding.error else f"found {finding.observed or 'none'}"
        failed = int(part[check.null_in].isna().sum()) if check.null_in else len(part)
        # What cannot be evaluated is not known to be good.
        severity = _severity(check.fatal or finding.error is not None)
        way = advice(split, check) if severity != "warn" else ""
        detail = f"{check.says}; {found}" + (f"; {way}" if way else "")
        yield RuleFailure(rule=subject, severity=severity, failed=failed, checked=len(part), detail=detail)


def _checks(config: ModelConfig, split: str) -> Iterator[list[_Check]]:
    """Checks of one split, those about the same subject together and the worst first."""
    label, rows = config.data.label, gxe.ExpectTableRowCountToBeBetween
    yield [_Check("rows", True, rows(min_value=LEAST_ROWS), f"a split needs at least {LEAST_ROWS} rows")]
    if split == "holdout":
        least = config.release.min_holdout_rows
        says = f"the gate will refuse for want of evidence: release.min_holdout_rows is {least:,}"
        yield [_Check("rows", False, rows(min_value=least), says)]
    of = "two values at least" if config.task == "regression" else "both classes"
    of = "two classes at least" if config.task == "multiclass" else of
    classes = gxe.ExpectColumnUniqueValueCountToBeBetween(column=label, min_value=2)
    several = _Check("label_classes", True, classes, f"label {label} must have {of}")
    rate = gxe.ExpectColumnMeanToBeBetween(column=label, min_value=RATES[0], max_value=RATES[1])
    said = f"the rate of {label} should lie between {RATES[0]:.0%} and {RATES[1]:.0%}"
    yield [
        *_not_null("label", label, f"label {label}"),
        several,
        *([_Check("label_rate", False, rate, said)] if config.task == "binary" else []),
    ]
    for feature in config.features.names:
        yield _not_null(f"feature:{feature}", feature, f"feature {feature}")


def _absent_classes(config: ModelConfig, part: pd.DataFrame) -> list[str]:
    """Classes of a multiclass model that no row of a split has."""
    if config.task != "multiclass":
        return []
    there = set(part[config.data.label].dropna())
    return [name for code, name in enumerate(class_names(config)) if code not in there]


def _not_null(name: str, column: str, subject: str) -> list[_Check]:
    share = gxe.ExpectColumnProportionOfNonNullValuesToBeBetween
    some = share(column=column, min_value=0, strict_min=True)
    most = share(column=column, min_value=1 - MAX_MISSING_SHARE)
    return [
        _Check(name, True, some, f"{subject} is null throughout", column),
        _Check(name, False, most, f"{subject} is null in more than {MAX_MISSING_SHARE:.0%} of rows", column),
    ]


def _severity(fatal: bool) -> Literal["refuse_day", "warn"]:
    return "refuse_day" if fatal else "warn"

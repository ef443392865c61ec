"""The training window as a whole, before anything is fitted on it: each day was good, but is there enough of them?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

import pandas as pd

from include.config.next_commands import trigger
from include.contracts import DayRange, RuleFailure
from include.data.labels import class_names
from include.data.splits import Split, in_part
from include.data.windows import read_rows, validated_days
from include.errors import DataRefused
from include.validation.gx import Engine
from include.validation.inspection import listed

# isort: split
import great_expectations.expectations as gxe

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

    from include.config.schema import ModelConfig
    from include.contracts import RunContext

MIN_ROWS = 50
"""Rows below which a split says nothing at all; how many the holdout needs is `release.min_holdout_rows`."""
MAX_MISSING_SHARE = 0.5
"""Share of a split's days that may be missing, or of a feature's or the label's values that may be null."""
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

    Raises DataRefused with every reason where training must not start: a split with too few days or rows, with one
    class (of a regression, one value) only, or with a feature or the label null throughout.
    """
    rows = read_rows(config, context.windows.whole, context.as_of, version=context.data_version)
    there = validated_days(config, context.windows.whole, context.data_version)
    engine = Engine()
    failures: list[RuleFailure] = []
    for split in SPLITS:
        days: DayRange = getattr(context.windows, split)
        failures += _missing_days(split, days, set(there), config.training.max_missing_share)
        day = rows[config.data.day]
        inside = (day >= pd.Timestamp(days.start)) & (day <= pd.Timestamp(days.end))
        part = rows[inside & in_part(config, rows, split)]
        failures += _split_failures(config, split, part, engine)
    fatal = [failure for failure in failures if failure.severity != "warn"]
    if fatal:
        reasons = "\n".join(f"  - {failure.rule}: {failure.detail}" for failure in fatal)
        whole = context.windows.whole
        raise DataRefused(
            f"{config.name}: the window {whole.start} to {whole.end} (version {context.data_version} of the table "
            f"validated) cannot be trained on\n{reasons}\n"
            f"Load what is missing: {_ingest(config, whole)}, "
            f"or change training.{'split' if config.data.snapshot else '*_days'} in the model file"
        )
    return tuple(failures)


def _ingest(config: ModelConfig, whole: DayRange) -> str:
    if config.data.snapshot and not config.data.source.looks_back:
        return trigger(config.name, "ingest")
    return trigger(config.name, "ingest", start=whole.start, end=whole.end)


def _missing_days(split: str, days: DayRange, there: set[date], allowed: float) -> Iterator[RuleFailure]:
    """More missing days than the model file allows are fatal: a month of one row has 29 by nature."""
    missing = [day for step in range(days.days) if (day := days.start + timedelta(days=step)) not in there]
    if missing:
        yield RuleFailure(
            rule=f"{split}_days_present",
            severity=_severity(len(missing) / days.days > max(MAX_MISSING_SHARE, allowed)),
            failed=len(missing),
            checked=days.days,
            detail=f"{len(missing)} of {days.days} days have no validated rows: {listed(missing, 20)}",
        )


def _split_failures(config: ModelConfig, split: Split, part: pd.DataFrame, engine: Engine) -> Iterator[RuleFailure]:
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
        detail = f"{check.says}; {found}"
        yield RuleFailure(rule=subject, severity=severity, failed=failed, checked=len(part), detail=detail)


def _checks(config: ModelConfig, split: str) -> Iterator[list[_Check]]:
    """Checks of one split, those about the same subject together and the worst first."""
    label, rows = config.data.label, gxe.ExpectTableRowCountToBeBetween
    yield [_Check("rows", True, rows(min_value=MIN_ROWS), f"a split needs at least {MIN_ROWS} rows")]
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
        *_not_null("label", label, f"label {label}", "its labels have not arrived or its source lost them"),
        several,
        *([_Check("label_rate", False, rate, said)] if config.task == "binary" else []),
    ]
    for feature in config.features.names:
        yield _not_null(f"feature:{feature}", feature, f"feature {feature}", "is its source still there?")


def _absent_classes(config: ModelConfig, part: pd.DataFrame) -> list[str]:
    """Classes of a multiclass model that no row of a split has."""
    if config.task != "multiclass":
        return []
    there = set(part[config.data.label].dropna())
    return [name for code, name in enumerate(class_names(config)) if code not in there]


def _not_null(name: str, column: str, subject: str, hint: str) -> list[_Check]:
    share = gxe.ExpectColumnProportionOfNonNullValuesToBeBetween
    some = share(column=column, min_value=0, strict_min=True)
    most = share(column=column, min_value=1 - MAX_MISSING_SHARE)
    return [
        _Check(name, True, some, f"{subject} is null throughout: {hint}", column),
        _Check(name, False, most, f"{subject} is null in more than {MAX_MISSING_SHARE:.0%} of rows: {hint}", column),
    ]


def _severity(fatal: bool) -> Literal["refuse_day", "warn"]:
    return "refuse_day" if fatal else "warn"

"""A model file's rules, bound to Great Expectations: every fault named, and for each rule what it looks at."""

from __future__ import annotations

import datetime
import inspect
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from include.config import environment
from include.errors import ConfigError
from include.validation.coerce import coerce
from include.validation.gx import Engine
from include.validation.rule_arguments import argument_faults, columns_of, near

# isort: split
import great_expectations.expectations as gxe
from great_expectations.expectations.expectation import (
    BatchExpectation,
    ColumnMapExpectation,
    ColumnPairMapExpectation,
    Expectation,
    MulticolumnMapExpectation,
)
from great_expectations.expectations.registry import list_registered_expectation_implementations

if TYPE_CHECKING:
    from include.config.schema import ModelConfig, Rule

COMPARE_ROWS = frozenset(
    {
        "ExpectColumnValuesToBeUnique",
        "ExpectCompoundColumnsToBeUnique",
        "ExpectColumnValueZScoresToBeLessThan",
        "ExpectColumnValuesToNotBeOutliers",
        "ExpectColumnValuesToBeIncreasing",
        "ExpectColumnValuesToBeDecreasing",
    }
)
"""Expectations that name rows but judge each by the others, so that they must see one day at a time."""

COUNT_ROWS = frozenset({"ExpectTableRowCountToBeBetween", "ExpectTableRowCountToEqual"})
"""Expectations that read no column."""
ROW_CLASSES = (ColumnMapExpectation, ColumnPairMapExpectation, MulticolumnMapExpectation)
KNOWN: Mapping[str, type[Expectation]] = {
    name: found
    for name, found in vars(gxe).items()
    if name.startswith("Expect")
    and inspect.isclass(found)
    and issubclass(found, BatchExpectation)
    and found.expectation_type in list_registered_expectation_implementations()  # a name may have nothing behind it
}
SAMPLES: Mapping[str, list[Any]] = {
    "date": [datetime.date(2013, 1, 1), datetime.date(2013, 1, 2)],
    "timestamp": [datetime.datetime(2013, 1, 1), datetime.datetime(2013, 1, 2)],
    "string": ["1", "2"],
    "integer": [1, 2],
    "number": [1.0, 2.0],
    "boolean": [True, False],
}


@dataclass(frozen=True)
class BoundRule:
    """A rule of the model file with its expectation.

    `scope` is `row` where each row is judged by itself, over any number of days at once; `day` where a day is
    judged as a whole or its rows by each other. `mostly` is below 1 where some failing rows are allowed. `severity`
    is the rule's `on_failure`, but where there are no rows to set aside, quarantine_row becomes refuse_day.
    `of_label` says that the rule looks at the label, which may come later than the row. `reads` are the columns that
    GX needs to judge it, none of them where it counts rows; None stands for the whole table.
    """

    index: int
    name: str
    severity: Literal["refuse_day", "quarantine_row", "warn"]
    expectation: Expectation
    columns: tuple[str, ...]
    scope: Literal["row", "day"]
    mostly: float
    demands: str
    of_label: bool
    reads: tuple[str, ...] | None


def bind_rules(config: ModelConfig) -> tuple[BoundRule, ...]:
    """Make every rule's expectation. Raises ConfigError (permanent) with all faults of all rules."""
    faults = _declaration_faults(config)
    if faults:
        raise ConfigError(str(environment.models_dir() / f"{config.name}.yaml"), faults)
    names = [_name(rule) for rule in config.validation.rules]
    counts = Counter(names)
    return tuple(
        _bind(index, rule, f"{name}#{index}" if counts[name] > 1 else name, config.data.label)
        for index, (rule, name) in enumerate(zip(config.validation.rules, names, strict=True))
    )


def rule_faults(config: ModelConfig) -> list[str]:
    """Name every fault of the rules: for lint, so that no night has to find it.

    Besides names and arguments, each rule is tried on two well-typed rows: a rule that raises there (a bound of
    another type than its column, an expectation that needs SQL) would refuse every day.
    """
    faults = _declaration_faults(config)
    if faults:
        return faults
    rules = bind_rules(config)
    sample = coerce(pd.DataFrame({name: SAMPLES[kind] for name, kind in config.data.columns.items()}), config).frame
    found = Engine().check(sample, {rule.index: rule.expectation for rule in rules})
    return [
        f"validation.rules.{rule.index}: {rule.name}: cannot be evaluated on {_typed(rule, config)}: "
        f"{found[rule.index].error}; choose arguments of the column's type, or another expectation"
        for rule in rules
        if found[rule.index].error
    ]


def _bind(index: int, rule: Rule, name: str, label: str) -> BoundRule:
    expectation = KNOWN[rule.expect](**rule.args)
    names_rows = isinstance(expectation, ROW_CLASSES)
    stated = {key: value for key, value in rule.args.items() if key not in ("column", "column_A", "column_B")}
    return BoundRule(
        index=index,
        name=name,
        # Without rows to set aside, the only thing a failing rule can keep out is the day.
        severity="refuse_day" if rule.on_failure == "quarantine_row" and not names_rows else rule.on_failure,
        expectation=expectation,
        columns=columns_of(rule),
        scope="row" if names_rows and rule.expect not in COMPARE_ROWS else "day",
        mostly=float(rule.args.get("mostly", 1.0)),
        demands=", ".join(f"{key} {value}" for key, value in stated.items()),
        of_label=label in columns_of(rule),
        reads=_reads(rule),
    )


def _reads(rule: Rule) -> tuple[str, ...] | None:
    if rule.args.get("row_condition"):
        return None
    return columns_of(rule) or (() if rule.expect in COUNT_ROWS else None)


def _name(rule: Rule) -> str:
    columns = ",".join(columns_of(rule))
    return f"{rule.expect}:{columns}" if columns else rule.expect


def _typed(rule: BoundRule, config: ModelConfig) -> str:
    return ", ".join(f"{name} ({config.data.columns[name]})" for name in rule.columns) or "the table"


def _declaration_faults(config: ModelConfig) -> list[str]:
    faults = []
    for index, rule in enumerate(config.validation.rules):
        faults += [f"validation.rules.{index}: {fault}" for fault in _faults_of(rule, config)]
    return faults


def _faults_of(rule: Rule, config: ModelConfig) -> list[str]:
    made = KNOWN.get(rule.expect)
    if made is None:
        return [
            f"expect: {rule.expect!r} is no expectation of Great Expectations{near(rule.expect, list(KNOWN))}; "
            "see https://greatexpectations.io/expectations"
        ]
    allowed = sorted(set(made.__fields__) - set(BatchExpectation.__fields__) - {"library_metadata"})
    faults = [
        f"{rule.expect}: unknown argument {key!r}{near(key, allowed)}; allowed: {', '.join(allowed) or 'none'}"
        for key in rule.args
        if key not in allowed
    ]
    faults += [
        f"{rule.expect}: column {name!r} is not in data.columns{near(name, list(config.data.columns))}"
        for name in columns_of(rule)
        if name not in config.data.columns
    ]
    return faults or argument_faults(rule, made)

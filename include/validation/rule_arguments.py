"""What is wrong with one rule's arguments: what GX says, and what it takes although it always or never holds."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

from great_expectations.compatibility import pydantic

from include.config.show import show

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

    from include.config.schema import Rule

PASSES_ALL = "has no bound and would pass everything"


def argument_faults(rule: Rule, made: type[Expectation]) -> list[str]:
    """Name every fault of a rule's arguments for its expectation, each with what was received."""
    vacuous = _vacuous(rule, set(made.__fields__))
    if vacuous:
        return [f"{rule.expect}: {vacuous}"]
    try:
        made(**rule.args)
    except pydantic.ValidationError as error:
        # A union of types gives one message for each: the first is the plainest.
        first = {".".join(str(part) for part in one["loc"]): one["msg"] for one in reversed(error.errors())}
        named = {where: message for where, message in first.items() if where != "__root__"}
        return [f"{rule.expect}: {where}: {message}{_received(rule, where)}" for where, message in named.items()] or [
            f"{rule.expect}: {first['__root__']}"
        ]
    except Exception as error:  # whatever an expectation's own checks raise is a fault of its arguments
        return [f"{rule.expect}: {type(error).__name__}: {error}"]
    patterns = [rule.args[key] for key in ("regex",) if key in rule.args] + list(rule.args.get("regex_list") or ())
    return [fault for pattern in patterns for fault in _pattern_faults(rule, pattern)]


def columns_of(rule: Rule) -> tuple[str, ...]:
    """Columns that a rule looks at; the ordered list of a whole table's columns is not one of them."""
    named = [rule.args.get(key) for key in ("column", "column_A", "column_B")]
    listed = rule.args.get("column_list") if rule.expect != "ExpectTableColumnsToMatchOrderedList" else None
    return tuple(str(name) for name in [*named, *(listed if isinstance(listed, list | tuple) else ())] if name)


def near(word: str, allowed: list[str]) -> str:
    """` (did you mean 'x'?)` where something allowed is close."""
    match = difflib.get_close_matches(word, allowed, n=1)
    return f" (did you mean {match[0]!r}?)" if match else ""


def _vacuous(rule: Rule, fields: set[str]) -> str | None:
    """Arguments that GX takes and that decide the answer whatever the data."""
    low, high = rule.args.get("min_value"), rule.args.get("max_value")
    bound_elsewhere = rule.args.get("threshold") is not None  # of a divergence
    if {"min_value", "max_value"} <= fields and low is None and high is None and not bound_elsewhere:
        return f"{PASSES_ALL}; give min_value, max_value or both"
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        return f"min_value {low} is above max_value {high}: no value can hold"
    if "regex" in fields and rule.args.get("regex") is None:
        return f"{PASSES_ALL}; give regex"
    return None


def _pattern_faults(rule: Rule, pattern: Any) -> list[str]:
    try:
        re.compile(pattern)
    except (re.error, TypeError) as error:
        return [f"{rule.expect}: {show(pattern, 80)} is no regular expression: {error}"]
    return []


def _received(rule: Rule, where: str) -> str:
    key = where.split(".")[0]
    return f"; received {show(rule.args[key], 80)}" if key in rule.args else ""

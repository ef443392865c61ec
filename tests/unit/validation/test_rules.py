from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from include.config.schema import ModelConfig
from include.errors import ConfigError, PermanentError
from include.validation.rules import bind_rules, rule_faults

Make = Callable[..., ModelConfig]


def test_the_shipped_rules_have_no_fault(flight_delay: ModelConfig) -> None:
    assert rule_faults(flight_delay) == []
    rules = bind_rules(flight_delay)
    assert len(rules) == len(flight_delay.validation.rules)
    assert rules[0].scope == "day"
    assert {rule.scope for rule in rules[1:]} == {"row"}


@pytest.mark.parametrize(
    ("expect", "args", "words"),
    [
        ("ExpectColumnValuesToBeBetwen", {"column": "temp"}, ["did you mean 'ExpectColumnValuesToBeBetween'?"]),
        (
            "ExpectColumnValuesToBeBetween",
            {"column": "temp", "minvalue": 1},
            ["unknown argument 'minvalue'", "did you mean 'min_value'?"],
        ),
        (
            "ExpectColumnValuesToBeBetween",
            {"column": "tmp", "min_value": 1},
            ["column 'tmp' is not in data.columns", "did you mean 'temp'?"],
        ),
        ("ExpectColumnValuesToBeBetween", {"min_value": 1}, ["column: field required"]),
        ("ExpectColumnValuesToBeBetween", {"column": "temp"}, ["would pass everything"]),
        ("ExpectTableRowCountToBeBetween", {}, ["would pass everything"]),
        ("ExpectColumnValuesToMatchRegex", {"column": "carrier"}, ["would pass everything", "give regex"]),
        ("ExpectColumnValuesToMatchRegex", {"column": "carrier", "regex": "("}, ["'('", "no regular expression"]),
        (
            "ExpectColumnValuesToBeBetween",
            {"column": "temp", "min_value": 3, "max_value": 1},
            ["3 is above max_value 1"],
        ),
        ("ExpectColumnValuesToBeBetween", {"column": "temp", "min_value": [1]}, ["min_value", "received [1]"]),
        ("ExpectColumnValuesToNotBeNull", {"column": "temp", "mostly": 1.5}, ["mostly", "received 1.5"]),
        ("ExpectColumnValuesToBeInSet", {"column": "origin"}, ["value_set: field required"]),
    ],
)
def test_a_faulty_rule_is_named_with_file_index_and_remedy(
    with_rules: Make, expect: str, args: dict[str, Any], words: list[str]
) -> None:
    good = ("ExpectColumnValuesToNotBeNull", {"column": "temp"}, "warn")
    config = with_rules(good, (expect, args, "refuse_day"))
    faults = rule_faults(config)
    assert len(faults) == 1
    assert faults[0].startswith("validation.rules.1: ")
    assert all(word in faults[0] for word in words), faults
    with pytest.raises(PermanentError, match=r"flight_delay\.yaml: 1 fault"):
        bind_rules(config)


def test_all_faults_are_named_at_once(with_rules: Make) -> None:
    config = with_rules(("ExpectNothing", {}, "warn"), ("ExpectColumnMeanToBeBetween", {"column": "x"}, "warn"))
    with pytest.raises(ConfigError) as caught:
        bind_rules(config)
    assert [fault.split(":")[0] for fault in caught.value.faults] == ["validation.rules.0", "validation.rules.1"]


@pytest.mark.parametrize(
    ("expect", "args"),
    [
        ("ExpectColumnMeanToBeBetween", {"column": "carrier", "min_value": 1}),
        ("ExpectColumnValuesToMatchLikePattern", {"column": "carrier", "like_pattern": "A%"}),
        ("ExpectColumnValuesToBeBetween", {"column": "scheduled_departure", "min_value": date(2013, 1, 1)}),
    ],
)
def test_lint_finds_a_rule_that_would_raise_every_night(with_rules: Make, expect: str, args: dict[str, Any]) -> None:
    faults = rule_faults(with_rules((expect, args, "refuse_day")))
    assert len(faults) == 1
    assert "cannot be evaluated on" in faults[0]
    assert args["column"] in faults[0]


def test_rules_of_one_name_are_told_apart(with_rules: Make) -> None:
    same = "ExpectColumnValuesToBeBetween"
    config = with_rules(
        (same, {"column": "temp", "min_value": 0}, "warn"),
        (same, {"column": "temp", "max_value": 9}, "refuse_day"),
        (same, {"column": "dewp", "max_value": 9}, "warn"),
    )
    assert [rule.name for rule in bind_rules(config)] == [f"{same}:temp#0", f"{same}:temp#1", f"{same}:dewp"]


def test_a_rule_without_rows_refuses_the_day_even_by_default(with_rules: Make) -> None:
    config = with_rules(("ExpectTableRowCountToBeBetween", {"min_value": 1}, "quarantine_row"))
    assert bind_rules(config)[0].severity == "refuse_day"

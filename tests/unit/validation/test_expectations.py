"""Every expectation of Great Expectations by its own name: linted and held at each severity, or refused by lint."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import great_expectations.expectations as gxe
import pandas as pd
import pytest

from include.config.schema import ModelConfig
from include.validation.rules import KNOWN, bind_rules, rule_faults
from include.validation.runner import validate

DAY, NEXT = date(2024, 3, 1), date(2024, 3, 2)
ROWS = 60
COLUMNS = {
    "sold_on": "date",
    "shop": "string",
    "units": "integer",
    "more": "integer",
    "price": "number",
    "returned": "integer",
    "fresh": "boolean",
    "sent_at": "timestamp",
    "kind": "string",
    "day_text": "string",
    "about": "string",
    "again": "string",
    "gone": "string",
}
C = "column"

BY_ROW: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "ExpectColumnPairValuesAToBeGreaterThanB": ({"column_A": "more", "column_B": "units"}, {"more": -1}),
    "ExpectColumnPairValuesToBeEqual": ({"column_A": "shop", "column_B": "again"}, {"again": "other"}),
    "ExpectColumnPairValuesToBeInSet": (
        {"column_A": "kind", "column_B": "fresh", "value_pairs_set": [["old", False], ["new", True]]},
        {"kind": "none"},
    ),
    "ExpectColumnValueLengthsToBeBetween": ({C: "kind", "min_value": 3, "max_value": 5}, {"kind": "x"}),
    "ExpectColumnValueLengthsToEqual": ({C: "kind", "value": 3}, {"kind": "x"}),
    "ExpectColumnValuesToBeBetween": ({C: "price", "min_value": 0, "max_value": 10}, {"price": -1.0}),
    "ExpectColumnValuesToBeDateutilParseable": ({C: "day_text"}, {"day_text": "soon"}),
    "ExpectColumnValuesToBeInSet": ({C: "kind", "value_set": ["old", "new"]}, {"kind": "none"}),
    "ExpectColumnValuesToBeJsonParseable": ({C: "about"}, {"about": "{"}),
    "ExpectColumnValuesToBeNull": ({C: "gone"}, {"gone": "x"}),
    "ExpectColumnValuesToMatchJsonSchema": ({C: "about", "json_schema": {"required": ["a"]}}, {"about": "{}"}),
    "ExpectColumnValuesToMatchRegex": ({C: "kind", "regex": "^(old|new)$"}, {"kind": "none"}),
    "ExpectColumnValuesToMatchRegexList": ({C: "kind", "regex_list": ["^old$", "^new$"]}, {"kind": "none"}),
    "ExpectColumnValuesToMatchStrftimeFormat": ({C: "day_text", "strftime_format": "%Y-%m-%d"}, {"day_text": "soon"}),
    "ExpectColumnValuesToNotBeInSet": ({C: "kind", "value_set": ["none"]}, {"kind": "none"}),
    "ExpectColumnValuesToNotBeNull": ({C: "price"}, {"price": None}),
    "ExpectColumnValuesToNotMatchRegex": ({C: "kind", "regex": "^none$"}, {"kind": "none"}),
    "ExpectColumnValuesToNotMatchRegexList": ({C: "kind", "regex_list": ["^none$", "^no"]}, {"kind": "none"}),
    "ExpectMulticolumnSumToEqual": ({"column_list": ["units", "more"], "sum_total": 200}, {"units": 7000}),
    "ExpectMulticolumnValuesToBeEqual": ({"column_list": ["shop", "again"]}, {"again": "other"}),
    "ExpectSelectColumnValuesToBeUniqueWithinRecord": ({"column_list": ["shop", "kind"]}, {"kind": "s1"}),
    "ExpectColumnValuesToBeOfType": ({C: "price", "type_": "float"}, {}),
    "ExpectColumnValuesToBeInTypeList": ({C: "price", "type_list": ["float", "float64"]}, {}),
}
"""Name -> arguments, and what breaks the second row; nothing where a declared type leaves nothing to break."""

COMPARING: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "ExpectColumnValuesToBeUnique": ({C: "units"}, {"units": 0}),
    "ExpectCompoundColumnsToBeUnique": ({"column_list": ["units", "kind"]}, {"units": 0, "kind": "old"}),
    "ExpectColumnValueZScoresToBeLessThan": ({C: "price", "threshold": 3, "double_sided": True}, {"price": 9e9}),
    "ExpectColumnValuesToNotBeOutliers": ({C: "price", "method": "iqr", "multiplier": 3}, {"price": 9e9}),
    "ExpectColumnValuesToBeIncreasing": ({C: "units"}, {"units": 70}),
    "ExpectColumnValuesToBeDecreasing": ({C: "more"}, {"more": 0}),
}

BY_DAY: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "ExpectColumnDistinctValuesToBeInSet": ({C: "kind", "value_set": ["old", "new"]}, {"kind": "none"}),
    "ExpectColumnDistinctValuesToContainSet": ({C: "shop", "value_set": ["s1"]}, {"shop": "other"}),
    "ExpectColumnDistinctValuesToEqualSet": ({C: "kind", "value_set": ["old", "new"]}, {"kind": "none"}),
    "ExpectColumnKLDivergenceToBeLessThan": (
        {C: "kind", "partition_object": {"values": ["old", "new"], "weights": [0.5, 0.5]}, "threshold": 0.01},
        {"kind": "none"},
    ),
    "ExpectColumnMaxToBeBetween": ({C: "price", "max_value": 10}, {"price": 11.0}),
    "ExpectColumnMeanToBeBetween": ({C: "price", "max_value": 10}, {"price": 9e9}),
    "ExpectColumnMedianToBeBetween": ({C: "units", "min_value": 29.5, "max_value": 29.5}, {"units": 99}),
    "ExpectColumnMinToBeBetween": ({C: "price", "min_value": 0}, {"price": -1.0}),
    "ExpectColumnMostCommonValueToBeInSet": ({C: "kind", "value_set": ["old", "new"], "ties_okay": True}, {}),
    "ExpectColumnProportionOfNonNullValuesToBeBetween": ({C: "price", "min_value": 1}, {"price": None}),
    "ExpectColumnProportionOfUniqueValuesToBeBetween": ({C: "units", "min_value": 1}, {"units": 0}),
    "ExpectColumnQuantileValuesToBeBetween": (
        {C: "price", "quantile_ranges": {"quantiles": [1.0], "value_ranges": [[None, 10]]}},
        {"price": 11.0},
    ),
    "ExpectColumnStdevToBeBetween": ({C: "price", "max_value": 10}, {"price": 9e9}),
    "ExpectColumnSumToBeBetween": ({C: "units", "max_value": 1770}, {"units": 7000}),
    "ExpectColumnUniqueValueCountToBeBetween": ({C: "kind", "max_value": 2}, {"kind": "none"}),
    "ExpectTableRowCountToBeBetween": ({"min_value": ROWS}, {"shop": "s0"}),
    "ExpectTableRowCountToEqual": ({"value": ROWS}, {"shop": "s0"}),
    "ExpectColumnToExist": ({C: "price"}, {}),
    "ExpectColumnTypeToBe": ({C: "price", "type_": "float64"}, {}),
    "ExpectTableColumnCountToBeBetween": ({"min_value": 5}, {}),
    "ExpectTableColumnCountToEqual": ({"value": len(COLUMNS)}, {}),
    "ExpectTableColumnsToMatchOrderedList": ({"column_list": list(COLUMNS)}, {}),
    "ExpectTableColumnsToMatchSet": ({"column_set": list(COLUMNS)}, {}),
}
NEED_SQL = {
    "ExpectColumnValuesToMatchLikePattern": {C: "kind", "like_pattern": "o%"},
    "ExpectColumnValuesToMatchLikePatternList": {C: "kind", "like_pattern_list": ["o%"]},
    "ExpectColumnValuesToNotMatchLikePattern": {C: "kind", "like_pattern": "x%"},
    "ExpectColumnValuesToNotMatchLikePatternList": {C: "kind", "like_pattern_list": ["x%"]},
    "ExpectQueryResultsToMatchComparison": {
        "base_query": "select 1",
        "comparison_data_source_name": "x",
        "comparison_query": "select 1",
    },
    "ExpectTableRowCountToEqualOtherTable": {"other_table_name": "sales"},
}
ALL = {**BY_ROW, **COMPARING, **BY_DAY}


def rows(broken: dict[str, Any]) -> pd.DataFrame:
    """Two days; the second row of the first one is broken."""
    parts = []
    for day in (DAY, NEXT):
        number = range(ROWS)
        frame = pd.DataFrame({"sold_on": [day] * ROWS, "shop": [f"s{one}" for one in number], "units": list(number)})
        frame["more"] = [200 - one for one in number]
        frame["price"], frame["returned"] = [1.5 + one % 2 for one in number], [one % 2 for one in number]
        frame["fresh"], frame["kind"] = (
            [one % 2 == 1 for one in number],
            ["new" if one % 2 else "old" for one in number],
        )
        frame["sent_at"], frame["about"] = datetime(2024, 3, 1, 12), '{"a": 1}'
        frame["day_text"], frame["again"], frame["gone"] = "2024-03-01", frame["shop"], None
        parts.append(frame.astype(object))
    whole = pd.concat(parts, ignore_index=True)
    for column, value in broken.items():
        whole.at[1, column] = value
    return whole


@pytest.fixture
def model(sales: Callable[..., ModelConfig]) -> Callable[..., ModelConfig]:
    """The model with these expectations, each at the severity."""

    def make(rules: dict[str, dict[str, Any]], severity: str) -> ModelConfig:
        listed = [{"expect": name, "args": args, "on_failure": severity} for name, args in rules.items()]
        sections = {"features": {"numeric": ["units"]}, "validation": {"rules": listed}}
        source = {"kind": "python", "module": "flights"}
        return sales(source, day="sold_on", columns=COLUMNS, sections=sections)

    return make


def test_the_list_is_whole() -> None:
    """A release of Great Expectations with one more shows here. One of its names has nothing behind it."""
    assert hasattr(gxe, "ExpectMulticolumnValuesToBeUnique") and "ExpectMulticolumnValuesToBeUnique" not in KNOWN
    assert set(KNOWN) == set(ALL) | set(NEED_SQL)


def test_all_are_good_for_lint_and_hold_on_good_days(model: Callable[..., ModelConfig]) -> None:
    config = model({name: args for name, (args, _) in ALL.items()}, "refuse_day")
    assert rule_faults(config) == []
    outcome = validate(config, rows({}), [DAY, NEXT])
    assert [failure.rule for failure in outcome.failures] == ["column_empty:gone"]
    assert len(outcome.accepted) == 2 * ROWS


ONE_OF_A_KIND = [
    "ExpectColumnValuesToBeBetween",
    "ExpectColumnPairValuesToBeEqual",
    "ExpectMulticolumnSumToEqual",
    "ExpectColumnValuesToBeUnique",
    "ExpectColumnMeanToBeBetween",
    "ExpectTableRowCountToEqual",
]
EACH = [(name, "quarantine_row") for name, (_, broken) in ALL.items() if broken]
EACH += [(name, severity) for name in ONE_OF_A_KIND for severity in ("refuse_day", "warn")]


@pytest.mark.parametrize(("name", "severity"), EACH)
def test_a_failing_expectation_means_what_its_severity_says(
    model: Callable[..., ModelConfig], name: str, severity: str
) -> None:
    args, broken = ALL[name]
    outcome = validate(model({name: args}, severity), rows(broken), [DAY, NEXT])
    (failure,) = (failure for failure in outcome.failures if failure.rule.startswith(name))
    assert "np." not in failure.detail and "fails on 1 day (2024-03-01)" in failure.detail
    named = [held for held in outcome.quarantine["rules"] if name in held]
    if severity == "warn":
        assert not outcome.refused_days and not named
    elif severity == "refuse_day" or name in BY_DAY:
        assert list(outcome.refused_days) == [DAY] and name in outcome.refused_days[DAY][0]
    else:
        assert 1 <= len(named) <= 2 and not outcome.refused_days
    assert (outcome.accepted["sold_on"] == NEXT).sum() == ROWS, "the other day is untouched"


@pytest.mark.parametrize("name", NEED_SQL)
def test_an_expectation_that_needs_a_database_is_refused_by_lint(model: Callable[..., ModelConfig], name: str) -> None:
    (fault,) = rule_faults(model({name: NEED_SQL[name]}, "warn"))
    assert fault.startswith(f"validation.rules.0: {name}")


def test_each_knows_whether_rows_are_judged_alone(model: Callable[..., ModelConfig]) -> None:
    config = model({name: args for name, (args, _) in ALL.items()}, "quarantine_row")
    by_name = dict(zip(ALL, bind_rules(config), strict=True))
    assert {name for name, rule in by_name.items() if rule.scope == "row"} == set(BY_ROW)
    assert {name for name, rule in by_name.items() if rule.severity == "refuse_day"} == set(BY_DAY)

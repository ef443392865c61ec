"""How a rule of each kind acts on rows and on days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
import pytest

from include.config.schema import ModelConfig
from include.validation.runner import ValidationOutcome, validate

DAY, NEXT = date(2013, 3, 1), date(2013, 3, 2)
Make = Callable[..., ModelConfig]


def rules_of(outcome: ValidationOutcome) -> dict[str, int]:
    counts: dict[str, int] = outcome.quarantine["rules"].value_counts().to_dict()
    return counts


def failed(outcome: ValidationOutcome) -> dict[str, tuple[str, int]]:
    return {failure.rule: (failure.severity, failure.failed) for failure in outcome.failures}


def test_mostly_is_a_promise_about_each_day(with_rules: Make, two_days: pd.DataFrame) -> None:
    first = two_days["flight_date"] == DAY
    two_days["temp"] = 50.0
    two_days.loc[first & (two_days.groupby("flight_date").cumcount() < 90), "temp"] = 200.0
    rule = ("ExpectColumnValuesToBeBetween", {"column": "temp", "max_value": 120, "mostly": 0.92}, "quarantine_row")
    # 90 of 1,723 rows would pass as a whole; 90 of the first day's 958 do not.
    outcome = validate(with_rules(rule, share=0.2), two_days, [DAY, NEXT])
    assert rules_of(outcome) == {"ExpectColumnValuesToBeBetween:temp": 90}
    alone = validate(with_rules(rule, share=0.2), two_days[first], [DAY])
    pd.testing.assert_frame_equal(alone.quarantine, outcome.quarantine)


def test_mostly_that_holds_quarantines_nothing(with_rules: Make, day: pd.DataFrame) -> None:
    day["temp"] = np.where(day.index < 10, 200.0, 50.0)
    rule = ("ExpectColumnValuesToBeBetween", {"column": "temp", "max_value": 120, "mostly": 0.92}, "refuse_day")
    outcome = validate(with_rules(rule), day, [DAY])
    assert outcome.quarantine.empty
    assert not outcome.refused_days
    assert outcome.failures == ()


def test_a_warning_sets_nothing_aside(with_rules: Make, day: pd.DataFrame) -> None:
    day.loc[[4, 5], "temp"] = 200.0
    rules = [("ExpectColumnValuesToBeBetween", {"column": "temp", "max_value": 120}, "warn")]
    rules += [("ExpectColumnMeanToBeBetween", {"column": "temp", "max_value": -100}, "warn")]
    outcome = validate(with_rules(*rules), day, [DAY])
    assert len(outcome.accepted) == 958
    assert outcome.quarantine.empty
    assert failed(outcome) == {
        "ExpectColumnValuesToBeBetween:temp": ("warn", 2),
        "ExpectColumnMeanToBeBetween:temp": ("warn", 1),
    }


def test_a_row_rule_that_refuses_refuses_only_the_days_of_its_rows(with_rules: Make, two_days: pd.DataFrame) -> None:
    at = two_days.index[two_days["flight_date"] == NEXT][0]
    two_days.loc[at, "temp"] = 200.0
    rule = ("ExpectColumnValuesToBeBetween", {"column": "temp", "max_value": 120}, "refuse_day")
    outcome = validate(with_rules(rule), two_days, [DAY, NEXT])
    assert outcome.refused_days == {NEXT: ("ExpectColumnValuesToBeBetween:temp: 1 row of 765 fail, such as 200.0",)}
    assert len(outcome.quarantine) == 1
    assert len(outcome.accepted) == 958


def test_rules_that_compare_rows_look_at_one_day_at_a_time(with_rules: Make, two_days: pd.DataFrame) -> None:
    two_days["tailnum"] = [f"N{number}" for number in two_days.groupby("flight_date").cumcount()]
    rule = ("ExpectColumnValuesToBeUnique", {"column": "tailnum"}, "quarantine_row")
    assert validate(with_rules(rule), two_days, [DAY, NEXT]).quarantine.empty
    two_days.loc[[0, 1], "tailnum"] = "N0"
    assert rules_of(validate(with_rules(rule), two_days, [DAY, NEXT])) == {"ExpectColumnValuesToBeUnique:tailnum": 2}


def test_rules_of_several_columns_name_their_rows(with_rules: Make, day: pd.DataFrame) -> None:
    day.loc[[4, 7], "distance"] = -1.0
    args = {"column_A": "distance", "column_B": "hour"}
    rule = ("ExpectColumnPairValuesAToBeGreaterThanB", args, "quarantine_row")
    expected = day.index[day["distance"] <= day["hour"]]
    outcome = validate(with_rules(rule), day, [DAY])
    assert rules_of(outcome) == {"ExpectColumnPairValuesAToBeGreaterThanB:distance,hour": len(expected)}
    assert {4, 7} <= set(expected)


@pytest.mark.parametrize("severity", ["refuse_day", "warn"])
def test_a_rule_that_raises_is_a_refusal_that_names_the_exception(
    with_rules: Make, day: pd.DataFrame, severity: str
) -> None:
    mean = ("ExpectColumnMeanToBeBetween", {"column": "carrier", "min_value": 1}, severity)
    outcome = validate(with_rules(mean), day, [DAY])
    (reason,) = outcome.refused_days[DAY]
    assert reason.startswith("ExpectColumnMeanToBeBetween:carrier could not be evaluated: TypeError: ")
    between = ("ExpectColumnValuesToBeBetween", {"column": "carrier", "min_value": 1}, severity)
    outcome = validate(with_rules(between), day, [DAY])
    assert "ExpectColumnValuesToBeBetween:carrier could not be evaluated: " in outcome.refused_days[DAY][0]
    assert outcome.accepted.empty


def test_a_rule_about_a_day_sees_what_would_be_written(with_rules: Make, day: pd.DataFrame) -> None:
    day["temp"] = 50.0
    day.loc[0, "temp"] = 1e9
    highest = ("ExpectColumnMaxToBeBetween", {"column": "temp", "max_value": 60}, "refuse_day")
    between = ("ExpectColumnValuesToBeBetween", {"column": "temp", "max_value": 120}, "quarantine_row")
    assert set(validate(with_rules(highest), day, [DAY]).refused_days) == {DAY}
    assert not validate(with_rules(highest, between), day, [DAY]).refused_days

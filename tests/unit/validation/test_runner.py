"""Bad days, each with the exact outcome."""

from __future__ import annotations

import json
from datetime import UTC, date

import numpy as np
import pandas as pd
import pytest

from include.config.schema import ModelConfig
from include.errors import PermanentError
from include.validation.runner import ValidationOutcome, validate

DAY, NEXT = date(2013, 3, 1), date(2013, 3, 2)


def rules_of(outcome: ValidationOutcome) -> dict[str, int]:
    counts: dict[str, int] = outcome.quarantine["rules"].value_counts().to_dict()
    return counts


def failed(outcome: ValidationOutcome) -> dict[str, tuple[str, int]]:
    return {failure.rule: (failure.severity, failure.failed) for failure in outcome.failures}


def test_a_clean_day_is_accepted_exactly_as_delivered(flight_delay: ModelConfig, day: pd.DataFrame) -> None:
    outcome = validate(flight_delay, day, [DAY])
    pd.testing.assert_frame_equal(outcome.accepted, day)
    assert outcome.quarantine.empty
    assert list(outcome.quarantine.columns) == ["day", "row_key", "rules", "row"]
    assert not outcome.refused_days
    assert outcome.failures == ()
    assert outcome.rows_read == {DAY: 958}


def test_one_bad_row_is_set_aside_with_rule_day_and_original_values(
    flight_delay: ModelConfig, day: pd.DataFrame
) -> None:
    day.loc[17, "origin"] = "ABQ"
    day["gate"] = "B12"
    outcome = validate(flight_delay, day, [DAY])
    assert len(outcome.quarantine) == 1
    row = outcome.quarantine.iloc[0]
    assert row["day"] == DAY
    assert row["rules"] == "ExpectColumnValuesToBeInSet:origin"
    assert row["row_key"] == "2013-03-01|{carrier}|{flight}|ABQ|{sched_dep_time}".format(**day.loc[17])
    original = json.loads(row["row"])
    assert original["origin"] == "ABQ"
    assert original["gate"] == "B12"
    assert original["flight"] == day.loc[17, "flight"]
    assert original["flight_date"] == "2013-03-01"
    assert set(original) == set(day.columns)
    expected = day.drop(index=17).drop(columns="gate").reset_index(drop=True)
    pd.testing.assert_frame_equal(outcome.accepted, expected)
    assert failed(outcome) == {
        "column_unexpected:gate": ("warn", 958),
        "ExpectColumnValuesToBeInSet:origin": ("quarantine_row", 1),
    }


def test_a_row_that_fails_twice_names_both_rules(flight_delay: ModelConfig, day: pd.DataFrame) -> None:
    day.loc[3, ["origin", "temp"]] = ["ABQ", 500.0]
    outcome = validate(flight_delay, day, [DAY])
    assert rules_of(outcome) == {"ExpectColumnValuesToBeInSet:origin; ExpectColumnValuesToBeBetween:temp": 1}


def test_a_missing_column_refuses_the_day_and_keeps_all_rows(flight_delay: ModelConfig, day: pd.DataFrame) -> None:
    outcome = validate(flight_delay, day.drop(columns=["temp", "dest"]), [DAY])
    assert outcome.refused_days == {DAY: ("2 columns missing from what the source delivered: dest, temp",)}
    assert rules_of(outcome) == {"column_exists:dest; column_exists:temp": 958}
    assert outcome.accepted.empty
    assert list(outcome.accepted.columns) == list(flight_delay.data.columns)
    assert failed(outcome)["column_exists:temp"] == ("refuse_day", 958)


def test_without_the_day_column_rows_are_kept_under_the_first_day(
    flight_delay: ModelConfig, two_days: pd.DataFrame
) -> None:
    outcome = validate(flight_delay, two_days.drop(columns="flight_date"), [DAY, NEXT])
    assert set(outcome.refused_days) == {DAY, NEXT}
    assert set(outcome.quarantine["day"]) == {DAY}
    assert len(outcome.quarantine) == len(two_days)


def test_text_in_some_rows_of_a_number_column(flight_delay: ModelConfig, day: pd.DataFrame) -> None:
    day["distance"] = day["distance"].astype(object)
    day.loc[[2, 5], "distance"] = ["far", "12 miles"]
    outcome = validate(flight_delay, day, [DAY])
    assert rules_of(outcome) == {"column_type:distance": 2}
    assert [json.loads(row)["distance"] for row in outcome.quarantine["row"]] == ["far", "12 miles"]
    assert outcome.accepted["distance"].dtype == "float64"
    assert len(outcome.accepted) == 956
    assert not outcome.refused_days


def test_text_in_the_whole_of_a_number_column(flight_delay: ModelConfig, day: pd.DataFrame) -> None:
    outcome = validate(flight_delay, day.assign(distance="far"), [DAY])
    assert outcome.refused_days == {
        DAY: (
            "100.0% of its rows (958 of 958) were set aside, more than max_quarantined_share 5.0%: "
            "column_type:distance 958",
        )
    }
    assert rules_of(outcome) == {"column_type:distance": 958}
    assert outcome.accepted.empty


def test_thirty_percent_duplicates(flight_delay: ModelConfig, day: pd.DataFrame) -> None:
    repeated = pd.concat([day, day.head(410)], ignore_index=True)
    outcome = validate(flight_delay, repeated, [DAY])
    assert rules_of(outcome) == {"duplicate_key": 410}
    (reason,) = outcome.refused_days[DAY]
    assert reason.startswith("30.0% of its rows (410 of 1,368) were set aside")


def test_of_a_few_duplicates_the_first_is_kept(flight_delay: ModelConfig, day: pd.DataFrame) -> None:
    again = day.head(3).assign(temp=99.0)
    outcome = validate(flight_delay, pd.concat([day, again], ignore_index=True), [DAY])
    assert rules_of(outcome) == {"duplicate_key": 3}
    pd.testing.assert_frame_equal(outcome.accepted, day)


def test_a_bad_first_row_does_not_take_its_good_repeat_with_it(flight_delay: ModelConfig, day: pd.DataFrame) -> None:
    bad = day.head(1).assign(temp=500.0)
    outcome = validate(flight_delay, pd.concat([bad, day], ignore_index=True), [DAY])
    assert rules_of(outcome) == {"ExpectColumnValuesToBeBetween:temp": 1}
    pd.testing.assert_frame_equal(outcome.accepted, day)


@pytest.mark.parametrize("columns", [True, False])
def test_an_empty_day_is_refused(flight_delay: ModelConfig, day: pd.DataFrame, columns: bool) -> None:
    outcome = validate(flight_delay, day.head(0) if columns else pd.DataFrame(), [DAY])
    assert outcome.refused_days == {DAY: ("the source delivered no rows of 2013-03-01",)}
    assert outcome.quarantine.empty
    assert outcome.accepted.empty
    assert failed(outcome) == {"day_not_empty": ("refuse_day", 1)}


def test_too_few_rows_refuse_the_day_by_its_rule(flight_delay: ModelConfig, day: pd.DataFrame) -> None:
    outcome = validate(flight_delay, day.head(150), [DAY])
    assert outcome.refused_days == {
        DAY: ("ExpectTableRowCountToBeBetween: found 150, demanded min_value 200, max_value 2000",)
    }
    assert outcome.quarantine.empty  # no single row is at fault


def test_a_new_carrier_is_accepted(flight_delay: ModelConfig, day: pd.DataFrame) -> None:
    day.loc[0, "carrier"] = "ZZ"
    outcome = validate(flight_delay, day, [DAY])
    assert len(outcome.accepted) == 958
    assert not outcome.refused_days


def test_rows_of_another_day_go_under_the_first_day_asked(flight_delay: ModelConfig, two_days: pd.DataFrame) -> None:
    few = two_days.drop(index=two_days[two_days["flight_date"] == NEXT].index[20:])
    outcome = validate(flight_delay, few, [DAY])
    assert rules_of(outcome) == {"day_asked": 20}
    assert set(outcome.quarantine["day"]) == {DAY}
    assert all(key.startswith("2013-03-02|") for key in outcome.quarantine["row_key"])
    assert len(outcome.accepted) == 958
    assert outcome.rows_read == {DAY: 978}


def test_a_day_with_rows_of_another_day_only_is_refused(flight_delay: ModelConfig, day: pd.DataFrame) -> None:
    outcome = validate(flight_delay, day, [NEXT])
    assert rules_of(outcome) == {"day_asked": 958}
    assert outcome.refused_days[NEXT][0].startswith("the source delivered no rows of 2013-03-02; 958 rows")


def test_all_labels_null(flight_delay: ModelConfig, day: pd.DataFrame) -> None:
    outcome = validate(flight_delay, day.assign(disrupted=None), [DAY])
    assert rules_of(outcome) == {"ExpectColumnValuesToNotBeNull:disrupted": 958}
    assert "100.0% of its rows (958 of 958)" in outcome.refused_days[DAY][0]


def test_null_keys(flight_delay: ModelConfig, day: pd.DataFrame) -> None:
    day["flight"] = day["flight"].astype("Int64")
    day.loc[1, "flight"] = pd.NA
    day.loc[2, "flight_date"] = None
    outcome = validate(flight_delay, day, [DAY])
    assert rules_of(outcome) == {"key_not_null": 1, "key_not_null; undated": 1}
    assert outcome.quarantine["day"].tolist() == [DAY, None]
    assert outcome.rows_read == {DAY: 957}
    assert outcome.quarantine["row_key"].tolist()[0] == "2013-03-01|{carrier}||{origin}|{sched_dep_time}".format(
        **day.loc[1]
    )
    assert len(outcome.accepted) == 956
    assert outcome.accepted["flight"].dtype == "int64"


def test_rows_without_a_day_count_against_none(flight_delay: ModelConfig, day: pd.DataFrame) -> None:
    """A tenth of the rows is twice what may be set aside of a day; but they are of no day."""
    days = day["flight_date"].astype(object)
    days[:60], days[60:100] = None, "1/3/13"
    outcome = validate(flight_delay, day.assign(flight_date=days), [DAY])
    assert not outcome.refused_days
    assert len(outcome.accepted) == 858 == outcome.rows_read[DAY]
    assert outcome.quarantine["day"].isna().sum() == len(outcome.quarantine) == 100
    told = {failure.rule: failure for failure in outcome.failures}
    assert set(told) == {"undated"} and told["undated"].failed == 100
    assert "empty in 60 and flight_date holds '1/3/13' in 40" in told["undated"].detail


def test_infinite_numbers(flight_delay: ModelConfig, day: pd.DataFrame) -> None:
    day.loc[[0, 1, 2], "pressure"] = [np.inf, -np.inf, np.nan]
    outcome = validate(flight_delay, day, [DAY])
    assert rules_of(outcome) == {"column_type:pressure": 2}
    assert [json.loads(row)["pressure"] for row in outcome.quarantine["row"]] == ["inf", "-inf"]
    assert len(outcome.accepted) == 956


@pytest.mark.parametrize("times", [list(range(958)), ["five o'clock"] * 958], ids=["numbers", "text"])
def test_wrong_time_types(flight_delay: ModelConfig, day: pd.DataFrame, times: object) -> None:
    """They refuse the day where something needs the column; else the night says that it stores none of them."""
    wrong = day.assign(scheduled_departure=times)
    data = flight_delay.data.model_copy(update={"known_afterwards": ("scheduled_departure",)})
    needed = validate(flight_delay.model_copy(update={"data": data}), wrong, [DAY])
    assert rules_of(needed) == {"column_type:scheduled_departure": 958} and set(needed.refused_days) == {DAY}
    told = validate(flight_delay, wrong, [DAY])
    assert not told.refused_days and told.accepted["scheduled_departure"].isna().all() and len(told.accepted) == 958
    assert {failure.rule: failure.severity for failure in told.failures}["column_type:scheduled_departure"] == "warn"


def test_a_moment_with_a_zone_is_a_time_stamp(flight_delay: ModelConfig, day: pd.DataFrame) -> None:
    moments = pd.date_range("2013-03-01", periods=958, freq="min", tz=UTC)
    outcome = validate(flight_delay, day.assign(scheduled_departure=moments), [DAY])
    assert not outcome.failures and outcome.accepted["scheduled_departure"].notna().all()


def test_a_time_of_day_is_no_day(flight_delay: ModelConfig, day: pd.DataFrame) -> None:
    outcome = validate(flight_delay, day.assign(flight_date=day["scheduled_departure"]), [DAY])
    assert set(outcome.refused_days) == {DAY}
    assert outcome.quarantine["rules"].str.startswith("column_type:flight_date").all()


def test_a_bad_day_of_a_range_leaves_the_others_alone(flight_delay: ModelConfig, two_days: pd.DataFrame) -> None:
    second = two_days["flight_date"] == NEXT
    two_days.loc[second, "origin"] = "ABQ"
    outcome = validate(flight_delay, two_days, [DAY, NEXT])
    assert set(outcome.refused_days) == {NEXT}
    assert set(outcome.quarantine["day"]) == {NEXT}
    pd.testing.assert_frame_equal(outcome.accepted, two_days[~second].reset_index(drop=True))


def test_the_same_rows_give_the_same_outcome_whatever_the_index(flight_delay: ModelConfig, day: pd.DataFrame) -> None:
    day.loc[17, "origin"] = "ABQ"
    first = validate(flight_delay, day, [DAY])
    again = validate(flight_delay, day.set_index(pd.Index([5] * len(day))), [DAY])
    pd.testing.assert_frame_equal(first.accepted, again.accepted)
    pd.testing.assert_frame_equal(first.quarantine, again.quarantine)
    assert first.failures == again.failures


def test_every_row_read_is_somewhere(flight_delay: ModelConfig, two_days: pd.DataFrame) -> None:
    two_days.loc[::100, "origin"] = "ABQ"
    outcome = validate(flight_delay, pd.concat([two_days, two_days.head(5)]), [DAY, NEXT])
    assert len(outcome.accepted) + len(outcome.quarantine) == len(two_days) + 5
    assert sum(outcome.rows_read.values()) == len(two_days) + 5


def test_a_column_delivered_twice_is_an_error(flight_delay: ModelConfig, day: pd.DataFrame) -> None:
    doubled = pd.concat([day, day[["temp"]]], axis=1)
    with pytest.raises(PermanentError, match=r"sources/flights\.py delivered column temp twice"):
        validate(flight_delay, doubled, [DAY])


def test_no_days_are_an_error(flight_delay: ModelConfig, day: pd.DataFrame) -> None:
    with pytest.raises(PermanentError, match="no days"):
        validate(flight_delay, day, [])

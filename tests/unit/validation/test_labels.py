from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from include.config.schema import ModelConfig
from include.contracts import DayRange, LabelUpdate
from include.data import tables, windows
from include.data.sources import flights
from include.errors import PermanentError, TransientError
from include.validation import labels
from include.validation.ingest import ingest
from include.validation.labels import refresh_labels, with_labels

DAY, NEXT, NIGHT = date(2013, 3, 1), date(2013, 3, 2), date(2013, 3, 4)
MODEL = "flight_delay"
COLUMNS = ["day", "row_key", "disrupted", "temp"]


@pytest.fixture
def slow(flight_delay: ModelConfig) -> ModelConfig:
    """The shipped model, but labels count from two weeks after the flight."""
    return flight_delay.model_copy(update={"data": flight_delay.data.model_copy(update={"label_delay_days": 14})})


@pytest.fixture
def delivered(state: Path, monkeypatch: pytest.MonkeyPatch, two_days: pd.DataFrame) -> pd.DataFrame:
    """What the source delivers from now on: change it in place. Only the answer of the source is replaced."""
    two_days["disrupted"] = two_days["disrupted"].astype("float64")

    def read(start: date, end: date) -> pd.DataFrame:
        days = two_days["flight_date"]
        return two_days[(days >= start) & (days <= end)].reset_index(drop=True)

    monkeypatch.setattr(flights, "read", read)
    return two_days


def stored() -> pd.DataFrame:
    frame = tables.read(MODEL, "validated", COLUMNS)
    return frame.sort_values(["day", "row_key"], ignore_index=True)


def quarantined() -> int:
    return len(tables.read(MODEL, "quarantine", ["row_key"]))


def test_a_row_without_its_label_waits_for_it_and_is_not_set_aside(delivered: pd.DataFrame, slow: ModelConfig) -> None:
    truth = delivered["disrupted"].copy()
    delivered["disrupted"] = float("nan")
    early = ingest(slow, DAY, NEXT, NIGHT)
    assert [one.validated for one in early.days] == [958, 765] and not early.failures
    assert stored()["disrupted"].isna().all() and quarantined() == 0
    delivered["disrupted"] = truth
    delivered["temp"] = -20.0  # what the model saw when it scored stays
    result = refresh_labels(slow, NIGHT)
    assert result.days == (LabelUpdate(day=DAY, arrived=958), LabelUpdate(day=NEXT, arrived=765))
    after = stored()
    assert after["disrupted"].sum() == truth.sum() and (after["temp"] > -20).any()
    assert quarantined() == 0


def test_a_label_that_never_came_is_a_fault_once_its_day_has_matured(
    delivered: pd.DataFrame, flight_delay: ModelConfig, slow: ModelConfig
) -> None:
    delivered.loc[:9, "disrupted"] = float("nan")
    assert ingest(slow, DAY, DAY, NIGHT).days[0].quarantined == 0
    matured = ingest(flight_delay, DAY, DAY, NIGHT)
    assert matured.days[0].quarantined == 10
    assert "ExpectColumnValuesToNotBeNull:disrupted" in {failure.rule for failure in matured.failures}
    assert ingest(flight_delay, DAY, DAY).days[0].quarantined == 10  # no night named: every label is expected


def test_a_rule_on_the_days_labels_waits_for_them(
    delivered: pd.DataFrame, with_rules: Callable[..., ModelConfig]
) -> None:
    rate = ("ExpectColumnMeanToBeBetween", {"column": "disrupted", "min_value": 0.05, "max_value": 0.5}, "refuse_day")
    known = ("ExpectColumnValuesToBeInSet", {"column": "disrupted", "value_set": [0, 1]}, "quarantine_row")
    config = with_rules(rate, known)
    slow = config.model_copy(update={"data": config.data.model_copy(update={"label_delay_days": 14})})
    delivered["disrupted"] = float("nan")
    delivered.loc[0, "disrupted"] = 7.0
    result = ingest(slow, DAY, DAY, NIGHT)
    assert not result.refused_days and result.days[0].quarantined == 1
    assert ingest(config, DAY, DAY, NIGHT).refused_days


def test_a_corrected_label_replaces_only_its_days_and_only_once(
    delivered: pd.DataFrame, flight_delay: ModelConfig
) -> None:
    ingest(flight_delay, DAY, NEXT, NIGHT)
    before, digests = stored(), tables.partition_snapshots(MODEL, "validated")
    delivered.loc[[3, 4], "disrupted"] = 1 - delivered.loc[[3, 4], "disrupted"]
    version = tables.table_version(MODEL, "validated")
    result = refresh_labels(flight_delay, NIGHT)
    assert result.days == (LabelUpdate(day=DAY, corrected=2),)
    assert result.table_version == (version or 0) + 1
    now = tables.partition_snapshots(MODEL, "validated")
    assert now["2013-03-01"] != digests["2013-03-01"] and now["2013-03-02"] == digests["2013-03-02"]
    assert (stored()["disrupted"] != before["disrupted"]).sum() == 2
    assert refresh_labels(flight_delay, NIGHT).days == ()
    assert tables.table_version(MODEL, "validated") == result.table_version
    old = tables.read(MODEL, "validated", COLUMNS, version=version).sort_values(["day", "row_key"], ignore_index=True)
    pd.testing.assert_frame_equal(old, before)  # a version pins rows and labels


def test_rows_are_written_back_exactly_as_they_were(delivered: pd.DataFrame, flight_delay: ModelConfig) -> None:
    delivered["flight"] = delivered["flight"].astype("int64")
    delivered.loc[5, "flight"] = 2**60 + 1  # a float would lose the last digit
    delivered.loc[6, "sched_arr_time"] = None
    ingest(flight_delay, DAY, DAY, NIGHT)
    before = tables.read(MODEL, "validated", exact=True).sort_values("row_key", ignore_index=True)
    delivered.loc[5, "disrupted"] = 1 - delivered.loc[5, "disrupted"]
    refresh_labels(flight_delay, NIGHT)
    after = tables.read(MODEL, "validated", exact=True).sort_values("row_key", ignore_index=True)
    others = [name for name in before.columns if name != "disrupted"]
    pd.testing.assert_frame_equal(after[others], before[others])
    assert (after["flight"] == 2**60 + 1).sum() == 1


def test_labels_do_not_change_what_scores_were_made_from(delivered: pd.DataFrame, flight_delay: ModelConfig) -> None:
    days = DayRange(start=DAY, end=NEXT)
    ingest(flight_delay, DAY, NEXT, NIGHT)
    first = windows.row_snapshots(flight_delay, days)
    for row in (3, 1000, 3):
        delivered.loc[row, "disrupted"] = 1 - delivered.loc[row, "disrupted"]
        assert refresh_labels(flight_delay, NIGHT).days[0].corrected == 1
        assert windows.row_snapshots(flight_delay, days) == first != windows.validated_days(flight_delay, days)
    ingest(flight_delay, DAY, DAY, NIGHT)  # rows read again are rows that are to be scored again
    again = windows.row_snapshots(flight_delay, days)
    assert again[DAY] != first[DAY] and again[NEXT] == first[NEXT]


def test_days_beyond_delay_and_corrections_are_left_alone(delivered: pd.DataFrame, flight_delay: ModelConfig) -> None:
    ingest(flight_delay, DAY, NEXT, NIGHT)
    delivered["disrupted"] = 1 - delivered["disrupted"]
    assert refresh_labels(flight_delay, date(2013, 3, 11)).looked_at is None
    result = refresh_labels(flight_delay, date(2013, 3, 10))
    assert [one.day for one in result.days] == [NEXT]


def test_a_label_that_is_not_allowed_or_missing_leaves_the_stored_one(
    delivered: pd.DataFrame, flight_delay: ModelConfig
) -> None:
    ingest(flight_delay, DAY, DAY, NIGHT)
    before = stored()
    delivered.loc[0, "disrupted"] = 7.0
    delivered.loc[1, "disrupted"] = float("nan")
    result = refresh_labels(flight_delay, NIGHT)
    assert result.days == (LabelUpdate(day=DAY, set_aside=1),)
    assert result.summary() == ["2013-03-01: 1 labels left out: not allowed by type or rule"]
    pd.testing.assert_frame_equal(stored(), before)
    delivered["disrupted"] = 7.0
    refused = refresh_labels(flight_delay, NIGHT)
    assert refused.days[0].refused.startswith("100.0% of its rows") and quarantined() == 0
    pd.testing.assert_frame_equal(stored(), before)


def test_labels_of_rows_that_are_not_stored_are_counted(delivered: pd.DataFrame, flight_delay: ModelConfig) -> None:
    delivered.loc[0, "origin"] = "ABQ"
    ingest(flight_delay, DAY, DAY, NIGHT)
    assert refresh_labels(flight_delay, NIGHT).days == (LabelUpdate(day=DAY, without_row=1),)
    assert quarantined() == 1


def test_a_day_that_another_writer_replaces_meanwhile_is_not_overwritten(
    delivered: pd.DataFrame, flight_delay: ModelConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(flight_delay, DAY, DAY, NIGHT)
    delivered.loc[0, "disrupted"] = 1 - delivered.loc[0, "disrupted"]
    validate = labels.validate

    def slowly(*args: object) -> object:
        ingest(flight_delay, DAY, DAY, NIGHT)
        return validate(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(labels, "validate", slowly)
    with pytest.raises(TransientError, match="2013-03-01 was replaced by another writer"):
        refresh_labels(flight_delay, NIGHT)


def test_labels_that_live_elsewhere_meet_their_rows(
    delivered: pd.DataFrame,
    flight_delay: ModelConfig,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    config = flight_delay.model_copy(
        update={"data": flight_delay.data.model_copy(update={"labels": flight_delay.data.source})}
    )
    known = delivered[[*config.data.key, "disrupted"]].copy()
    known["flight"] = known["flight"].astype(str)  # another system, another type
    known.loc[0, "disrupted"] = None
    twice = pd.concat([known, known.iloc[[1]].assign(disrupted=1 - known["disrupted"][1])])
    del delivered["disrupted"]
    with caplog.at_level(logging.WARNING):
        joined = with_labels(config, delivered, twice)
    assert "1 rows are given two different labels" in caplog.text
    assert joined["disrupted"].isna().tolist() == [True, True, *[False] * 1721]
    assert joined["disrupted"][2:].tolist() == known["disrupted"][2:].tolist()
    monkeypatch.setattr("include.validation.ingest.read_labels", lambda config, start, end: known)
    assert ingest(config, DAY, NEXT).days[0].quarantined == 1  # the one without a label, on a matured day


def test_a_source_without_a_label_is_named(delivered: pd.DataFrame, flight_delay: ModelConfig) -> None:
    ingest(flight_delay, DAY, DAY, NIGHT)
    del delivered["disrupted"]
    with pytest.raises(PermanentError, match=r"sources/flights.py delivered lack disrupted; it must give"):
        refresh_labels(flight_delay, NIGHT)


def test_rows_do_not_wait_for_a_source_of_labels_that_is_down(
    delivered: pd.DataFrame, slow: ModelConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(config: ModelConfig, start: date, end: date) -> pd.DataFrame:
        raise TransientError("the other system does not answer")

    monkeypatch.setattr("include.validation.ingest.read_labels", down)
    elsewhere = slow.model_copy(update={"data": slow.data.model_copy(update={"labels": slow.data.source})})
    del delivered["disrupted"]
    assert [one.validated for one in ingest(elsewhere, DAY, NEXT, NIGHT).days] == [958, 765]
    with pytest.raises(TransientError):
        ingest(elsewhere, DAY, NEXT, date(2013, 3, 15))  # the labels of the first day have matured


def test_labels_are_merged_without_any_rule_on_them(
    delivered: pd.DataFrame, with_rules: Callable[..., ModelConfig]
) -> None:
    config = with_rules()
    ingest(config, DAY, DAY, NIGHT)
    delivered.loc[0, "disrupted"] = 1 - delivered.loc[0, "disrupted"]
    assert refresh_labels(config, NIGHT).days == (LabelUpdate(day=DAY, corrected=1),)


def test_a_row_that_is_given_two_labels_keeps_the_one_it_has(
    delivered: pd.DataFrame, flight_delay: ModelConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(flight_delay, DAY, DAY, NIGHT)
    other = delivered.assign(disrupted=1 - delivered["disrupted"])
    both = pd.concat([other.iloc[[0, 1]], delivered.iloc[[0]], other.iloc[[1]]])
    monkeypatch.setattr(labels, "read_labels", lambda config, start, end: both)
    assert refresh_labels(flight_delay, NIGHT).days == (LabelUpdate(day=DAY, corrected=1),)

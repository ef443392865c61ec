"""Lines are added once, never changed, and come back as they were."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from include.data import tables
from include.release import ledger

MODEL = "parcels"
START = datetime(2024, 3, 1, 3, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _tables(state):
    """Tables of the test's own."""


def test_no_table_is_an_empty_history():
    assert ledger.history(MODEL) == []


def test_lines_come_back_as_they_were_and_oldest_first(event):
    first = event(at=START, champion_before=None, evidence="ROC AUC +0.01", reason="Schöne Grüße, 'quoted'")
    second = event(at=START + timedelta(seconds=1), event="promoted")
    assert ledger.append(second) == second
    assert ledger.append(first) == first
    assert ledger.history(MODEL) == [first, second]


def test_a_line_with_no_champion_at_all_comes_back(event):
    line = event(event="refused", champion_before=None, champion_after=None)
    ledger.append(line)
    assert ledger.history(MODEL) == [line]


def test_the_same_line_of_a_run_is_added_once(event):
    first = ledger.append(event(at=START))
    version = tables.table_version(MODEL, ledger.TABLE)
    again = ledger.append(event(at=START + timedelta(hours=1), reason="a retry"))
    assert again == first
    assert tables.table_version(MODEL, ledger.TABLE) == version


def test_another_run_event_or_version_is_another_line(event):
    lines = [
        event(at=START + timedelta(seconds=number), **said)
        for number, said in enumerate(
            [{}, {"event": "promoted"}, {"airflow_run_id": "run-9"}, {"version": 3, "airflow_run_id": "run-9"}]
        )
    ]
    for line in lines:
        ledger.append(line)
    assert ledger.history(MODEL) == lines


def test_a_run_that_was_refused_and_tried_again_can_be_closed_again(event):
    events = ["refused", "intended", "refused"]
    for number, name in enumerate(events):
        ledger.append(event(at=START + timedelta(seconds=number), event=name))
    assert [line.event for line in ledger.history(MODEL)] == events

"""Lines are added once, never changed, and come back as they were."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from include.contracts import ReleaseEvent
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


def test_the_answer_of_another_person_is_another_line(event):
    gates = ledger.append(event(at=START, event="refused"))
    anna = ledger.append(event(at=START + timedelta(hours=1), event="refused", answered_by="anna"))
    ledger.append(event(at=START + timedelta(hours=2), event="refused", answered_by="anna"))
    assert ledger.history(MODEL) == [gates, anna]


def test_a_ledger_without_the_newer_columns_is_read_and_goes_on(event):
    old = event(at=START, event="refused")
    written_before(old)
    assert ledger.history(MODEL) == [old]
    new = event(at=START + timedelta(seconds=1), event="promoted", rule="non_inferiority", answered_by="anna")
    ledger.append(new)
    assert ledger.history(MODEL) == [old, new]


def written_before(line: ReleaseEvent) -> None:
    """Add a line as it was written before the newer columns were there."""
    newer = (*ledger.NEWER, "interrupted")
    fields = [field for field in ledger.SCHEMA if field.name not in newer]
    tables.append(MODEL, ledger.TABLE, ledger.row_of(line).drop(columns=list(newer)), pa.schema(fields))


@pytest.mark.parametrize(
    ("said", "aims_at", "interrupted"),
    [
        ({"event": "intended", "evidence": "rollback of version 3"}, "rolled_back", False),
        ({"event": "intended", "evidence": "against version 3: ROC AUC +0.01"}, "promoted", False),
        ({"event": "refused", "reason": "interrupted before the alias moved; the champion is version 3"}, "", True),
        ({"event": "refused", "reason": "gates refused it: interrupted"}, "", False),
        ({"event": "promoted", "evidence": "rollback of version 3"}, "", False),
    ],
)
def test_what_a_line_of_before_says_in_words_is_understood(event, said, aims_at, interrupted):
    written_before(event(at=START, **said))
    [line] = ledger.history(MODEL)
    assert (line.aims_at, line.interrupted) == (aims_at, interrupted)


def test_a_column_of_a_later_version_does_not_stop_an_earlier_one(event):
    line = event(at=START)
    schema = ledger.SCHEMA.append(pa.field("mood", pa.string()))
    tables.append(MODEL, ledger.TABLE, ledger.row_of(line).assign(mood="calm"), schema)
    assert ledger.history(MODEL) == [line]


def test_many_lines_are_few_files_and_every_state_stays_readable(event, monkeypatch):
    monkeypatch.setattr(ledger, "SMALL_FILES", 4)
    lines = []
    for number in range(1, 12):
        for second, name in enumerate(("intended", "promoted")):
            at = START + timedelta(hours=number, seconds=second)
            lines.append(ledger.append(event(at=at, event=name, version=number, airflow_run_id=f"run-{number}")))
    assert ledger.history(MODEL) == lines
    assert len(tables.DeltaTable(tables.table_uri(MODEL, ledger.TABLE)).file_uris()) <= 5
    assert [len(tables.read(MODEL, ledger.TABLE, version=number)) for number in (1, 2, 4)] == [1, 2, 4]


SUP, NON, BACK = "superiority", "non_inferiority", "back"


@pytest.mark.parametrize(
    ("released", "champion", "anchor"),
    [
        ([], None, None),
        ([], 7, 7),  # served before there was a ledger
        ([("first_release", 1, None)], 1, 1),
        ([("first_release", 1, None), (SUP, 2, 1)], 2, 2),
        ([("", 1, None), ("", 2, 1)], 2, 2),  # lines of an earlier version of Nightshift
        ([("first_release", 1, None), (NON, 2, 1), (NON, 3, 2), (NON, 4, 3)], 4, 1),
        ([("first_release", 1, None), (NON, 2, 1), (SUP, 3, 2), (NON, 4, 3)], 4, 3),
        ([(SUP, 1, None), (SUP, 2, 1), (BACK, 1, 2), (NON, 3, 1)], 3, 1),
        ([(SUP, 1, None), (NON, 2, 1), (SUP, 3, 2), (BACK, 2, 3)], 2, 1),
        ([(SUP, 1, None), (BACK, 2, 1), (NON, 3, 2)], 3, 1),  # 2 was served by a person, by no rule
        ([(SUP, 1, None), (BACK, 2, 1), (BACK, 3, 2), (BACK, 2, 3)], 2, 1),
        ([(BACK, 1, 2), (BACK, 2, 1)], 2, None),  # in a circle: it ends, wherever
    ],
)
def test_small_losses_are_summed_up_from_the_last_version_that_was_better(event, released, champion, anchor):
    lines = [
        event(
            at=START + timedelta(hours=number),
            event="rolled_back" if rule == BACK else "promoted",
            version=version,
            champion_before=before,
            champion_after=version,
            rule="" if rule == BACK else rule,
            airflow_run_id=f"run-{number}",
        )
        for number, (rule, version, before) in enumerate(released)
    ]
    found = ledger.anchor_version(lines, champion)
    assert found == anchor if anchor or champion is None else found in (1, 2)


def test_an_intention_and_a_refusal_release_nothing(event):
    lines = [event(rule=SUP, event="promoted", version=1), event(rule=NON, version=2), event(event="refused", rule=NON)]
    assert ledger.anchor_version(lines, 1) == 1


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

"""Whom the task asks, what it tells them, and what it makes of their answer."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from nightshift.operators.approve_release import ApproveRelease
from nightshift.operators.promote_model import PromoteModel
from nightshift.question import question
from nightshift.triggers.stored_answer import StoredAnswer

from include.contracts import Approval, DayRange, GateDecision, GateResult, RunContext, Windows

DAY = DayRange(start=date(2013, 1, 1), end=date(2013, 1, 14))
NOON = datetime(2013, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> None:
    value = {"conn_type": "http", "host": "mlflow", "port": 5001, "extra": {"ui_url": "https://mlflow.example"}}
    monkeypatch.setenv("AIRFLOW_CONN_MLFLOW", json.dumps(value))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "unset")


def context() -> RunContext:
    return RunContext(
        model="parcels",
        airflow_run_id="run",
        as_of=date(2013, 2, 1),
        mlflow_run_id="abc",
        experiment_id="7",
        config_hash="0",
        data_version=1,
        data_hash="0",
        rows=10,
        windows=Windows(train=DAY, validation=DAY, holdout=DAY),
        champion_version=None,
        git_sha="0",
        lock_hash="0",
    )


def decision(verdict: str = "promote", champion: int | None = 6) -> GateDecision:
    passed = verdict == "promote"
    gate = GateResult(name="parity", passed=passed, value=0.0, bound=0.0, sentence="Predictions differ by <1.")
    return GateDecision(
        model="parcels",
        version=7,
        champion_version=champion,
        verdict="promote" if passed else "refuse",
        first_release=champion is None,
        gates=(gate,),
        reasons=() if passed else (gate.sentence,),
        ask_person=("Too few rows for hub (3).",) if passed else (),
    )


def task(**of_decision: Any) -> ApproveRelease:
    found = decision(**of_decision).to_json()
    return ApproveRelease(task_id="approve_release", model="parcels", run_context=context().to_json(), decision=found)


def event(option: str, person: str | None, **written: Any) -> dict[str, Any]:
    """What Airflow resumes the task with."""
    user = {"id": "1", "name": person} if person else None
    return {"chosen_options": [option], "params_input": written, "responded_by_user": user, "responded_at": NOON}


def test_a_refused_version_is_skipped_with_its_reasons_and_nobody_is_asked(connection: None) -> None:
    with pytest.raises(AirflowSkipException, match=r"Version 7 was refused: Predictions differ by <1\."):
        task(verdict="refuse").execute({})


def test_a_version_on_trial_is_neither_asked_about_nor_promoted_and_nothing_judged_is_no_failure(
    connection: None,
) -> None:
    """Both tasks run after every look, the promotion also where the look itself was skipped."""
    tried = decision().model_copy(update={"verdict": "trial", "reasons": ("12 of 90 nights.",)}).to_json()
    shared = {"model": "parcels", "run_context": context().to_json()}
    with pytest.raises(AirflowSkipException, match=r"Version 7 is on trial: 12 of 90 nights\."):
        ApproveRelease(task_id="approve_release", decision=tried, **shared).execute({})
    for found, reason in ((tried, "is on trial"), (None, "No version was judged")):
        promoting = PromoteModel(task_id="promote_model", registered=None, decision=found, approval=None, **shared)
        with pytest.raises(AirflowSkipException, match=reason):
            promoting.execute({})


def test_an_answer_names_who_gave_it_and_why(connection: None) -> None:
    answered = task().execute_complete({}, event("Approve", "ann", reason="looked at hub"), hours=20)
    assert Approval.from_json(answered) == Approval(
        approved=True, asked=True, answered_by="ann", reason="looked at hub", answered_at=NOON
    )
    rejected = Approval.from_json(task().execute_complete({}, event("Reject", "ann"), hours=20))
    assert (rejected.approved, rejected.reason) == (False, "no reason given")


def test_silence_is_a_rejection_by_nobody(connection: None) -> None:
    silent = Approval.from_json(task().execute_complete({}, event("Reject", None, reason=None), hours=0.5))
    assert (silent.approved, silent.asked, silent.answered_by) == (False, True, "nobody (no answer within 0.5 hours)")


@pytest.mark.parametrize("written", [{"reason": 5}, {"note": "x"}, {"reason": ["a"]}])
def test_an_answer_in_no_good_form_is_not_lost(connection: None, written: dict[str, Any]) -> None:
    assert task().execute_complete({}, event("Approve", "ann", **written), hours=20)["approved"] is True


def test_an_answer_that_cannot_be_read_is_tried_again(connection: None) -> None:
    with pytest.raises(RuntimeError, match="gone"):
        task().execute_complete({}, {"error": "gone", "error_type": "unknown"}, hours=20)


def test_the_question_says_the_verdict_first_then_what_an_answer_does() -> None:
    subject, body = question(context(), decision(), "https://mlflow.example", NOON)
    assert subject == "Serve version 7 of parcels?"
    lines = body.splitlines()
    assert lines[0].startswith("**parcels version 7 may be promoted")
    assert "instead of version 6" in lines[2]
    assert lines[3].startswith("- **Reject**, or no answer until 01 June 2013, 12:00 UTC: version 6 stays")
    assert "(https://mlflow.example/#/experiments/7/runs/abc/artifacts/gates/report.html)" in body
    assert "Too few rows for hub (3)." in body and "differ by &lt;1" in body


def test_the_question_about_a_first_release_names_no_champion() -> None:
    assert "no version stays" in question(context(), decision(champion=None), "https://mlflow.example", NOON)[1]


def test_a_trigger_that_is_moved_to_another_process_looks_for_the_same_answer() -> None:
    arguments = {"ti_id": "1", "options": ["Approve", "Reject"], "defaults": ["Reject"], "params": {}}
    path, kept = StoredAnswer(settle_seconds=15, timeout_datetime=NOON, **arguments).serialize()
    assert path == "nightshift.triggers.stored_answer.StoredAnswer"
    moved = StoredAnswer(**kept)
    assert (moved.settle_seconds, moved.timeout_datetime, moved.serialize()) == (15, NOON, (path, kept))

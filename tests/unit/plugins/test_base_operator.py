"""How an operator's failure reaches Airflow: permanent ones at once, all others with their retries."""

from __future__ import annotations

import errno
import json
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from nightshift.links import MlflowLink
from nightshift.operators.base import NightshiftOperator

from include.errors import DataRefused, TransientError


class Step(NightshiftOperator):
    """Raises what it is given, or returns it."""

    def __init__(self, *, outcome: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.outcome = outcome

    def run(self, context: Any) -> Any:
        self.link_to_run("7", "abc")
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"ui_url": "https://mlflow.example/"}
    value = {"conn_type": "http", "host": "mlflow", "port": 5001, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_MLFLOW", json.dumps(value))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "unset")


def step(outcome: Any) -> Step:
    return Step(task_id="step", model="flight_delay", outcome=outcome)


def test_a_permanent_error_is_not_retried_and_keeps_its_words(connection: None) -> None:
    with pytest.raises(AirflowFailException, match="30 % of the rows") as caught:
        step(DataRefused("30 % of the rows were set aside")).execute({})
    assert isinstance(caught.value.__cause__, DataRefused)


def test_what_may_pass_goes_through_for_airflow_to_retry(connection: None) -> None:
    error = TransientError("MLflow is down")
    with pytest.raises(TransientError):
        step(error).execute({})
    assert step(error).retries == 3


def test_what_nobody_foresaw_is_a_sentence_with_its_place_and_is_retried(connection: None) -> None:
    with pytest.raises(AirflowException, match=r"ValueError: a bug\. Place: tests/unit/plugins/.*:\d+") as caught:
        step(ValueError("a bug")).execute({})
    assert not isinstance(caught.value, AirflowFailException)
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize("said", [AirflowSkipException("nothing to do"), AirflowFailException("in vain")], ids=type)
def test_what_an_operator_says_to_airflow_stays_as_it_is(connection: None, said: AirflowException) -> None:
    """A skip that arrives as a failure is red every night, and an alarm."""
    with pytest.raises(type(said)) as caught:
        step(said).execute({})
    assert caught.value is said


def test_a_full_disk_is_named_in_a_night_too(connection: None) -> None:
    error = OSError(errno.ENOSPC, "No space left on device", "/data/tables/part-1.parquet")
    with pytest.raises(AirflowException, match="No room is left on the disk"):
        step(error).execute({})


def test_tasks_and_people_may_reach_mlflow_by_different_addresses(
    connection: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    done = step("fine")
    assert done.execute({}) == "fine"
    assert os.environ["MLFLOW_TRACKING_URI"] == "http://mlflow:5001"
    link = MlflowLink().get_link(done, ti_key=None)  # type: ignore[arg-type]
    assert link == "https://mlflow.example/#/experiments/7/runs/abc"


def test_a_link_that_was_not_made_is_empty(connection: None) -> None:
    assert MlflowLink().get_link(step("fine"), ti_key=None) == ""  # type: ignore[arg-type]

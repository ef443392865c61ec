"""The night's decision from real tables: bad data blocks, requests are made once, nothing comes from the future."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from include.alerts import tell
from include.config.schema import AlertsConfig, ModelConfig, ScheduleConfig
from include.contracts import MonitorResult, PolicyDecision
from include.data import tables
from include.data.sources import flights
from include.errors import TransientError
from include.monitoring import decisions, requests
from include.monitoring.night import monitor_night
from include.scoring.batch import score
from include.validation.ingest import ingest
from tests.unit.served import AS_OF, MODEL, rows_of

NIGHT = date(2024, 3, 5)
Deliver = Callable[[pd.DataFrame], None]


@pytest.fixture
def deliver(monkeypatch: pytest.MonkeyPatch) -> Deliver:
    """What the source answers from now on. Only that answer is replaced."""

    def give(rows: pd.DataFrame) -> None:
        def read(start: date, end: date) -> pd.DataFrame:
            if rows.empty:
                raise TransientError("the source does not answer")
            return rows[(rows["sent"] >= start) & (rows["sent"] <= end)].reset_index(drop=True)

        monkeypatch.setattr(flights, "read", read)

    return give


def delivered(*days: date, **columns: object) -> pd.DataFrame:
    return rows_of(days).drop(columns="row_key").assign(**columns)


def harmed(*days: date) -> pd.DataFrame:
    """Rows whose labels are the opposite of what the champion learned."""
    rows = delivered(*days)
    return rows.assign(late=1 - rows["late"])


def look(config: ModelConfig, night: date) -> PolicyDecision:
    result = monitor_night(config, night)
    assert result is not None and result.decision is not None
    assert decisions.kept(MODEL, night) == result.decision
    assert result.request_retrain == (result.decision.action == "retrain")
    return result.decision


def open_after(decision: PolicyDecision) -> list[str]:
    tell.tell_decision(AlertsConfig(), decision, {})
    return [alarm.key for alarm in tell.open_alarms(MODEL)]


def test_a_refused_day_blocks_retraining_and_is_told_and_the_next_good_night_goes_on(
    served: ModelConfig, deliver: Deliver
) -> None:
    days = [date(2024, 3, 1) + timedelta(days=offset) for offset in range(5)]
    deliver(harmed(*days[:3]))
    assert not ingest(served, days[0], days[2]).refused_days
    score(served, NIGHT, days[0], days[2])
    broken = delivered(days[3], number=1)  # one key for every row
    deliver(broken)
    assert ingest(served, days[3], days[3]).refused_days
    assert not tables.read(MODEL, "validated", days=(days[3], days[3])).empty  # it keeps the rows that it had
    blocked = look(served, NIGHT)
    assert (blocked.action, [alarm.key for alarm in blocked.alarms]) == ("alert", ["data"])
    assert "Day 2024-03-04 was refused: " in blocked.reasons[0]
    assert open_after(blocked) == ["data"]

    deliver(harmed(*days[3:]))
    ingest(served, days[3], days[4])  # the source is mended, and the next day comes
    score(served, NIGHT + timedelta(days=1), days[3], days[4])
    asked = look(served, NIGHT + timedelta(days=1))
    assert asked.action == "retrain" and asked.reasons[0].startswith("Retraining asked for: live roc_auc 0.")
    assert open_after(asked) == ["harm:roc_auc"]


def test_a_source_that_does_not_answer_blocks_retraining_and_is_told(served: ModelConfig, deliver: Deliver) -> None:
    deliver(pd.DataFrame())
    with pytest.raises(TransientError):
        ingest(served, date(2024, 3, 9), date(2024, 3, 9))
    decision = look(served, date(2024, 3, 10))
    assert decision.action == "alert" and decision.judged == ("data",)
    assert "Day 2024-03-09 has no validated rows: parcels__ingest has not brought any." in decision.reasons[0]


def test_rows_are_not_missed_before_the_nights_ingest_was_due() -> None:
    """At 02:00 in New York, which is 07:00 UTC in winter; a night of the past has had its ingest."""
    schedule = ScheduleConfig(timezone="America/New_York", ingest="0 2 * * *")
    night = date(2024, 3, 5)
    assert decisions.is_awaited(schedule, night, datetime(2024, 3, 5, 6, 59, tzinfo=UTC))
    assert not decisions.is_awaited(schedule, night, datetime(2024, 3, 5, 7, 0, tzinfo=UTC))
    assert not decisions.is_awaited(schedule, night - timedelta(days=1), datetime(2024, 3, 5, 6, 0, tzinfo=UTC))
    at_midnight = ScheduleConfig(ingest="0 0 * * *")
    assert not decisions.is_awaited(at_midnight, night, datetime(2024, 3, 5, 0, 0, tzinfo=UTC))


def test_bad_data_is_told_before_the_first_release_too(unreleased: ModelConfig) -> None:
    assert monitor_night(unreleased, date(2024, 3, 10)) is None
    decision = decisions.kept(MODEL, date(2024, 3, 10))
    assert decision is not None and [alarm.key for alarm in decision.alarms] == ["data"]
    assert monitor_night(unreleased, NIGHT) is None
    good = decisions.kept(MODEL, NIGHT)
    assert good is not None and good.action == "nothing" and "No champion yet" in good.reasons[0]


def test_drift_is_told_once_it_lasts_and_its_history_is_that_of_the_kept_nights(
    served: ModelConfig, deliver: Deliver, tmp_path: Path
) -> None:
    days = [date(2024, 3, 3), date(2024, 3, 4)]
    rows = delivered(*days)
    deliver(rows.assign(weight=rows["weight"] + 3))
    ingest(served, *days)
    first = look(served, date(2024, 3, 4))
    assert first.action == "nothing" and first.drifted == ("weight",)
    assert any("not lasting yet" in reason for reason in first.reasons)
    second = look(served, NIGHT)
    assert second.action == "alert" and [alarm.key for alarm in second.alarms] == ["drift:weight"]
    assert look(served, NIGHT) == second, "looked at twice, one night counts once"
    page = (tmp_path / "reports" / MODEL / "2024-03-05" / "policy.html").read_text()
    assert "Drift of weight on 2 of the last 3 nights" in page and "2024-03-04" in page


def test_a_past_night_looked_at_again_sees_no_later_one(served: ModelConfig) -> None:
    score(served, NIGHT)
    before = look(served, NIGHT)
    later = before.model_copy(update={"night": NIGHT + timedelta(days=1), "drifted": ("weight", "queue")})
    decisions.keep(later)
    requests.claim(MODEL, later.night, "tomorrow", ["harm"])
    assert look(served, NIGHT) == before


def test_labels_since_the_training_are_counted_as_of_the_night(served: ModelConfig) -> None:
    """The version was trained as of 1 March: nothing newer had arrived then, and four days by 5 March."""
    few = served.monitoring.policy.model_copy(update={"retrain_after_new_rows": 1_000_000})
    watching = served.model_copy(update={"monitoring": served.monitoring.model_copy(update={"policy": few})})
    assert "0 rows were labelled" in " ".join(look(watching, AS_OF).reasons)
    assert "480 rows were labelled" in " ".join(look(watching, NIGHT).reasons)


def test_a_night_asks_once_whichever_run_looks_at_it(state: Path) -> None:
    made = requests.claim(MODEL, NIGHT, "run-1", ["harm"])
    assert made.airflow_run_id == "run-1"
    assert requests.claim(MODEL, NIGHT, "run-1", ["harm"]) == made, "a retry makes its own request"
    assert requests.claim(MODEL, NIGHT, "run-2", ["harm"]) == made
    assert requests.claim(MODEL, NIGHT - timedelta(days=1), "run-3", ["harm"]) == made, "its rows were seen"
    assert requests.claim(MODEL, NIGHT + timedelta(days=3), "run-4", ["harm"]).airflow_run_id == "run-4"
    assert requests.nights(MODEL) == (NIGHT, NIGHT + timedelta(days=3))
    assert made.at.astimezone(UTC) <= datetime.now(UTC)


def test_runs_that_ask_at_the_same_moment_ask_once(state: Path) -> None:
    barrier = threading.Barrier(4)

    def ask(run: str) -> str:
        barrier.wait()
        return requests.claim(MODEL, NIGHT, run, ["harm"]).airflow_run_id

    with ThreadPoolExecutor(4) as pool:
        made = set(pool.map(ask, ["run-1", "run-2", "run-3", "run-4"]))
    assert len(made) == 1 == len(requests.made_requests(MODEL))


def test_harm_that_lasts_is_told_once_and_asks_again_after_the_cooldown(
    served: ModelConfig, deliver: Deliver, tmp_path: Path
) -> None:
    days = [date(2024, 3, 2) + timedelta(days=offset) for offset in range(7)]
    deliver(harmed(*days))
    ingest(served, days[0], days[-1])
    score(served, date(2024, 3, 9), days[0], days[-1])
    led_to = []
    for offset in range(4):
        night = NIGHT + timedelta(days=offset)
        decision = look(served, night)
        if decision.action == "retrain":
            requests.claim(MODEL, night, f"run of {night}", decision.reasons)
        led_to.append(decision.action)
        assert open_after(decision) == ["harm:roc_auc"]
    assert led_to == ["retrain", "alert", "alert", "retrain"]
    assert requests.nights(MODEL) == (NIGHT, NIGHT + timedelta(days=3))
    assert len((tmp_path / "alerts.jsonl").read_text().splitlines()) == 1


def test_a_stored_result_without_a_decision_still_reads(served: ModelConfig) -> None:
    score(served, NIGHT)
    result = monitor_night(served, NIGHT)
    assert result is not None
    old = result.to_json()
    del old["decision"]
    assert MonitorResult.from_json(old).decision is None

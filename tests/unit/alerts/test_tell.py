"""Each alarm is told once to each target, again after a while, and once when it is over; nothing is forgotten."""

from __future__ import annotations

import json
import logging
import threading
from datetime import date, timedelta
from pathlib import Path

import pytest

from include.alerts import targets, tell
from include.alerts.states import AlarmState
from include.config.schema import AlertsConfig
from include.contracts import Alarm, PolicyDecision
from tests.unit.alerts.conftest import SECRET, Hook

MODEL = "parcels"
FIRST = date(2024, 3, 1)
RULES = AlertsConfig()
HARM = Alarm(
    model=MODEL, key="harm:roc_auc", severity="critical", sentence="live roc_auc 0.55.", next="./nightshift history"
)
DRIFT = Alarm(model=MODEL, key="drift:weight", severity="warning", sentence="weight moved.")


def night(number: int, *alarms: Alarm, judged: tuple[str, ...] = ("data", "harm", "drift")) -> list[AlarmState]:
    """Tell the night FIRST + number."""
    decision = PolicyDecision(
        model=MODEL,
        night=FIRST + timedelta(days=number),
        champion_version=1,
        action="alert",
        reasons=(),
        alarms=alarms,
        judged=judged,
    )
    return tell.tell_decision(RULES, decision, {"Airflow": f"http://airflow/{number}"})


def lines(state: Path) -> list[dict[str, str]]:
    file = state / "alerts.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_an_alarm_is_told_once_with_what_since_when_how_bad_and_where_to_look(hook: Hook, state: Path) -> None:
    for number in range(3):
        night(number, HARM)
    night(2, HARM)
    [message] = hook.received
    assert message["title"] == "[critical] parcels: live roc_auc 0.55."
    assert message["type"] == "failure"
    assert "CRITICAL harm:roc_auc, since the night of 2024-03-01" in message["message"]
    assert "Next: ./nightshift history" in message["message"] and "Airflow: http://airflow/0" in message["message"]
    [line] = lines(state)
    assert (line["key"], line["news"], line["severity"], line["opened"]) == (
        *("harm:roc_auc", "opened", "critical"),
        "2024-03-01",
    )


def test_what_is_new_of_a_night_is_one_message_the_worst_first(hook: Hook) -> None:
    night(0, DRIFT, HARM)
    assert hook.titles == ["[critical] parcels: live roc_auc 0.55. (and 1 more)"]
    night(1, DRIFT, HARM, DRIFT.model_copy(update={"key": "drift:queue", "sentence": "queue moved."}))
    assert hook.titles[1:] == ["[warning] parcels: queue moved."]


def test_recovery_is_told_once_and_a_relapse_anew(hook: Hook) -> None:
    night(0, HARM)
    night(1)
    night(2)
    assert hook.titles[1:] == ["[recovered] parcels: harm:roc_auc recovered"]
    assert "open from the night of 2024-03-01 to 2024-03-02" in hook.received[1]["message"]
    assert hook.received[1]["type"] == "success" and tell.open_alarms(MODEL) == []
    night(3, HARM)
    assert hook.titles[2:] == ["[critical] parcels: live roc_auc 0.55."]
    assert tell.open_alarms(MODEL)[0].opened == date(2024, 3, 4)


def test_an_open_alarm_is_told_again_after_a_week(hook: Hook) -> None:
    for number in range(16):
        night(number, HARM)
    assert len(hook.received) == 3  # nights 0, 7 and 14
    assert "STILL OPEN, CRITICAL harm:roc_auc, since the night of 2024-03-01, 8 nights" in hook.received[1]["message"]


def test_a_night_that_could_not_judge_ends_nothing(hook: Hook) -> None:
    night(0, HARM, DRIFT)
    bad = Alarm(model=MODEL, key="data", severity="critical", sentence="Day 2024-03-01 was refused.")
    night(1, bad, judged=("data",))
    assert {alarm.key for alarm in tell.open_alarms(MODEL)} == {"harm:roc_auc", "drift:weight", "data"}
    night(2, HARM, judged=("data", "harm"))
    assert {alarm.key for alarm in tell.open_alarms(MODEL)} == {"harm:roc_auc", "drift:weight"}
    assert hook.titles[1:] == ["[critical] parcels: Day 2024-03-01 was refused.", "[recovered] parcels: data recovered"]


def test_a_past_night_looked_at_again_changes_no_alarm_of_today(hook: Hook) -> None:
    night(5, HARM)
    night(3)
    night(4, DRIFT)
    assert [alarm.key for alarm in tell.open_alarms(MODEL)] == ["harm:roc_auc"]
    assert len(hook.received) == 1


def test_what_did_not_arrive_is_sent_the_next_night_to_that_target_alone(
    hook: Hook, other: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    hook.status = 503
    night(0, HARM)
    assert hook.received == [] and len(other.received) == 1
    assert "Not told to JSON 1: answered with HTTP status 503" in caplog.text
    hook.status = 200
    night(1, HARM)
    assert len(hook.received) == 1 and len(other.received) == 1
    night(2, HARM)
    assert len(hook.received) == 1 and len(other.received) == 1


@pytest.mark.parametrize(("where", "received"), [("_send", 0), ("delivered", 1)])
def test_a_killed_process_may_repeat_but_forgets_nothing(
    hook: Hook, monkeypatch: pytest.MonkeyPatch, where: str, received: int
) -> None:
    """Killed before anything was sent, and after that, before it was written down."""

    def killed(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tell, where, killed)
        with pytest.raises(KeyboardInterrupt):
            night(0, HARM)
    assert len(hook.received) == received
    night(0, HARM)
    night(1, HARM)
    assert len(hook.received) == received + 1


def test_processes_that_tell_the_same_at_once_tell_it_once(hook: Hook, state: Path) -> None:
    barrier = threading.Barrier(4)

    def look() -> None:
        barrier.wait()
        night(0, HARM)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(hook.received) == 1 and len(lines(state)) == 1


def test_a_model_with_tags_is_told_to_those_who_have_one(hook: Hook, other: Hook, state: Path) -> None:
    tell.tell(MODEL, AlertsConfig(tags=("ops",)), FIRST, [HARM])
    assert hook.received == [] and len(other.received) == 1 and len(lines(state)) == 1


def test_a_misspelt_tag_is_said_and_the_file_has_the_alarm(
    hook: Hook, other: Hook, state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tell.tell(MODEL, AlertsConfig(tags=("opps",)), FIRST, [HARM])
    assert "no target in NIGHTSHIFT_ALERTS has the tag opps" in caplog.text
    assert other.received == [] and len(lines(state)) == 1


@pytest.mark.parametrize("alerts", ["{url} slak://{secret}/a/b", "json//{secret}", "ops={secret}", "json://[{secret}"])
def test_no_secret_is_ever_printed(
    hook: Hook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, alerts: str, capfd: object
) -> None:
    """Neither where sending fails, nor where the variable is wrong; DEBUG of every library included."""
    monkeypatch.setenv("NIGHTSHIFT_ALERTS", alerts.format(url=hook.url, secret=SECRET))
    hook.status = 500
    with caplog.at_level(logging.DEBUG):
        night(0, HARM.model_copy(update={"sentence": f"cannot read postgresql://user:{SECRET}@db/x"}))
    assert "NIGHTSHIFT_ALERTS: " in caplog.text and "harm:roc_auc" in caplog.text
    printed = capfd.readouterr()  # type: ignore[attr-defined]
    assert SECRET not in caplog.text + printed.out + printed.err
    assert SECRET not in targets.file_path().read_text()
    known, faults = targets.load()
    assert faults and SECRET not in repr(known) + repr(faults)


def test_a_target_that_cannot_be_reached_fails_no_night(
    state: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NIGHTSHIFT_ALERTS", f"json://127.0.0.1:9/{SECRET}")
    with caplog.at_level(logging.DEBUG):
        night(0, HARM)
    assert "cannot be reached" in caplog.text and SECRET not in caplog.text
    [left] = tell.open_alarms(MODEL)
    assert len(left.waiting) == 1 and left.told == FIRST  # the file has it


def test_an_apprise_file_names_targets_and_tags(hook: Hook, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "targets.yml"
    file.write_text(f"urls:\n  - {hook.url}:\n      tag: ops, night\n")
    monkeypatch.setenv("NIGHTSHIFT_ALERTS", str(file))
    known, faults = targets.load()
    assert not faults and known[1].tags == {"ops", "night"} and known[1].name == "JSON 1 (night, ops)"
    tell.tell(MODEL, AlertsConfig(tags=("night",)), FIRST, [HARM])
    assert len(hook.received) == 1


def test_commas_inside_an_address_separate_nothing(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTSHIFT_ALERTS", "json://a/x,y json://b/z,ops=json://c/?to=1,2")
    known, faults = targets.load()
    assert not faults and [target.name for target in known[1:]] == ["JSON 1", "JSON 2", "JSON 3 (ops)"]

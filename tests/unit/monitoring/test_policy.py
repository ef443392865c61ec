"""From a night's facts to what follows: a table of cases, each beside the facts that it differs by."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from include.config.schema import MonitoringConfig
from include.monitoring.policy import Facts, decide

NIGHT = date(2024, 3, 5)
RULES = MonitoringConfig.model_validate(
    {
        "retrain_request": {"metric": "roc_auc", "min": 0.6, "nights": 7, "min_rows": 500},
        "policy": {"min_new_rows": 100, "cooldown_nights": 3, "weekly_budget": 2},
    }
)
GOOD = Facts(
    model="parcels",
    night=NIGHT,
    champion_version=4,
    champion_as_of=NIGHT - timedelta(days=10),
    performance={"roc_auc": 0.8},
    performance_rows=900,
    drift={},
    new_rows=1000,
    trained_as_of=NIGHT - timedelta(days=1),
)
HARM = replace(GOOD, performance={"roc_auc": 0.55})


def ago(nights: int) -> date:
    return NIGHT - timedelta(days=nights)


def with_policy(**changes: Any) -> MonitoringConfig:
    return RULES.model_copy(update={"policy": RULES.policy.model_copy(update=changes)})


MOVED = {"weight": "weight: distance 0.9 tonight."}
ON_DRIFT = with_policy(drift=RULES.policy.drift.model_copy(update={"action": "retrain"}))
NO_RULE = RULES.model_copy(update={"retrain_request": None})

CASES: dict[str, tuple[MonitoringConfig, Facts, str, str, tuple[str, ...]]] = {
    # name: rules, facts, what follows, words of a reason, alarms
    "a good night": (RULES, GOOD, "nothing", "roc_auc 0.8000 on 900 rows of the last 7 matured nights keeps", ()),
    "harm": (RULES, HARM, "retrain", "Retraining asked for: live roc_auc 0.5500", ("harm:roc_auc",)),
    "harm, only told": (with_policy(on_harm="alert"), HARM, "alert", "passes its minimum 0.6", ("harm:roc_auc",)),
    "at the bound": (RULES, replace(GOOD, performance={"roc_auc": 0.6}), "nothing", "keeps its minimum", ()),
    "too few rows": (RULES, replace(HARM, performance_rows=499), "nothing", "Insufficient evidence", ()),
    "no metric": (RULES, replace(HARM, performance={}), "nothing", "could not be computed", ()),
    "not a number": (RULES, replace(HARM, performance={"roc_auc": float("nan")}), "nothing", "not be computed", ()),
    "no rule": (NO_RULE, HARM, "nothing", "no monitoring.retrain_request", ()),
    "no champion": (RULES, replace(HARM, champion_version=None), "nothing", "No champion yet", ()),
    "a source that ended": (
        RULES,
        replace(HARM, bad_data="It ended.", missing=True, ended=True),
        "nothing",
        "ended",
        (),
    ),
    # held back
    "a version on trial": (RULES, replace(HARM, on_trial=5), "alert", "version 5 is on trial", ("harm:roc_auc",)),
    "few new labels": (RULES, replace(HARM, new_rows=99), "alert", "99 rows were labelled", ("harm:roc_auc",)),
    "asked last night": (RULES, replace(HARM, requests=[ago(1)]), "alert", "1 nights ago", ("harm:roc_auc",)),
    "asked two nights ago": (RULES, replace(HARM, requests=[ago(2)]), "alert", "cooldown", ("harm:roc_auc",)),
    "after the cooldown": (RULES, replace(HARM, requests=[ago(3)]), "retrain", "Retraining asked", ("harm:roc_auc",)),
    "asked twice this week": (RULES, replace(HARM, requests=[ago(6), ago(3)]), "alert", "budget", ("harm:roc_auc",)),
    "a week ago": (RULES, replace(HARM, requests=[ago(7), ago(3)]), "retrain", "asked for", ("harm:roc_auc",)),
    "no budget at all": (with_policy(weekly_budget=0), HARM, "alert", "budget of 0", ("harm:roc_auc",)),
    "tonight's own request": (RULES, replace(HARM, requests=[NIGHT]), "retrain", "asked for", ("harm:roc_auc",)),
    "a later night's": (RULES, replace(HARM, requests=[ago(-1)]), "retrain", "asked for", ("harm:roc_auc",)),
    "trained tonight": (RULES, replace(HARM, trained_as_of=NIGHT), "alert", "trained as of", ("harm:roc_auc",)),
    # drift
    "drift of one night": (RULES, replace(GOOD, drift=MOVED), "nothing", "not lasting yet", ()),
    "drift that lasts": (
        *(RULES, replace(GOOD, drift=MOVED, drifted_before={ago(2): ("weight",)})),
        *("alert", "Drift of weight on 2 of the last 3 nights", ("drift:weight",)),
    ),
    "drift of long ago": (
        *(RULES, replace(GOOD, drift=MOVED, drifted_before={ago(3): ("weight",), ago(-1): ("weight",)})),
        *("nothing", "not lasting yet", ()),
    ),
    "another column before": (
        *(RULES, replace(GOOD, drift=MOVED, drifted_before={ago(1): ("queue",)})),
        *("nothing", "not lasting yet", ()),
    ),
    "drift asks for retraining": (
        *(ON_DRIFT, replace(GOOD, drift=MOVED, drifted_before={ago(1): ("weight",)})),
        *("retrain", "Retraining asked for: Drift of weight", ("drift:weight",)),
    ),
    "no verdict on drift": (RULES, replace(GOOD, drift=None), "nothing", "No verdict on drift", ()),
    # age and labels
    "old": (with_policy(retrain_after_days=10), GOOD, "retrain", "trained 10 days ago", ("age",)),
    "not old": (with_policy(retrain_after_days=11), GOOD, "nothing", "Not old", ()),
    "many new labels": (with_policy(retrain_after_new_rows=1000), GOOD, "retrain", "1,000 rows were labelled", ()),
    "few of them": (with_policy(retrain_after_new_rows=1001), GOOD, "nothing", "Few new labels", ()),
    # bad data
    "refused": (RULES, replace(HARM, bad_data="Day 2024-03-04 was refused."), "alert", "was refused", ("data",)),
    "missing": (RULES, replace(HARM, bad_data="No rows.", missing=True), "alert", "No rows", ("data",)),
    "still to come": (
        *(RULES, replace(HARM, bad_data="No rows.", missing=True, awaited=True)),
        *("nothing", "no retraining asked for", ()),
    ),
    "missing, as on Sundays": (
        *(with_policy(on_missing_day="nothing"), replace(HARM, bad_data="No rows.", missing=True)),
        *("nothing", "no retraining asked for", ()),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_follows_from_the_facts(name: str) -> None:
    rules, facts, action, words, alarms = CASES[name]
    decision = decide(rules, facts)
    assert decision.action == action, decision.reasons
    assert any(words in reason for reason in decision.reasons), decision.reasons
    assert tuple(alarm.key for alarm in decision.alarms) == alarms
    assert (action == "retrain") == any(reason.startswith("Retraining asked for") for reason in decision.reasons)


def test_bad_data_never_asks_for_retraining_whatever_else_is_wrong() -> None:
    everything = with_policy(retrain_after_days=1, retrain_after_new_rows=1, drift=ON_DRIFT.policy.drift)
    worst = replace(HARM, drift=MOVED, drifted_before={ago(1): ("weight",)})
    assert decide(everything, worst).action == "retrain"
    for bad in ("Day 2024-03-04 was refused.", "Day 2024-03-04 has no validated rows."):
        assert decide(everything, replace(worst, bad_data=bad)).action == "alert"


def test_what_cannot_be_judged_ends_no_alarm() -> None:
    """An open alarm that is not raised has ended only where its kind was judged."""
    assert {"data", "harm", "drift"} <= set(decide(RULES, GOOD).judged)
    assert "harm" not in decide(RULES, replace(GOOD, performance_rows=10)).judged
    assert "drift" not in decide(RULES, replace(GOOD, drift=None)).judged
    assert decide(RULES, replace(GOOD, bad_data="Refused.")).judged == ("data",)
    assert decide(with_policy(on_missing_day="nothing"), replace(GOOD, bad_data="None.", missing=True)).judged == ()
    assert "age" in decide(RULES, GOOD).judged, "an age that the file no longer asks for has ended"


def test_more_nights_than_there_are_is_a_fault() -> None:
    with pytest.raises(ValidationError, match="nights is 4, which is more than of: 3"):
        MonitoringConfig.model_validate({"policy": {"drift": {"nights": 4, "of": 3}}})


def test_a_stored_configuration_without_a_policy_still_reads() -> None:
    stored = MonitoringConfig.model_validate({"retrain_request": {"metric": "log_loss", "max": 0.5}})
    harmed = replace(GOOD, performance={"log_loss": 0.7})
    assert decide(stored, harmed).action == "retrain"

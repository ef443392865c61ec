"""Back to an earlier version: what is refused, what is written, and that a kill leaves one champion."""

from __future__ import annotations

import pytest

from include.errors import PermanentError
from include.release import judge, ledger, promotion
from include.release.rollback import rollback, rolled_back_twin, taken_back
from include.tracking import registry

MODEL = "parcels"


@pytest.fixture(autouse=True)
def _settled_soon(monkeypatch):
    """This registry is in the same process: nothing of a killed one is on its way."""
    monkeypatch.setattr(promotion, "SETTLE_SECONDS", 0.01)


class Killed(BaseException):
    """What a killed process raises at the place where it died."""


def _kill(*_: object, **__: object) -> None:
    raise Killed


@pytest.fixture
def promoted(world, passed):
    """Version 1 was champion, version 2 is."""
    promotion.promote(world.night(1, None)[0], passed(1, None), "schedule")
    promotion.promote(world.night(2, 1)[0], passed(2, 1), "schedule")
    return world


def test_back_to_the_previous_champion_and_forth_again(promoted):
    event = rollback(MODEL, None, "  wrong since Monday ", "anna", "manual-1")
    assert (event.event, event.version, event.champion_before, event.champion_after) == ("rolled_back", 1, 2, 1)
    assert (event.actor, event.reason) == ("anna", "wrong since Monday")
    assert registry.champion_version(MODEL) == 1
    assert rollback(MODEL, None, "it was the data", "anna", "manual-2").version == 2
    assert registry.champion_version(MODEL) == 2


def test_a_repeated_rollback_changes_nothing(promoted):
    first = rollback(MODEL, None, "wrong", "anna", "manual-1")
    lines = len(ledger.history(MODEL))
    assert rollback(MODEL, None, "wrong", "anna", "manual-1") == first
    assert registry.champion_version(MODEL) == 1
    assert len(ledger.history(MODEL)) == lines


@pytest.mark.parametrize(
    ("to", "reason", "said"),
    [
        (1, "  ", "`reason` is empty"),
        (2, "wrong", "version 2 is already the champion"),
        (99, "wrong", "no such version"),
        (3, "wrong", "version 3 was never champion and did not pass its gates"),
    ],
)
def test_what_is_refused_says_what_to_do_next(promoted, to, reason, said):
    before = ledger.history(MODEL)
    with pytest.raises(PermanentError, match=said) as caught:
        rollback(MODEL, to, reason, "anna", "manual-1")
    assert "Next: ./nightshift " in str(caught.value)
    assert registry.champion_version(MODEL) == 2
    assert ledger.history(MODEL) == before


def test_no_champion_and_no_earlier_champion_are_named(world, passed):
    with pytest.raises(PermanentError, match="no champion"):
        rollback(MODEL, None, "wrong", "anna", "manual-1")
    promotion.promote(world.night(1, None)[0], passed(1, None), "schedule")
    with pytest.raises(PermanentError, match="first champion"):
        rollback(MODEL, None, "wrong", "anna", "manual-1")


def test_a_version_that_passed_its_gates_may_be_served(world, passed):
    promotion.promote(world.night(1, None)[0], passed(1, None), "schedule")
    context, registered = world.night(2, 1)
    assert judge.evaluate_gates(context, registered).verdict == "promote"
    assert rollback(MODEL, 2, "rejected by mistake", "anna", "manual-1").version == 2


@pytest.mark.parametrize(("step", "event", "served"), [("alias", "refused", 2), ("outcome", "rolled_back", 1)])
def test_what_a_kill_leaves_is_repaired(promoted, monkeypatch, step, event, served):
    with monkeypatch.context() as patch:
        if step == "alias":
            patch.setattr(registry, "set_champion", _kill)
        else:
            append = ledger.append
            patch.setattr(ledger, "append", lambda line: append(line) if line.event == "intended" else _kill())
        with pytest.raises(Killed):
            rollback(MODEL, None, "wrong", "anna", "manual-1")
    assert registry.champion_version(MODEL) == served
    assert [line.event for line in promotion.repair(MODEL)] == [event]
    done = rollback(MODEL, 1, "wrong", "anna", "manual-1")
    assert (done.event, registry.champion_version(MODEL)) == ("rolled_back", 1)


def test_a_kill_between_the_two_aliases_does_not_lose_the_way_back(promoted, passed):
    """`previous_champion` moves first: after a kill it names the champion itself, and the ledger knows better."""
    from mlflow import MlflowClient

    MlflowClient().set_registered_model_alias(MODEL, "previous_champion", "2")
    assert rollback(MODEL, None, "wrong", "anna", "manual-1").version == 1


@pytest.fixture
def twin(promoted):
    """Version 2 was taken back by anna; version 3's run has the same rows and configuration as version 2's."""
    rollback(MODEL, None, "wrong prices since Monday.", "anna", "manual-1")
    (taken, _), (context, _) = promoted.night(2, 1), promoted.night(3, 1)
    return context.model_copy(update={"data_hash": taken.data_hash, "config_hash": taken.config_hash})


def test_what_a_person_took_back_does_not_return_under_a_new_number(twin, passed):
    event = promotion.promote(twin, passed(3, 1), "schedule")
    assert (event.event, registry.champion_version(MODEL)) == ("refused", 1)
    assert "Version 3 has the data and configuration of version 2, which was taken back on 20" in event.reason
    assert " UTC by anna: wrong prices since Monday. Next: change include/models/parcels.yaml" in event.reason
    assert "./nightshift rollback parcels --to 2 " in event.reason
    assert taken_back(twin, 3) == event.reason


@pytest.mark.parametrize("changed", ["data_hash", "config_hash"])
def test_other_rows_or_another_configuration_are_another_model(twin, passed, changed):
    context = twin.model_copy(update={changed: "another"})
    assert taken_back(context, 3) == ""
    assert promotion.promote(context, passed(3, 1), "schedule").event == "promoted"


def test_a_version_that_a_person_serves_again_is_taken_back_no_more(twin, passed):
    rollback(MODEL, 2, "it was the data", "anna", "manual-2")
    assert taken_back(twin, 3) == ""
    assert promotion.promote(twin, passed(3, 2), "schedule").event == "promoted"


def test_a_version_taken_back_is_refused_to_another_run_of_its_own(promoted, passed):
    rollback(MODEL, None, "wrong", "anna", "manual-1")
    context, _ = promoted.night(2, 1)
    again = promotion.promote(context.model_copy(update={"airflow_run_id": "another"}), passed(2, 1), "schedule")
    assert (again.event, registry.champion_version(MODEL)) == ("refused", 1)
    assert "Version 2 was taken back on 20" in again.reason


def test_a_rollback_that_was_interrupted_before_the_alias_moved_took_nothing_back(promoted, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(registry, "set_champion", _kill)
        with pytest.raises(Killed):
            rollback(MODEL, None, "wrong", "anna", "manual-1")
    promotion.repair(MODEL)
    context, _ = promoted.night(2, 1)
    assert rolled_back_twin(MODEL, context.config_hash, context.data_hash) is None

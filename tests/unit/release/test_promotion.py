"""Exactly one champion, whatever is killed when; late and doubled runs change nothing."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest

from include.contracts import Approval
from include.data import locks
from include.data.locks import RegistryLock, registry_lock
from include.errors import PermanentError, TransientError
from include.release import ledger, promotion
from include.release.rollback import rollback
from include.tracking import models, registry

MODEL = "parcels"


@pytest.fixture(autouse=True)
def _settled_soon(monkeypatch):
    """This registry is in the same process: nothing of a killed one is on its way."""
    monkeypatch.setattr(promotion, "SETTLE_SECONDS", 0.01)


class Killed(BaseException):
    """What a killed process raises at the place where it died: nothing catches it."""


def _kill(*_: object, **__: object) -> None:
    raise Killed


def _events() -> list[tuple[str, int]]:
    return [(event.event, event.version) for event in ledger.history(MODEL)]


def test_a_promotion_moves_the_alias_and_writes_intention_and_outcome(world, passed):
    context, _ = world.night(1, None)
    first = promotion.promote(context, passed(1, None), "schedule")
    assert (first.event, first.champion_before, first.champion_after) == ("promoted", None, 1)
    context, _ = world.night(2, 1)
    second = promotion.promote(context, passed(2, 1), "anna")
    assert (second.champion_before, second.champion_after, second.actor) == (1, 2, "anna")
    assert registry.champion_version(MODEL) == 2
    assert registry.alias_version(MODEL, "previous_champion") == 1
    assert _events() == [("intended", 1), ("promoted", 1), ("intended", 2), ("promoted", 2)]


def test_a_finished_promotion_that_runs_again_changes_nothing(world, passed):
    context, _ = world.night(1, None)
    first = promotion.promote(context, passed(1, None), "schedule")
    assert promotion.promote(context, passed(1, None), "schedule") == first
    assert _events() == [("intended", 1), ("promoted", 1)]


def test_a_cleared_promotion_does_not_undo_a_rollback(world, passed):
    promotion.promote(world.night(1, None)[0], passed(1, None), "schedule")
    context, _ = world.night(2, 1)
    done = promotion.promote(context, passed(2, 1), "schedule")
    rollback(MODEL, None, "wrong since Monday", "anna", "manual-1")
    assert promotion.promote(context, passed(2, 1), "schedule") == done
    assert registry.champion_version(MODEL) == 1


@pytest.mark.parametrize(
    ("step", "served", "expected"),
    [
        ("set_champion", 1, [("intended", 2), ("refused", 2)]),
        ("outcome", 2, [("intended", 2), ("promoted", 2)]),
    ],
)
def test_what_a_kill_leaves_is_repaired(world, passed, monkeypatch, step, served, expected):
    registry.set_champion(MODEL, 1, None)
    context, _ = world.night(2, 1)
    with monkeypatch.context() as patch:
        if step == "set_champion":
            patch.setattr(registry, "set_champion", _kill)
        else:
            append = ledger.append
            patch.setattr(ledger, "append", lambda event: append(event) if event.event == "intended" else _kill())
        with pytest.raises(Killed):
            promotion.promote(context, passed(2, 1), "schedule")
    assert registry.champion_version(MODEL) == served
    assert _events() == [("intended", 2)]
    added = promotion.repair(MODEL)
    assert [event.event for event in added] == [expected[-1][0]]
    assert "interrupted" in added[0].reason
    assert added[0].champion_after == served
    assert _events() == expected
    assert promotion.repair(MODEL) == []


@pytest.mark.parametrize("step", ["intention", "set_champion", "outcome"])
def test_a_killed_promotion_that_is_retried_finishes(world, passed, monkeypatch, step):
    registry.set_champion(MODEL, 1, None)
    context, _ = world.night(2, 1)
    with monkeypatch.context() as patch:
        append = ledger.append
        if step == "set_champion":
            patch.setattr(registry, "set_champion", _kill)
        elif step == "outcome":
            patch.setattr(ledger, "append", lambda event: append(event) if event.event == "intended" else _kill())
        else:
            patch.setattr(ledger, "append", _kill)
        with pytest.raises(Killed):
            promotion.promote(context, passed(2, 1), "schedule")
    event = promotion.promote(context, passed(2, 1), "schedule")
    assert (event.event, event.version) == ("promoted", 2)
    assert registry.champion_version(MODEL) == 2
    assert registry.alias_version(MODEL, "previous_champion") == 1
    assert _events()[-1] == ("promoted", 2)
    assert _events().count(("promoted", 2)) == 1


def test_the_next_run_repairs_before_it_promotes(world, passed, monkeypatch):
    registry.set_champion(MODEL, 1, None)
    with monkeypatch.context() as patch:
        patch.setattr(registry, "set_champion", _kill)
        with pytest.raises(Killed):
            promotion.promote(world.night(2, 1)[0], passed(2, 1), "schedule")
    promotion.promote(world.night(3, 1)[0], passed(3, 1), "schedule")
    assert _events() == [("intended", 2), ("refused", 2), ("intended", 3), ("promoted", 3)]


def test_a_champion_that_changed_since_the_gates_is_a_refusal(world, passed):
    registry.set_champion(MODEL, 2, None)
    event = promotion.promote(world.night(3, 1)[0], passed(3, 1), "schedule")
    assert event.event == "refused"
    assert "changed from version 1 to version 2" in event.reason
    assert registry.champion_version(MODEL) == 2


def test_a_champion_that_changes_after_the_intention_stops_the_move(world, passed, monkeypatch):
    registry.set_champion(MODEL, 1, None)
    append = ledger.append

    def append_then_other_run_promotes(event):
        written = append(event)
        if event.event == "intended":
            registry.set_champion(MODEL, 2, 1)
        return written

    monkeypatch.setattr(ledger, "append", append_then_other_run_promotes)
    event = promotion.promote(world.night(3, 1)[0], passed(3, 1), "schedule")
    assert event.event == "refused"
    assert registry.champion_version(MODEL) == 2


def test_a_late_run_never_replaces_a_newer_champion(world, passed):
    registry.set_champion(MODEL, 3, None)
    older_version = promotion.promote(world.night(2, 3)[0], passed(2, 3), "schedule")
    assert (older_version.event, "not older" in older_version.reason) == ("refused", True)
    registry.set_champion(MODEL, 2, 3)
    context, _ = world.night(3, 2)
    late = context.model_copy(update={"as_of": context.as_of - timedelta(days=10)})
    older_night = promotion.promote(late, passed(3, 2), "schedule")
    assert (older_night.event, "was trained as of" in older_night.reason) == ("refused", True)
    assert registry.champion_version(MODEL) == 2


def test_a_rejection_is_in_the_ledger_with_who_and_why(world, passed):
    registry.set_champion(MODEL, 1, None)
    approval = Approval(approved=False, asked=True, answered_by="anna", reason="the snow week is in the holdout")
    event = promotion.promote(world.night(2, 1)[0], passed(2, 1), "schedule", approval)
    assert (event.event, event.actor, event.answered_by) == ("refused", "anna", "anna")
    assert event.reason == "rejected by anna: the snow week is in the holdout"
    assert registry.champion_version(MODEL) == 1
    assert ledger.history(MODEL) == [event]


def test_silence_means_no(world, passed):
    approval = Approval(approved=False, asked=True, answered_by="", reason="nobody answered within 24 hours")
    event = promotion.promote(world.night(1, None)[0], passed(1, None), "schedule", approval)
    assert (event.event, event.actor, event.reason) == ("refused", "schedule", "nobody answered within 24 hours")
    assert registry.champion_version(MODEL) is None


def test_who_approved_and_by_which_rule_is_in_intention_and_outcome(world, passed):
    registry.set_champion(MODEL, 1, None)
    approval = Approval(approved=True, asked=True, answered_by="anna", reason="slices look fine")
    decision = passed(2, 1).model_copy(update={"rule": "non_inferiority", "ask_person": ("Two slices are small.",)})
    promotion.promote(world.night(2, 1)[0], decision, "schedule", approval)
    assert [(line.event, line.actor, line.answered_by, line.rule) for line in ledger.history(MODEL)] == [
        ("intended", "schedule", "anna", "non_inferiority"),
        ("promoted", "schedule", "anna", "non_inferiority"),
    ]
    assert "anna agreed: slices look fine" in ledger.history(MODEL)[1].reason
    assert ledger.anchor_version(ledger.history(MODEL), 2) == 1


@pytest.mark.parametrize("approval", [None, Approval(approved=True, asked=False, answered_by="", reason="automatic")])
def test_what_a_person_has_to_see_is_never_promoted_unseen(world, passed, approval):
    decision = passed(1, None).model_copy(update={"ask_person": ("Two slices are small.",)})
    event = promotion.promote(world.night(1, None)[0], decision, "schedule", approval)
    assert (event.event, registry.champion_version(MODEL)) == ("refused", None)
    assert "nobody was asked: Two slices are small." in event.reason


def test_a_first_release_is_told_as_the_rule(world, passed):
    assert promotion.promote(world.night(1, None)[0], passed(1, None), "schedule").rule == "first_release"


def test_an_alias_that_moves_after_its_sender_died_is_told_as_it_ended(world, passed, monkeypatch):
    """The server was still at the dead process's request when the next one looked."""
    registry.set_champion(MODEL, 1, None)
    with monkeypatch.context() as patch:
        patch.setattr(registry, "set_champion", _kill)
        with pytest.raises(Killed):
            promotion.promote(world.night(2, 1)[0], passed(2, 1), "schedule")
    monkeypatch.setattr(promotion, "SETTLE_SECONDS", 1.0)
    late = threading.Timer(0.3, registry.set_champion, (MODEL, 2, 1))
    late.start()
    [line] = promotion.repair(MODEL)
    late.join()
    assert (line.event, line.champion_after, registry.champion_version(MODEL)) == ("promoted", 2, 2)


@contextmanager
def _held_elsewhere():
    """Another holder of the model's lock."""
    held, over = threading.Event(), threading.Event()

    def hold():
        with registry_lock(MODEL):
            held.set()
            over.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(5)
    yield over
    over.set()
    thread.join()


@pytest.mark.parametrize("change", ["promote", "rollback", "repair"])
def test_nothing_changes_while_another_holds_the_lock(world, passed, monkeypatch, change):
    registry.set_champion(MODEL, 1, None)
    monkeypatch.setattr(locks, "WAIT_SECONDS", 0.2)
    calls = {
        "promote": lambda: promotion.promote(world.night(2, 1)[0], passed(2, 1), "schedule"),
        "rollback": lambda: rollback(MODEL, 2, "wrong", "anna", "manual-1"),
        "repair": lambda: promotion.repair(MODEL),
    }
    with (
        _held_elsewhere(),
        pytest.raises(TransientError, match=r"parcels: its champion is being changed by .* process"),
    ):
        calls[change]()
    assert (_events(), registry.champion_version(MODEL)) == ([], 1)


def test_a_promotion_that_had_to_wait_looks_at_the_champion_again(world, passed):
    registry.set_champion(MODEL, 1, None)
    with _held_elsewhere() as over:
        found = []
        late = threading.Thread(
            target=lambda: found.append(promotion.promote(world.night(3, 1)[0], passed(3, 1), "schedule"))
        )
        late.start()
        time.sleep(0.3)
        registry.set_champion(MODEL, 2, 1)
        over.set()
        late.join()
    assert (found[0].event, registry.champion_version(MODEL)) == ("refused", 2)
    assert "changed from version 1 to version 2" in found[0].reason


def test_a_promotion_that_lost_its_lock_moves_nothing(world, passed, monkeypatch):
    registry.set_champion(MODEL, 1, None)

    def lost():
        raise TransientError("the lock was lost")

    @contextmanager
    def dropped(model):
        yield RegistryLock(model, lost)

    with monkeypatch.context() as patch:
        patch.setattr(promotion, "registry_lock", dropped)
        with pytest.raises(TransientError, match="the lock was lost"):
            promotion.promote(world.night(2, 1)[0], passed(2, 1), "schedule")
    assert registry.champion_version(MODEL) == 1
    retried = promotion.promote(world.night(2, 1)[0], passed(2, 1), "schedule")
    assert (retried.event, registry.champion_version(MODEL)) == ("promoted", 2)
    assert _events() == [("intended", 2), ("refused", 2), ("intended", 2), ("promoted", 2)]


def test_an_outcome_is_never_told_before_its_intention(world, passed, monkeypatch):
    """Another machine repairs, and its clock is behind."""
    registry.set_champion(MODEL, 1, None)
    ahead = ledger.append

    def from_tomorrow(event):
        ahead(event.model_copy(update={"at": event.at + timedelta(days=1)}))
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "append", from_tomorrow)
        with pytest.raises(Killed):
            promotion.promote(world.night(2, 1)[0], passed(2, 1), "schedule")
    promotion.repair(MODEL)
    assert _events() == [("intended", 2), ("refused", 2)]
    assert promotion.repair(MODEL) == []


def test_a_refused_decision_is_never_promoted(world, passed):
    decision = passed(1, None).model_copy(update={"verdict": "refuse", "reasons": ("Too few rows.",)})
    event = promotion.promote(world.night(1, None)[0], decision, "schedule")
    assert event.event == "refused"
    assert "Too few rows." in event.reason
    assert registry.champion_version(MODEL) is None


def test_the_served_model_is_the_gated_one(world):
    registry.set_champion(MODEL, 2, None)
    assert promotion.verify_champion(MODEL, 2).value == 0


def test_another_version_being_served_is_an_error(world):
    registry.set_champion(MODEL, 2, None)
    with pytest.raises(PermanentError, match=r"parcels@champion is version 2, expected is version 3.*rollback"):
        promotion.verify_champion(MODEL, 3)


def test_a_served_model_that_scores_otherwise_is_an_error_with_figures(world, monkeypatch):
    registry.set_champion(MODEL, 2, None)
    load = models.load_pipeline_by_uri

    def shifted(uri: str):
        pipeline = load(uri)
        pipeline[-1].intercept_ = pipeline[-1].intercept_ + 0.1
        return pipeline

    monkeypatch.setattr(models, "load_pipeline_by_uri", shifted)
    with pytest.raises(PermanentError, match=r"largest difference 0\.0\d+, allowed 1e-06"):
        promotion.verify_champion(MODEL, 2)

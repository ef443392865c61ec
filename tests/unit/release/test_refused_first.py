"""After a refused first release, with the real registry and tables: what is told, and how often it may be tried."""

from __future__ import annotations

from rich.console import Console

from include.gates.first_release import GATE
from include.local.printing import status_table
from include.release import judge, ledger
from include.status.model import status
from include.tracking import runs
from include.tracking.judgements import judgements

MODEL = "parcels"


def _shown(config) -> str:
    console = Console(width=400)
    with console.capture() as caught:
        console.print(status_table(status(config)))
    return caught.get()


def test_a_version_that_knows_nothing_is_refused_and_status_names_what_ends_that(world, config):
    assert status(config).next_step == f"./nightshift demo {MODEL}"
    context, registered = world.night(1, None)
    decision = judge.evaluate_gates(context, registered)
    assert [gate.name for gate in decision.gates if not gate.passed] == [GATE]
    assert decision.next_step and status(config).next_step == decision.next_step
    assert decision.next_step in _shown(config) and "./nightshift train" not in _shown(config)
    assert "next: " in runs.load_text(registered.mlflow_run_id, "gates/report.md")


def test_trying_again_without_a_change_is_one_look_and_never_runs_out(world):
    context, registered = world.night(1, None)
    for again in range(7):
        night = context.model_copy(update={"airflow_run_id": f"again-{again}"})
        decision = judge.evaluate_gates(night, registered)
        assert [gate.name for gate in decision.gates if not gate.passed] == [GATE]
    uses = next(gate for gate in decision.gates if gate.name == "holdout_uses")
    assert uses.value == 1 and "Version 1 gave these very scores" in uses.sentence
    assert len(judgements(MODEL)) == len(ledger.history(MODEL)) == 7


def test_another_model_on_the_same_days_is_another_look(world):
    (night, first), (_, second) = world.night(1, None), world.night(2, None)
    judge.evaluate_gates(night, first)
    decision = judge.evaluate_gates(night.model_copy(update={"airflow_run_id": "other"}), second)
    assert next(gate for gate in decision.gates if gate.name == "holdout_uses").value == 2
    assert decision.verdict == "promote"


def test_a_champion_leaves_nothing_to_be_done(world, config):
    from include.release import promotion

    context, registered = world.night(2, None)
    promotion.promote(context, judge.evaluate_gates(context, registered), "schedule")
    assert status(config).next_step is None

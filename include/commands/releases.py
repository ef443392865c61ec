"""`train`, `rollback`, `approve`, `history`, `reproduce`, `repair`: versions of a model, and which one is served."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from include.arguments import JsonFlag, ModelName, bare_name
from include.local import instance
from include.terminal import console, told

if TYPE_CHECKING:
    from include.config.schema import ModelConfig
    from include.local.airflow_api import AirflowApi, DagRun


def train(
    model: ModelName,
    as_of: Annotated[str | None, typer.Option(help="Train as on this night, YYYY-MM-DD; default: tonight.")] = None,
) -> None:
    """Run the model's retrain DAG now and follow it to its verdict."""
    from include.errors import PermanentError

    with told() as say:
        config = _sound(model)
        night = _date(as_of).isoformat() if as_of else None
        api = instance.airflow_api()
        from include.release import trials  # heavy: what can be wrong before is said before

        if tried := trials.on_trial(config):
            raise PermanentError(f"Nothing is trained. {trials.describe_trial(tried)}")
        started = api.trigger(f"{config.name}__retrain", {"as_of": night} if night else None)
        run = api.follow(started, say, lambda: _trouble(config.name))
        _print_decision(api.result(run, "evaluate_gates"))
        _print_answer(api, run)


def rollback(
    model: ModelName,
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger.")],
    to: Annotated[int | None, typer.Option(help="Version to serve again; default: the previous champion.")] = None,
) -> None:
    """Serve an earlier version again, through the model's rollback DAG."""
    from include.config.loader import model_name

    with told() as say:
        name = model_name(model)
        api = instance.airflow_api()
        run = api.follow(api.trigger(f"{name}__rollback", {"version": to, "reason": reason}), say)
        event = api.result(run, "rollback_model")
        console.print(
            f"Champion of {name} is version {event['version']} (before: {event['champion_before']})", markup=False
        )


def approve(
    model: ModelName,
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger.")],
    reject: Annotated[bool, typer.Option("--reject", help="The version is not served.")] = False,
) -> None:
    """Answer the question whether a version of the model may be served; the newest that waits."""
    from include.config.loader import model_name
    from include.errors import PermanentError

    with told(quiet=True):
        name = model_name(model)
        api = instance.airflow_api()
        asking = {f"{name}__retrain", f"{name}__shadow"} & api.dag_ids()
        waiting = [question for dag_id in sorted(asking) for question in api.questions(dag_id)]
        if not waiting:
            raise PermanentError(f"{name}: no version waits for a person. Next: ./nightshift status")
        api.answer(waiting[0], "Reject" if reject else "Approve", reason)
        console.print(f"{waiting[0].subject} {'Rejected' if reject else 'Approved'}: {reason}", markup=False)


def history(model: ModelName, as_json: JsonFlag = False) -> None:
    """Print the ledger: every promotion, refusal and rollback, with who and why."""
    from include.config.loader import model_name
    from include.local.printing import history_table
    from include.release import ledger

    with told(quiet=True):
        name = bare_name(model)  # a model that was removed keeps its ledger
        events = ledger.history(name) or ledger.history(model_name(model))
        if as_json:
            console.print_json(json.dumps([event.to_json() for event in events]))
        else:
            console.print(history_table(name, events))
            if not events:
                console.print(f"  nothing yet; next: ./nightshift train {name}", soft_wrap=True, markup=False)


def reproduce(
    model: ModelName,
    version: Annotated[int, typer.Argument(help="Version in the registry.")],
    as_json: JsonFlag = False,
) -> None:
    """Train a version again from what was recorded and compare; exit code 1 where a bit differs. Changes nothing."""
    from include.local.printing import reproduction_tables, reproduction_verdict
    from include.release.reproduce import reproduce as train_again

    with told(quiet=as_json) as say:
        instance.find()
        name = bare_name(model)
        say(f"training version {version} of {name} again, in a process of its own")
        (found,) = train_again(name, [version])
    if as_json:
        console.print_json(json.dumps(found.to_json()))
    else:
        for table in reproduction_tables(found):
            console.print(table)
        console.print(reproduction_verdict(found), soft_wrap=True)
    if not found.identical:
        raise typer.Exit(1)


def repair(model: ModelName) -> None:
    """Bring registry and ledger together after a kill, a moved alias, a deleted version; harmless otherwise.

    What a killed promotion left open is closed. Then the version that the ledger released is the champion again; where
    it is gone, none is, until the next version passes its gates.
    """
    from include.config.loader import model_name
    from include.release import realign

    with told(quiet=True):
        name = model_name(model)
        instance.find()
        closed = realign.realign(name)
        for event in closed:
            console.print(f"version {event.version}: {event.event}: {event.reason}", soft_wrap=True, markup=False)
        if not closed:
            console.print("Nothing to repair: MLflow serves what the ledger released, and no intention is open.")
        elif closed[-1].champion_after is None:
            console.print(f"Next: ./nightshift train {name}", markup=False)


def _sound(model: str) -> ModelConfig:
    """The model's configuration. Where its file has faults, the error says which version is served meanwhile."""
    from include.config.loader import find_model
    from include.errors import ConfigError, PermanentError

    try:
        return find_model(model)
    except ConfigError as error:
        from include.status.faulty_files import fault_of  # heavy: it reads the ledger

        found = fault_of(bare_name(model)) if Path(error.path).is_file() else None
        raise PermanentError(f"{error}\n{found.still_served}. Next: {found.next}" if found else str(error)) from None


def _trouble(model: str) -> str:
    """What a run of a model waits for whose file got faults meanwhile: Airflow takes its DAGs away."""
    from include.status.faulty_files import fault_of

    found = fault_of(model)
    return f"The model file has faults now: {found.first}. {found.still_served}. Next: {found.next}" if found else ""


def _print_decision(decision: dict[str, Any]) -> None:
    from include.contracts import GateDecision

    for line in GateDecision.from_json(decision).summary():
        console.print(line.text, soft_wrap=True, markup=False)


def _print_answer(api: AirflowApi, run: DagRun) -> None:
    """What a person said to the version, where one was asked."""
    from include.contracts import Approval

    if any(task["task_id"] == "approve_release" and task["state"] == "success" for task in api.tasks(run)):
        approval = Approval.from_json(api.result(run, "approve_release"))
        if approval.asked:
            console.print(approval.summary(), soft_wrap=True, markup=False)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a date; write it as 2026-01-31") from None

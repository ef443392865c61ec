"""`./nightshift`: what a person asks and does from a terminal. Heavy imports wait until a command needs them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from include.authoring.command import describe, new_model, remove_model, try_model
from include.local import instance
from include.replay.command import replay
from include.terminal import console, told

if TYPE_CHECKING:
    from include.local.airflow_api import AirflowApi, DagRun
    from include.local.settings import LocalSettings

app = typer.Typer(
    name="nightshift",
    help="Nightly model retraining that a team can leave alone.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(new_model)
app.command()(describe)
app.command("try")(try_model)
app.command()(remove_model)
app.command()(replay)
ModelName = Annotated[str, typer.Argument(help="Name of the model file, without .yaml")]
JsonFlag = Annotated[bool, typer.Option("--json", help="For machines.")]


@app.command()
def up() -> None:
    """Start PostgreSQL, MLflow and Airflow; return when all are healthy."""
    from include.local import services

    with told() as say:
        _where(services.up(say))


@app.command()
def down() -> None:
    """Stop everything that `up` started. What was stored stays."""
    from include.local import services

    with told() as say:
        stopped = services.down(say)
        say(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")


@app.command()
def demo(model: ModelName = "flight_delay") -> None:
    """Start everything and run the whole chain on real data; quick where it has been done."""
    from include.local.demo import demo as run

    with told() as say:
        settings = run(model, say)
        say("reading the result")
    _status(settings, as_json=False)
    _where(settings)


@app.command()
def status(as_json: JsonFlag = False) -> None:
    """Tell, model by model: champion, last verdict and why, rows, drift; and whether the services are healthy."""
    with told(quiet=True):
        _status(instance.settings(), as_json)


@app.command()
def metrics(
    serve: Annotated[bool, typer.Option("--serve", help="Serve them to Prometheus until stopped.")] = False,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="Port to listen on; default: this instance's.")] = None,
) -> None:
    """Print what Prometheus would scrape, as OpenMetrics: champions, verdicts, live metrics, drift, rows, runs."""
    from include.local import metrics as exporting
    from include.status import exporter

    with told(quiet=True):
        settings = None if exporting.in_containers() else instance.settings()
        collector = exporting.collector(settings)
        if serve:
            exporting.serve_until_stopped(collector, host, port or exporting.port_of(settings))
        else:
            print(exporter.text(collector), end="")


@app.command()
def train(
    model: ModelName,
    as_of: Annotated[str | None, typer.Option(help="Train as on this night, YYYY-MM-DD; default: tonight.")] = None,
) -> None:
    """Run the model's retrain DAG now and follow it to its verdict."""
    from include.config.loader import find_model
    from include.errors import PermanentError
    from include.release import trials

    with told() as say:
        config = find_model(model)
        night = _date(as_of).isoformat() if as_of else None
        api = instance.airflow_api()
        if tried := trials.on_trial(config):
            raise PermanentError(f"Nothing is trained. {trials.said_of(tried)}")
        run = api.follow(api.trigger(f"{model}__retrain", {"as_of": night} if night else None), say)
        _print_decision(api.result(run, "evaluate_gates"))
        _print_answer(api, run)


@app.command()
def rollback(
    model: ModelName,
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger.")],
    to: Annotated[int | None, typer.Option(help="Version to serve again; default: the previous champion.")] = None,
) -> None:
    """Serve an earlier version again, through the model's rollback DAG."""
    from include.config.loader import find_model

    with told() as say:
        find_model(model)
        api = instance.airflow_api()
        run = api.follow(api.trigger(f"{model}__rollback", {"version": to, "reason": reason}), say)
        event = api.result(run, "rollback_model")
        console.print(f"Champion of {model} is version {event['version']} (before: {event['champion_before']})")


@app.command()
def approve(
    model: ModelName,
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger.")],
    reject: Annotated[bool, typer.Option("--reject", help="The version is not served.")] = False,
) -> None:
    """Answer the question whether a version of the model may be served; the newest that waits."""
    from include.config.loader import find_model
    from include.errors import PermanentError

    with told(quiet=True):
        tried = find_model(model).release.evidence == "shadow"
        api = instance.airflow_api()
        asking = (f"{model}__retrain", f"{model}__shadow") if tried else (f"{model}__retrain",)
        waiting = [question for dag_id in asking for question in api.questions(dag_id)]
        if not waiting:
            raise PermanentError(f"{model}: no version waits for a person. Next: ./nightshift status")
        api.answer(waiting[0], "Reject" if reject else "Approve", reason)
        console.print(f"{waiting[0].subject} {'Rejected' if reject else 'Approved'}: {reason}", markup=False)


@app.command()
def history(model: ModelName, as_json: JsonFlag = False) -> None:
    """Print the ledger: every promotion, refusal and rollback, with who and why."""
    from include.config.loader import find_model
    from include.local.printing import history_table
    from include.release import ledger

    with told(quiet=True):
        find_model(model)
        events = ledger.history(model)
        if as_json:
            console.print_json(json.dumps([event.to_json() for event in events]))
        else:
            console.print(history_table(model, events))


@app.command()
def reproduce(
    model: ModelName,
    version: Annotated[int, typer.Argument(help="Version in the registry.")],
    as_json: JsonFlag = False,
) -> None:
    """Train a version again from what was recorded and compare; exit code 1 where a bit differs. Changes nothing."""
    from include.local.printing import reproduction_tables, reproduction_verdict
    from include.release.reproduce import reproduce as train_again

    with told(quiet=as_json) as say:
        instance.settings()
        say(f"training version {version} of {model} again, in a process of its own")
        (found,) = train_again(model, [version])
    if as_json:
        console.print_json(json.dumps(found.to_json()))
    else:
        for table in reproduction_tables(found):
            console.print(table)
        console.print(reproduction_verdict(found), soft_wrap=True)
    if not found.identical:
        raise typer.Exit(1)


@app.command()
def repair(model: ModelName) -> None:
    """Close what a killed promotion left open in the ledger, from what the registry says; harmless otherwise."""
    from include.config.loader import find_model
    from include.release import promotion

    with told(quiet=True):
        find_model(model)
        instance.settings()
        closed = promotion.repair(model)
        for event in closed:
            console.print(f"version {event.version}: {event.event}: {event.reason}", soft_wrap=True, markup=False)
        if not closed:
            console.print("Nothing to repair: every intention has its outcome.")


@app.command()
def alerts(
    test: Annotated[bool, typer.Option("--test", help="Send every target a message; tell who failed.")] = False,
) -> None:
    """Tell which alarms are open, since when, how bad they are, where to look."""
    from include.local import alarms

    with told(quiet=True):
        lines, fine = alarms.tested() if test else (alarms.listed(), True)
    for line in lines:
        console.print(line, soft_wrap=True, markup=False)
    if not fine:
        raise typer.Exit(1)


@app.command()
def lint(files: Annotated[list[Path] | None, typer.Argument(help="Model files; default: all.")] = None) -> None:
    """Check model files; every fault at once, exit code 1 where there is one."""
    from include.authoring.checks import faults_of

    with told(quiet=True):
        found = faults_of(files or [])
    for path, faults in found.items():
        console.print(f"{path}: " + ("no faults" if not faults else f"{len(faults)} faults"), soft_wrap=True)
        for fault in faults:
            console.print(f"  - {fault}", soft_wrap=True, markup=False)
    if any(found.values()):
        raise typer.Exit(1)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a model file, by which an editor completes keys and marks faults."""
    from include.config.reference import json_schema

    print(json_schema(), end="")


def _status(settings: LocalSettings, as_json: bool) -> None:
    from include.local import services
    from include.local.printing import services_line, status_table
    from include.status.model import statuses

    health = services.health(settings)
    if health["mlflow"] != "healthy":
        if as_json:
            console.print_json(json.dumps({"services": health, "models": None}))
        else:
            console.print(services_line(health))
            console.print("The registry cannot be read while MLflow is down. Next: make up")
        raise typer.Exit(1)
    found = statuses()
    if as_json:
        console.print_json(json.dumps({"services": health, "models": [item.to_json() for item in found]}))
        return
    idle = [item.model for item in found if item.champion_version is None and not item.days and not item.verdict]
    for item in found:
        if item.model not in idle:
            console.print(status_table(item))
    if idle:
        console.print(f"not started  {', '.join(idle)}; next: ./nightshift demo {idle[0]}", soft_wrap=True)
    console.print(services_line(health))


def _where(settings: LocalSettings) -> None:
    from include.local.settings import USER

    console.print(f"\nAirflow  {settings.airflow_url}   user {USER}, password {settings.secrets.password}")
    console.print(f"MLflow   {settings.mlflow_url}")
    console.print("Stop with: make down", style="dim")


def _print_decision(decision: dict[str, Any]) -> None:
    from include.contracts import GateDecision

    for line in GateDecision.from_json(decision).summary():
        console.print(line, soft_wrap=True, markup=False)


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


if __name__ == "__main__":
    app()

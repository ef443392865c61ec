"""`status`, `metrics`, `alerts`: what is the case. Heavy imports wait until a command needs them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from include.arguments import JsonFlag
from include.config import environment
from include.local import instance
from include.terminal import console, told

if TYPE_CHECKING:
    from include.local.instance import Instance
    from include.status.model import ModelStatus


def status(as_json: JsonFlag = False) -> None:
    """Tell, model by model: champion, last verdict and why, rows, drift; and whether the services are healthy.

    Exit code 1 where services are down or a model file has faults.
    """
    with told(quiet=True):
        fine = print_status(instance.find(), as_json)
    if not fine:
        raise typer.Exit(1)


def metrics(
    serve: Annotated[bool, typer.Option("--serve", help="Serve them to Prometheus until stopped.")] = False,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="Port to listen on; default: this instance's.")] = None,
) -> None:
    """Print what Prometheus would scrape, as OpenMetrics: champions, verdicts, live metrics, drift, rows, runs."""
    from include.local import metrics as exporting
    from include.status import exporter

    with told(quiet=True):
        found = instance.find()
        collector = exporting.collector(found)
        if serve:
            exporting.serve_until_stopped(collector, host, port or exporting.port_of(found))
        else:
            print(exporter.text(collector), end="")


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


def print_status(found: Instance, as_json: bool) -> bool:
    """Print what `status` prints; return whether services and model files are fine."""
    from include.local import services

    health = services.health(found)
    if health["mlflow"] != "healthy":
        if as_json:
            console.print_json(json.dumps({"services": health, "models": None}))
        else:
            console.print(services_line(health))
            console.print("The registry cannot be read while MLflow is down. Next: " + environment.start_command())
            _print_faulty_files()
        return False
    from include.local.printing import status_table  # heavy: services that are down are told at once
    from include.status.model import statuses

    models = statuses()
    fine = not any(item.file_faults for item in models)
    if as_json:
        console.print_json(json.dumps({"services": health, "models": [item.to_json() for item in models]}))
        return fine
    idle = [item.model for item in models if is_idle(item)]
    for item in models:
        if item.model not in idle:
            console.print(status_table(item))
    if idle:
        console.print(
            f"not started  {', '.join(idle)}; next: ./nightshift demo {idle[0]}", soft_wrap=True, markup=False
        )
    print_left_out()
    console.print(services_line(health))
    return fine


def is_idle(item: ModelStatus) -> bool:
    """Whether nothing has happened yet with a model whose file is sound."""
    return not (item.champion_version or item.days or item.verdict or item.file_faults or item.unread)


def _print_faulty_files() -> None:
    """Model files with faults, by the ledger alone: they are told without any service."""
    from include.config.loader import load_models

    if load_models()[1]:
        from include.status.faulty_files import faulty_files  # heavy: it reads the ledger

        for one in faulty_files():
            console.print(
                f"{one.model}: {one.first}. {one.still_served}. Next: {one.next}", soft_wrap=True, markup=False
            )


def print_left_out() -> None:
    """Name the examples that are not there, with how to get them."""
    from include.config.loader import hidden_examples

    for name, why in hidden_examples().items():
        console.print(f"left out  {name}: {why}", soft_wrap=True, markup=False)


def services_line(health: Mapping[str, str]) -> str:
    """All components in one line, the unhealthy ones in red."""
    parts = [name if state == "healthy" else f"[red]{name}: {escape(state)}[/red]" for name, state in health.items()]
    return "services  " + ", ".join(parts)

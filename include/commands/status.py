"""`status`, `metrics`, `alerts`: what is the case. Heavy imports wait until a command needs them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from include.arguments import JsonFlag
from include.config import environment
from include.local import instance
from include.terminal import console, told

if TYPE_CHECKING:
    from include.local.instance import Instance


def status(as_json: JsonFlag = False) -> None:
    """Tell, model by model: champion, last verdict and why, rows, drift; and whether the services are healthy."""
    with told(quiet=True):
        print_status(instance.find(), as_json)


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


def print_status(found: Instance, as_json: bool) -> None:
    """Print what `status` prints, of an instance whose services were found."""
    from include.local import services

    health = services.health(found)
    if health["mlflow"] != "healthy":
        if as_json:
            console.print_json(json.dumps({"services": health, "models": None}))
        else:
            console.print(services_line(health))
            console.print("The registry cannot be read while MLflow is down. Next: " + environment.start_command())
        raise typer.Exit(1)
    from include.local.printing import status_table  # heavy: services that are down are told at once
    from include.status.model import statuses

    models = statuses()
    if as_json:
        console.print_json(json.dumps({"services": health, "models": [item.to_json() for item in models]}))
        return
    idle = [item.model for item in models if item.champion_version is None and not item.days and not item.verdict]
    for item in models:
        if item.model not in idle:
            console.print(status_table(item))
    if idle:
        console.print(f"not started  {', '.join(idle)}; next: ./nightshift demo {idle[0]}", soft_wrap=True)
    print_left_out()
    console.print(services_line(health))


def print_left_out() -> None:
    """Name the examples that are not there, with how to get them."""
    from include.config.loader import hidden_examples

    for name, why in hidden_examples().items():
        console.print(f"left out  {name}: {why}", soft_wrap=True, markup=False)


def services_line(health: Mapping[str, str]) -> str:
    """All components in one line, the unhealthy ones in red."""
    parts = [name if state == "healthy" else f"[red]{name}: {state}[/red]" for name, state in health.items()]
    return "services  " + ", ".join(parts)

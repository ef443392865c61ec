"""`trigger`, `unpause`: what a message names to be done in Airflow, as a command."""

from __future__ import annotations

from typing import Annotated

import typer

from include.arguments import ModelName
from include.local import instance
from include.terminal import console, told


def trigger(
    dag: Annotated[str, typer.Argument(help="A model's DAG, such as flight_delay__ingest.", metavar="DAG")],
    form: Annotated[
        list[str] | None,
        typer.Argument(help="What its form is given, such as start=2026-01-31.", metavar="NAME=VALUE"),
    ] = None,
) -> None:
    """Run a DAG now and follow it to its end; what its form takes is shown in the Airflow UI and in docs/dags.md."""
    with told() as say:
        conf = dict(_given(one) for one in form or [])
        api = instance.airflow_api()
        run = api.follow(api.trigger(dag, conf), say)
        console.print(f"{run.dag_id}: {run.state}", markup=False)


def unpause(model: ModelName) -> None:
    """Let every DAG of a model run again, by its schedule and by hand."""
    from include.config.loader import model_name

    with told() as say:
        name = model_name(model)
        api = instance.airflow_api()
        for dag_id in sorted(dag_id for dag_id in api.dag_ids() if dag_id.rpartition("__")[0] == name):
            api.unpause(dag_id)
            say(f"{dag_id} runs")


def _given(text: str) -> tuple[str, str | int]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise typer.BadParameter(f"{text!r}: write it as NAME=VALUE, such as start=2026-01-31")
    return name, int(value) if value.isdecimal() else value

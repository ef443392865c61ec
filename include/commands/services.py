"""`up`, `down`, `demo`: this machine's services. Heavy imports wait until a command needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.arguments import ModelName
from include.commands.status import print_status
from include.config import environment
from include.local import instance
from include.terminal import console, told

if TYPE_CHECKING:
    from include.local.instance import Instance


def up() -> None:
    """Start PostgreSQL, MLflow and Airflow; return when all are healthy."""
    from include.local import services

    with told() as say:
        _where(instance.local(services.up(say)))


def down() -> None:
    """Stop everything that `up` started. What was stored stays."""
    from include.local import services

    with told() as say:
        stopped = services.down(say)
        say(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")


def demo(model: ModelName = "flight_delay") -> None:
    """Start everything and run the whole chain on real data; quick where it has been done."""
    from include.local.demo import demo as run

    with told() as say:
        found = run(model, say)
        say("reading the result")
    print_status(found, as_json=False)
    _where(found)


def _where(found: Instance) -> None:
    if not found.settings:
        return  # containers publish other addresses than those by which they know each other
    console.print(f"\nAirflow  {found.airflow_url}   user {environment.USER}, password {found.password}", markup=False)
    console.print(f"MLflow   {found.mlflow_url}", markup=False)
    console.print("Stop with: make down", style="dim")

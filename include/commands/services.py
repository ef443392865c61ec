"""`up`, `down`, `demo`: this machine's services. Heavy imports wait until a command needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.arguments import ModelName
from include.commands.status import print_status
from include.terminal import console, told

if TYPE_CHECKING:
    from include.local.settings import LocalSettings


def up() -> None:
    """Start PostgreSQL, MLflow and Airflow; return when all are healthy."""
    from include.local import services

    with told() as say:
        _where(services.up(say))


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
        settings = run(model, say)
        say("reading the result")
    print_status(settings, as_json=False)
    _where(settings)


def _where(settings: LocalSettings) -> None:
    from include.local.settings import USER

    console.print(f"\nAirflow  {settings.airflow_url}   user {USER}, password {settings.secrets.password}")
    console.print(f"MLflow   {settings.mlflow_url}")
    console.print("Stop with: make down", style="dim")

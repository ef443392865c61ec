"""`./nightshift`: what a person asks and does from a terminal. Heavy imports wait until a command needs them."""

from __future__ import annotations

import typer

from include.authoring.command import describe, new_model, remove_model, try_model
from include.commands import model_files, releases, runs, services, status
from include.replay.command import replay
from include.terminal import Commands

app = typer.Typer(
    name="nightshift",
    cls=Commands,
    help="Nightly model retraining that a team can leave alone.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(new_model)
app.command()(model_files.lint)
app.command()(describe)
app.command("try")(try_model)
app.command()(remove_model)
app.command()(replay)
app.command()(services.up)
app.command()(services.down)
app.command()(services.demo)
app.command()(status.status)
app.command()(status.alerts)
app.command()(status.metrics)
app.command()(releases.train)
app.command()(runs.trigger)
app.command()(runs.unpause)
app.command()(releases.rollback)
app.command()(releases.approve)
app.command()(releases.history)
app.command()(releases.reproduce)
app.command()(releases.repair)
app.command()(model_files.schema)

if __name__ == "__main__":
    app()

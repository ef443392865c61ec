"""`lint`, `schema`: what model files say, and what they may say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from include.commands.status import print_left_out
from include.terminal import console, told


def lint(
    models: Annotated[
        list[str] | None, typer.Argument(help="Models by name, or files; default: all.", metavar="MODEL")
    ] = None,
) -> None:
    """Check model files; every fault at once, exit code 1 where there is one."""
    from include.authoring.checks import faults_of

    with told(quiet=True):
        found = faults_of(models or [])
    for path, faults in found.items():
        console.print(f"{path}: {count_of(faults)}", soft_wrap=True, markup=False)
        for fault in faults:
            console.print(f"  - {fault}", soft_wrap=True, markup=False)
    print_left_out()
    if any(found.values()):
        raise typer.Exit(1)


def count_of(faults: Sequence[str]) -> str:
    """How many faults, in words."""
    return "no faults" if not faults else f"{len(faults)} fault{'s' if len(faults) > 1 else ''}"


def schema() -> None:
    """Print the JSON Schema of a model file, by which an editor completes keys and marks faults."""
    from include.config.reference import json_schema

    print(json_schema(), end="")

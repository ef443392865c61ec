"""How the command line speaks: progress with the seconds since the start, and every end without a traceback."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup
from typer.exceptions import TyperException

from include.errors import NightshiftError

PROGRAM = "./nightshift"
console = Console(highlight=False, emoji=False)
errors = Console(stderr=True, highlight=False, emoji=False)
HALF_DONE = "Nothing is half-done: run the same command again, or: make down"
UNFORESEEN = 70
"""Exit code of what nobody foresaw, as sysexits.h names it; a foreseen error ends with 1."""


class Commands(TyperGroup):
    """The commands under the name that a person types, and the one place where whatever a command raises ends."""

    def main(self, *args: Any, **more: Any) -> Any:
        return super().main(*args, **(more | {"prog_name": PROGRAM}))

    def invoke(self, ctx: Any) -> Any:
        with ended(HALF_DONE):
            return super().invoke(ctx)


@contextmanager
def told(quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Say what goes on, with the seconds since the start, and end as `ended` does."""
    started = time.monotonic()

    def say(message: str) -> None:
        if not quiet:
            console.print(f"[dim]{time.monotonic() - started:5.0f} s[/dim]  ", end="")
            console.print(message, soft_wrap=True, markup=False)

    with ended(HALF_DONE):
        yield say


@contextmanager
def ended(after_interruption: str = "Nothing was written.") -> Iterator[None]:
    """End on an error with its message, on an interruption with what holds then, and never with a traceback."""
    try:
        yield
    except (typer.Exit, typer.Abort, TyperException):
        raise
    except NightshiftError as error:
        errors.print(str(error), style="red", soft_wrap=True, markup=False)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        errors.print(f"\nInterrupted. {after_interruption}", style="yellow")
        raise typer.Exit(130) from None
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.EPIPE:
            raise  # whoever read the output has read enough
        raise typer.Exit(_tell_unforeseen(error)) from None


def _tell_unforeseen(error: Exception) -> int:
    """Say what happened, where, and how to report it; return the exit code."""
    from include import unforeseen

    if os.environ.get("NIGHTSHIFT_TRACEBACK"):
        raise error
    found = unforeseen.explain(error)
    file = unforeseen.keep(error, " ".join([PROGRAM, *sys.argv[1:]]))
    details = f"; details: {file}" if file else ""
    errors.print(found.sentence, style="red", soft_wrap=True, markup=False)
    errors.print(f"Place: {found.place}{details}", soft_wrap=True, markup=False)
    if found.ours:
        errors.print(unforeseen.how_to_report(file), soft_wrap=True, markup=False)
    return UNFORESEEN if found.ours else 1

"""How the command line speaks: progress with the seconds since the start, and errors as their message alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from include.errors import NightshiftError

console = Console(highlight=False, emoji=False)
errors = Console(stderr=True, highlight=False, emoji=False)
HALF_DONE = "Nothing is half-done: run the same command again, or: make down"


@contextmanager
def told(quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Say what goes on, with the seconds since the start, and end as `ended` does."""
    started = time.monotonic()

    def say(message: str) -> None:
        if not quiet:
            console.print(f"[dim]{time.monotonic() - started:5.0f} s[/dim]  {message}", soft_wrap=True)

    with ended(HALF_DONE):
        yield say


@contextmanager
def ended(after_interruption: str = "Nothing was written.") -> Iterator[None]:
    """End on an error with its message alone, and on an interruption with what holds then."""
    try:
        yield
    except NightshiftError as error:
        errors.print(str(error), style="red", soft_wrap=True, markup=False)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        errors.print(f"\nInterrupted. {after_interruption}", style="yellow")
        raise typer.Exit(130) from None

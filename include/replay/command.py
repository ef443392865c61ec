"""`./nightshift replay`: a stretch of history under a policy, or two side by side. Heavy imports wait until it runs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from include.arguments import JsonFlag, ModelName
from include.errors import PermanentError
from include.terminal import console, ended, errors

if TYPE_CHECKING:
    from include.replay.records import Outcome
    from include.replay.run import Replayed, Request


def replay(
    model: ModelName,
    first: Annotated[str, typer.Option("--from", help="First night, YYYY-MM-DD.")],
    last: Annotated[str, typer.Option("--to", help="Last night, YYYY-MM-DD.")],
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="path=value, such as release.against_champion.alpha=0.05.")
    ] = None,
    compare: Annotated[
        tuple[Path, Path] | None, typer.Option(help="Two policies, whole model files or some sections, side by side.")
    ] = None,
    data: Annotated[
        str,
        typer.Option(help="live: the validated table; source: read anew; auto: live where it has all."),
    ] = "auto",
    processes: Annotated[int, typer.Option(min=0, help="Processes that train; 0: one for each core.")] = 0,
    check_leaks: Annotated[
        bool, typer.Option("--check-leaks", help="Change the future of three nights and demand the same decisions.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Run every night of a stretch of history as of itself, and tell what the policy would have done.

    Touches no live table, registry or server. A night that is trained is kept: run the same command again to go on
    after an interruption, or other policies with `--set release...` in a minute.
    """
    with ended("Every finished night is kept: run the same command again to go on"):
        nights = _date(first, "--from"), _date(last, "--to")
        with _bars(quiet=as_json) as progress:
            from include.replay.run import kept_in
            from include.replay.run import replay as run

            request = _request(model, nights, settings or [], compare, data, processes)
            done = run(request, progress)
            leaks = _leaks(done, progress) if check_leaks else []
            progress.say("writing the page")
            page = _keep(kept_in(request), done)
        _tell([one.outcome for one in done], page, leaks, as_json, check_leaks)
    if leaks:
        raise typer.Exit(1)


def _request(
    model: str, nights: tuple[date, date], settings: list[str], compare: tuple[Path, Path] | None, data: str, many: int
) -> Request:
    from include.replay.plan import Plan
    from include.replay.run import Request
    from include.replay.settings import configured

    if data not in ("auto", "live", "source"):
        raise PermanentError(f"--data {data}: choose one of auto, live and source")
    policies: list[Path | None] = list(compare) if compare else [None]
    plans: dict[str, Plan] = {}
    for path in policies:
        name = path.stem if path else "policy"
        name = name if name not in plans else f"{name} (2)"
        plans[name] = Plan(configured(model, settings, path), *nights)
    return Request(plans, data, many)  # type: ignore[arg-type]


def _leaks(done: list[Replayed], shown: _Bars) -> list[str]:
    from include.replay.leaks import CHECKED, check_leaks

    found: list[str] = []
    for one in done:
        tick = shown.stage(f"{one.outcome.name}: changing the future", CHECKED)
        found += [leak.told() for leak in check_leaks(one.plan, one.place, one.store, tick=tick)]
    return found


def _keep(folder: Path, done: list[Replayed]) -> Path:
    from include.replay.page import page
    from include.replay.store import write_whole

    outcomes = [one.outcome for one in done]
    figures = {"policies": [one.to_json() for one in outcomes]}
    write_whole(folder / "replay.json", json.dumps(figures, indent=1).encode())
    write_whole(folder / "index.html", page(outcomes).encode())
    return folder / "index.html"


def _tell(outcomes: list[Outcome], page: Path, leaks: list[str], as_json: bool, checked: bool) -> None:
    if as_json:
        told = [one.model_dump(mode="json", exclude={"nights", "daily", "weekly"}) for one in outcomes]
        console.print_json(json.dumps({"page": str(page), "policies": told, "leaks": leaks if checked else None}))
        return
    table = Table(
        title=f"{escape(outcomes[0].model)}, nights {outcomes[0].first} to {outcomes[0].last}", title_justify="left"
    )
    table.add_column("")
    for one in outcomes:
        table.add_column(escape(one.name), justify="right")
    for name, value in _LINES:
        table.add_row(name, *(value(one) for one in outcomes))
    console.print(table)
    for leak in leaks:
        errors.print(f"LEAK: {leak}", style="red", soft_wrap=True, markup=False)
    if checked and not leaks:
        console.print("No leak: with another future, every decision was the same.")
    console.print(f"\nPage     {page}", soft_wrap=True, markup=False)


def _number(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.4f}"


_LINES: list[tuple[str, Callable[[Outcome], str]]] = [
    ("mean weekly metric, this policy", lambda one: _number(one.mean_weekly["policy"])),
    ("never retrain", lambda one: _number(one.mean_weekly["never"])),
    ("always promote", lambda one: _number(one.mean_weekly["always"])),
    ("share of that gain kept", lambda one: "not defined" if one.share_kept is None else f"{one.share_kept:.1%}"),
    ("promotions", lambda one: str(len(one.promotions))),
    ("of them later worse by more than the margin", lambda one: str(one.worse_later)),
    ("refused versions", lambda one: str(sum(night.verdict == "refused" for night in one.nights))),
    ("alarms with harm, without", lambda one: f"{one.alarms_with_harm}, {one.alarms_without_harm}"),
    ("nights of harm without an alarm", lambda one: str(one.harm_without_alarm)),
    ("CPU hours of training", lambda one: f"{one.compute.cpu_seconds / 3600:.2f}"),
    ("seconds of this replay", lambda one: f"{one.compute.wall_seconds:.0f}"),
]


class _Bars:
    """One bar for each stage; where nobody watches, a line at its beginning and its end."""

    def __init__(self, bars: Progress, quiet: bool) -> None:
        self._bars, self._quiet = bars, quiet

    def stage(self, title: str, total: int) -> Callable[[], None]:
        task = self._bars.add_task(title, total=total)
        started, done = time.monotonic(), [0]
        self.say(f"{title}: {total} to do") if not console.is_terminal else None

        def tick() -> None:
            done[0] += 1
            self._bars.advance(task)
            if done[0] == total and not console.is_terminal:
                self.say(f"{title}: done in {time.monotonic() - started:.0f} s")

        return tick

    def say(self, message: str) -> None:
        if not self._quiet:
            self._bars.console.print(message, soft_wrap=True, markup=False)


@contextmanager
def _bars(quiet: bool) -> Iterator[_Bars]:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    shown = not quiet and console.is_terminal
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not shown) as bars:
        yield _Bars(bars, quiet)


def _date(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise PermanentError(f"{option} {text!r} is not a date; write it as 2026-01-31") from None

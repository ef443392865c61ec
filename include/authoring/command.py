"""`./nightshift new-model`, `describe`, `try`, `remove-model`: what adding a model takes. Heavy imports wait."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from include import clock
from include.arguments import JsonFlag, ModelName, bare_name
from include.terminal import console, ended

if TYPE_CHECKING:
    from include.authoring.profile import Profile
    from include.authoring.tryout import Step, Tried

OF_TEXT = {"rich_help_panel": "How a text file is written, where the draft asks"}
COLOURS = {"fine": "green", "warning": "yellow", "fault": "red"}


def new_model(
    name: Annotated[str, typer.Argument(help="Name of the new model: small letters, digits, underscores.")],
    target: Annotated[str, typer.Option(help="Column to predict.")],
    origin: Annotated[
        str | None, typer.Option("--from", help="CSV, Parquet or JSON-lines file, a glob of them, or a URL.")
    ] = None,
    sql: Annotated[str | None, typer.Option(help="A query instead; :start and :end are the days asked for.")] = None,
    url: Annotated[
        str | None, typer.Option(help="SQLAlchemy URL for --sql; ${NAME} is read from the environment.")
    ] = None,
    connection: Annotated[str | None, typer.Option(help="Id of an Airflow connection for --sql.")] = None,
    time: Annotated[str | None, typer.Option(help="Column of dates or time stamps; without one, a snapshot.")] = None,
    key: Annotated[list[str] | None, typer.Option(help="Column that names a row; more than once for several.")] = None,
    task: Annotated[
        Literal["binary", "multiclass", "regression"] | None, typer.Option(help="Default: by the target's values.")
    ] = None,
    owner: Annotated[str | None, typer.Option(help="Who answers for the model; default: you.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a model file of that name.")] = False,
    text: Annotated[list[str] | None, typer.Option(help="Column to be taken as text, as it is.", **OF_TEXT)] = None,
    missing: Annotated[list[str] | None, typer.Option(help="What stands for no value, such as '?'.", **OF_TEXT)] = None,
    fold: Annotated[
        list[str] | None, typer.Option(help="Column of text without regard to case and blanks around.", **OF_TEXT)
    ] = None,
    date_format: Annotated[
        list[str] | None, typer.Option(help="%d.%m.%Y, epoch_seconds, ...; or COLUMN=FORMAT.", **OF_TEXT)
    ] = None,
    decimal: Annotated[str | None, typer.Option(help="Decimal sign: . or ,", **OF_TEXT)] = None,
    thousands: Annotated[
        str | None, typer.Option(help="Between groups of digits: , . ' or a blank.", **OF_TEXT)
    ] = None,
    unit: Annotated[
        list[str] | None, typer.Option(help="COLUMN=UNIT: no part of its numbers, such as price=$.", **OF_TEXT)
    ] = None,
    negative: Annotated[
        str | None, typer.Option(help="parentheses where (1) is -1; trailing where 1- is.", **OF_TEXT)
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Such as cp1252 or utf-16.", **OF_TEXT)] = None,
    separator: Annotated[str | None, typer.Option(help="Between fields; tab for a tab.", **OF_TEXT)] = None,
    quote: Annotated[str | None, typer.Option(help="Mark around texts, or none.", **OF_TEXT)] = None,
    escape: Annotated[str | None, typer.Option(help="Before a quotation mark within a text.", **OF_TEXT)] = None,
    skip: Annotated[int | None, typer.Option(min=0, help="Lines before the header.", **OF_TEXT)] = None,
    comment: Annotated[
        list[str] | None, typer.Option(help="What lines begin with that are no rows; '' for none.", **OF_TEXT)
    ] = None,
    header: Annotated[str | None, typer.Option(help="none, or all names with commas between.", **OF_TEXT)] = None,
) -> None:
    """Draft a model file from data: columns, types, features, rules and gates, with what was assumed said."""
    from include.authoring.new_model import Wanted
    from include.authoring.new_model import new_model as draft
    from include.authoring.text_options import parse_options

    with ended():
        said = parse_options(
            text or (),
            date_format or (),
            header,
            unit or (),
            negative=negative,
            missing=missing,
            fold=fold,
            decimal=decimal,
            thousands=thousands,
            encoding=encoding,
            separator=separator,
            quote=quote,
            escape=escape,
            skip=skip,
            comment=comment,
        )
        path, found = draft(
            Wanted(name, target, origin, sql, url, connection, time, tuple(key or ()), task, owner, force, said)
        )
    _tell_draft(path, found)
    console.print(
        f"Next: read it, then ./nightshift lint {name} && ./nightshift try {name}", soft_wrap=True, markup=False
    )


def describe(
    model: ModelName,
    as_yaml: Annotated[
        bool, typer.Option("--yaml", help="The resolved configuration, every default spelled out.")
    ] = False,
) -> None:
    """Tell in words what a model file makes: rows, features, training, gates, nights, DAGs."""
    from include.authoring.describe import describe as paragraphs
    from include.authoring.describe import resolved
    from include.config.loader import find_model

    with ended():
        config = find_model(model, anywhere=True)
        if as_yaml:
            print(resolved(config), end="")  # noqa: T201
            return
        night = clock.today(config.schedule.timezone)
        for one in paragraphs(config, night):
            console.print(one.title, style="bold")
            for line in one.lines:
                console.print(f"  - {line}", markup=False, soft_wrap=True)


def try_model(
    model: ModelName,
    rows: Annotated[int, typer.Option(min=100, help="Rows to fit on, at most.")] = 20_000,
    as_of: Annotated[str | None, typer.Option(help="Night, YYYY-MM-DD; default: the newest with rows.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Run a night's chain in this process, fitted on a sample; exit code 1 where a night would fail."""
    from include.authoring.tryout import try_model as run
    from include.config.loader import find_model
    from include.errors import PermanentError

    with ended():
        try:
            night = date.fromisoformat(as_of) if as_of else None
        except ValueError:
            raise PermanentError(f"--as-of {as_of!r} is not a date; write it as 2026-01-31") from None
        config = find_model(model, anywhere=True)
        with console.status("reading the source") as status:
            tried = run(config, night, rows, lambda step: status.update(f"{step.name} done"))
    if as_json:
        print(json.dumps(_json(tried)))  # noqa: T201
    else:
        console.print(_table(config.name, tried))
        console.print(_next(model, tried), soft_wrap=True)
    if not tried.fine:
        raise typer.Exit(1)


def remove_model(
    model: ModelName,
    purge: Annotated[
        bool, typer.Option("--purge", help="Its tables, reports, MLflow experiments and versions too.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a model file, and with it its DAGs; what was stored stays unless --purge."""
    from include.authoring.remove import plan, remove

    with ended():
        planned = plan(model, purge)
        for line in planned.told:
            console.print(f"  - {line}", markup=False, soft_wrap=True)
        if not yes and not typer.confirm("Go on?"):
            console.print("Nothing was removed.")
            raise typer.Exit(1)
        for line in remove(planned):
            console.print(line, markup=False, soft_wrap=True)


def _tell_draft(path: Path, found: Profile) -> None:
    console.print(f"{path}: task {found.task}, {len(found.rows):,} rows", markup=False, soft_wrap=True)
    assumed = [*found.notes]
    assumed += [f"{name} is no feature: {why}" for name, why in found.left_out.items()]
    assumed += [f"{name} is left out as known afterwards: {why}" for name, why in found.suspects.items()]
    for line in assumed:
        console.print(f"  - {line}", markup=False, soft_wrap=True)


def _table(model: str, tried: Tried) -> Table:
    table = Table(
        title=f"{escape(model)}, as on the night of {tried.night}", title_justify="left", box=None, pad_edge=False
    )
    for head in ("step", "", "what it did", "seconds"):
        table.add_column(head, overflow="fold", justify="right" if head == "seconds" else "left")
    for step in tried.steps:
        state = Text(step.state, style=COLOURS[step.state])
        table.add_row(step.name, state, Text("\n".join(step.told)), f"{step.seconds:.1f}")
    return table


def _next(model: str, tried: Tried) -> str:
    if not tried.fine:
        stops = f"[red]{escape(tried.steps[-1].name)}[/red]"
        return f"A night would stop at {stops}. Next: mend it, then ./nightshift try {escape(model)}"
    if not tried.released:
        return (
            f"A night would run through, and refuse its version as a first release: gates says what helps. "
            f"Then: ./nightshift try {escape(model)}"
        )
    return f"A night would run through. Next: ./nightshift demo {escape(bare_name(model))}"


def _json(tried: Tried) -> dict[str, object]:
    def told(step: Step) -> dict[str, object]:
        return {"step": step.name, "state": step.state, "told": list(step.told), "seconds": step.seconds}

    return {
        "night": tried.night.isoformat(),
        "fine": tried.fine,
        "released": tried.released,
        "steps": [told(step) for step in tried.steps],
    }

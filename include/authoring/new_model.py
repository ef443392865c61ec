"""Draft a model file from data: read, profile, write out, check; the file is there whole and sound, or not at all."""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.authoring.apart import rename_apart
from include.authoring.draft import draft
from include.authoring.layout import Said
from include.authoring.profile import Profile, profile
from include.authoring.reading import read_file, read_query
from include.authoring.shares import SMALL, small_shares
from include.config import environment
from include.config.loader import load_model, parse_model, read_value
from include.errors import ConfigError, PermanentError

if TYPE_CHECKING:
    import pandas as pd

    from include.config.section import Task

NAME = re.compile(r"[a-z][a-z0-9_]{1,60}")


@dataclass(frozen=True)
class Wanted:
    """What a person asked for on the command line; one of `origin`, or `sql` with `url` or `connection`."""

    name: str
    target: str
    origin: str | None = None
    sql: str | None = None
    url: str | None = None
    connection: str | None = None
    time: str | None = None
    key: Sequence[str] = ()
    task: Task | None = None
    owner: str | None = None
    force: bool = False
    said: Said = field(default_factory=Said)


def new_model(wanted: Wanted) -> tuple[Path, Profile]:
    """Write `include/models/<name>.yaml` and return it with what was found in the data.

    Raises PermanentError or ConfigError, and writes nothing, where the name is taken or no name, the data cannot be
    read, the target is none of its columns, or the draft has a fault that lint would name. The draft is then held
    against its own rows, as a night would: a rule that they fail only warns, and whatever else stands in a night's way
    is among the notes.
    """
    path = environment.models_dir() / f"{wanted.name}.yaml"
    _check_wanted(wanted, path)
    query = wanted.sql
    table = (
        read_query(query, wanted.url, wanted.connection)
        if query
        else read_file(str(wanted.origin), wanted.said, wanted.target, wanted.time)
    )
    table, named = rename_apart(table, wanted.time)
    ours = {theirs: name for name, theirs in named.items()}
    found = profile(
        table.rows,
        table.kinds,
        ours.get(wanted.target, wanted.target),
        ours.get(wanted.time, wanted.time) if wanted.time else None,
        tuple(ours.get(name, name) for name in wanted.key),
        wanted.task,
        _personal(table.rows),
        wanted.origin or "the query",
    )
    found = replace(found, notes=(*table.notes, *found.notes), named=named)
    young = found.spans is not None and found.spans.young
    said = _write(path, _compose_draft(wanted, table.source, found), young)
    return path, replace(found, notes=(*found.notes, *said))


def _compose_draft(wanted: Wanted, source: dict[str, Any], found: Profile) -> str:
    """The draft; of a small snapshot once more, with shares by which its own rows fill every split."""
    owner = wanted.owner or _user()
    text = draft(wanted.name, owner, source, found)
    if found.time is not None or len(found.labelled_rows) >= SMALL:
        return text
    rows = found.labelled_rows
    if found.numbered:
        rows = rows.assign(**{found.key[0]: rows.index + 1})
    shares = small_shares(parse_model(read_value(text), f"the draft of {wanted.name}"), rows)
    return draft(wanted.name, owner, source, found, shares)


def _check_wanted(wanted: Wanted, path: Path) -> None:
    faults = []
    if not NAME.fullmatch(wanted.name):
        faults.append(
            f"NAME {wanted.name!r}: 2 to 61 small letters, digits and underscores, a letter first, such as "
            f"{_proper(wanted.name)!r}"
        )
    elif path.exists() and not wanted.force:
        faults.append(f"NAME {wanted.name!r}: {path} exists; take another name, or --force to write it anew")
    if (wanted.origin is None) == (wanted.sql is None):
        faults.append("give one of --from FILE or URL, and --sql QUERY")
    if wanted.sql and (wanted.url is None) == (wanted.connection is None):
        faults.append("--sql needs one of --url and --connection")
    if faults:
        raise ConfigError("new-model", faults)


def _proper(name: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return plain if NAME.fullmatch(plain) else "my_model"


def _personal(rows: pd.DataFrame) -> dict[str, str]:
    """Columns that look like people's own data, and what they look like."""
    from include.validation.personal import looks_like

    return {str(name): looks for name in rows.columns if (looks := looks_like(rows[name]))}


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "nobody"


def _write(path: Path, text: str, young: bool) -> tuple[str, ...]:
    """Check what was drafted under its own name beside its place, then move it there; returns what is to be said."""
    from include.authoring.proof import prove

    aside = path.parent / f".{path.stem}.{os.getpid()}"
    aside.mkdir(parents=True, exist_ok=True)
    try:
        drafted = aside / path.name
        drafted.write_text(text, encoding="utf-8")
        if faults := _faults(drafted):
            raise PermanentError(
                f"the draft of {path.name} has faults, which is a fault of new-model; nothing was written:\n"
                + "\n".join(f"  - {fault}" for fault in faults)
                + "\nNext: send this, with the first lines of your data, to whoever keeps this repository; until it is "
                "mended, rename or leave out the columns that the faults name"
            )
        said = prove(drafted, text, young)
        drafted.replace(path)
        return said
    finally:
        for left in aside.iterdir():
            left.unlink()
        aside.rmdir()


def _faults(drafted: Path) -> list[str]:
    """What lint would say of the draft: a person knows neither its place nor its lines."""
    from include.authoring.checks import config_faults

    try:
        return config_faults(load_model(drafted))
    except ConfigError as error:
        return error.faults

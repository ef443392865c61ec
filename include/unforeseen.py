"""What a person reads where something ended that nobody foresaw: one sentence, the place, and how to report it.

The traceback is for developers: it is kept in a file, and a terminal or a task's first lines never start with it.
"""

from __future__ import annotations

import errno
import getpass
import os
import platform
import shutil
import subprocess
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from include import clock
from include.config import environment
from include.config.queries import hidden

FULL = (errno.ENOSPC, errno.EDQUOT)
CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS)
LEAST_ROOM = 1_000_000
"""Free bytes below which a disk counts as full: libraries in Rust and C++ tell of it in their own words."""
LONGEST = 400


@dataclass(frozen=True)
class Unforeseen:
    """What happened in a sentence, the place in our code, and whether it is a fault of ours to report."""

    sentence: str
    place: str
    ours: bool


def explain(error: BaseException) -> Unforeseen:
    """Name what happened: a full disk, a closed folder, too little memory; or the error as it is."""
    place = place_of(error)
    for one in _chain(error):
        if isinstance(one, MemoryError):
            return Unforeseen("Memory ran out. Next: stop other programs, or take fewer rows or days", place, False)
        if isinstance(one, OSError) and one.errno in FULL:
            return Unforeseen(_full(Path(str(one.filename)) if one.filename else environment.state_dir()), place, False)
        if isinstance(one, OSError) and one.errno in CLOSED:
            return Unforeseen(_closed(one), place, False)
    if (folder := _without_room()) is not None:
        return Unforeseen(_full(folder), place, False)
    return Unforeseen(f"Nightshift did not foresee this: {one_line(error)}", place, True)


def one_line(error: BaseException) -> str:
    """An error's kind and words on one line, without passwords and of readable length."""
    words = " ".join(hidden(str(error)).split())
    said = f"{type(error).__name__}: {words}" if words else type(error).__name__
    return said if len(said) <= LONGEST else said[: LONGEST - 1] + "…"


def place_of(error: BaseException) -> str:
    """`include/data/tables.py:120`: the deepest line of ours that the error passed."""
    frames = traceback.extract_tb(error.__traceback__)
    root = environment.REPOSITORY
    ours = [
        frame
        for frame in frames
        if Path(frame.filename).is_relative_to(root) and ".venv" not in Path(frame.filename).relative_to(root).parts
    ]
    found = (ours or list(frames))[-1:]
    if not found:
        return "an unknown place"
    file = Path(found[0].filename)
    return f"{file.relative_to(root) if file.is_relative_to(root) else file}:{found[0].lineno}"


def keep(error: BaseException, doing: str) -> Path | None:
    """Keep the traceback with what was done and under which versions; None where no file can be written."""
    folder = environment.state_dir() / "logs"
    now = clock.now()
    facts = f"{now:%Y-%m-%d %H:%M:%S} UTC\n{doing}\nPython {platform.python_version()}, {platform.platform()}\n"
    text = hidden(facts + "\n" + "".join(traceback.format_exception(error)))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"unforeseen-{now:%Y%m%d-%H%M%S}-{os.getpid()}.log"
        file.write_text(text, encoding="utf-8")
    except OSError:
        return None
    return file


def how_to_report(file: Path | None) -> str:
    """What to send to whom."""
    what = f"the file {file}" if file else "what NIGHTSHIFT_TRACEBACK=1 before the same command prints"
    return f"To report it: send {what} (read it first: it may hold values of your data) to {_keeper()}"


def _keeper() -> str:
    """Where this checkout came from, else whoever keeps it."""
    command = ["git", "-C", str(environment.REPOSITORY), "config", "--get", "remote.origin.url"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return "whoever keeps this repository"
    origin = hidden(done.stdout.strip())
    return f"the issues of {origin}" if origin else "whoever keeps this repository"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what caused it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _full(path: Path) -> str:
    folder = _existing(path)
    free = _free(folder)
    left = "" if free is None else f" ({free:,} bytes are free)"
    next_step = "remove what is not needed there, then run the same command again"
    return f"No room is left on the disk of {folder}{left}. Next: {next_step}"


def _closed(error: OSError) -> str:
    path = Path(str(error.filename)) if error.filename else environment.state_dir()
    there = _existing(path)
    try:
        owner = there.owner()
    except (OSError, KeyError, NotImplementedError):
        owner = "somebody else"
    inside = path.is_relative_to(environment.state_dir())
    other = ", or set NIGHTSHIFT_STATE to a folder of your own" if inside else ""
    return (
        f"{path} cannot be used ({error.strerror}): {there} belongs to {owner}, and this runs as {user()}. "
        f"Next: give {user()} the right to read and write there (chown, chmod){other}"
    )


def user() -> str:
    """Who runs this; a number where the machine has no name for it."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return f"user {os.getuid()}"


def _existing(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    return next((one for one in (path, *path.parents) if _there(one)), Path("/"))


def _there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _free(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def _without_room() -> Path | None:
    """The folder of state or tables whose disk is full, if one is."""
    tables = environment.tables_uri()
    for folder in (environment.state_dir(), *([] if "://" in tables else [Path(tables)])):
        free = _free(_existing(folder))
        if free is not None and free < LEAST_ROOM:
            return folder
    return None

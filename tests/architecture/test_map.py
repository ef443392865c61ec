"""The map in docs/architecture.md shows the house as it stands, and every file that a page names is there."""

from __future__ import annotations

import re
from pathlib import Path

from include.config import environment

ROOT = environment.REPOSITORY
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
HOMES = (ROOT, ROOT / "include", ROOT / "plugins/nightshift", ROOT / "include/data")
"""Folders from which the pages name files."""
FILE = re.compile(r"`((?:[a-z_]+/)*[a-z_]+\.py)`")
ROOM = re.compile(r"^  ([a-z_/. ]*?)(?:   *\S.*)?$")
MODULES = re.compile(r"^    ([a-z_/ ]*?)(?:   *\S.*)?$")


def rooms_of(page: str) -> dict[str, set[str]]:
    """The names of the map below `include/`: each room's modules; what is no room stands under the empty name."""
    block = page.split("\ninclude/ ", 1)[1].split("\ntests/", 1)[0]
    rooms: dict[str, set[str]] = {"": set()}
    room = ""
    for line in block.splitlines()[1:]:
        if found := MODULES.match(line):
            rooms[room] |= {name.rstrip("/") for name in found[1].split()}
        elif found := ROOM.match(line):
            names = found[1].split()
            rooms[""] |= {name for name in names if name.endswith(".py")}
            for name in names:
                if name.endswith("/"):
                    room = name.rstrip("/")
                    rooms[room] = set()
    return rooms


def modules_in(folder: Path) -> set[str]:
    packages = {path.parent.name for path in folder.glob("*/__init__.py")}
    return packages | {path.stem for path in folder.glob("*.py")} - {"__init__"}


def test_every_room_is_on_the_map_with_its_modules() -> None:
    """A room's modules are named all or, where the room's own line says enough, none."""
    rooms = rooms_of((ROOT / "docs/architecture.md").read_text())
    there = {path.parent.name for path in (ROOT / "include").glob("*/__init__.py")}
    assert rooms.keys() - {""} == there
    assert rooms[""] == {path.name for path in (ROOT / "include").glob("*.py")} - {"__init__.py"}
    named = {room: names for room, names in rooms.items() if room and names}
    assert named.keys() >= {"config", "data", "validation", "release", "authoring"}
    wrong = {room: names ^ modules_in(ROOT / "include" / room) for room, names in named.items()}
    assert {room: sorted(names) for room, names in wrong.items() if names} == {}


def test_every_file_that_a_page_names_is_there() -> None:
    named = [(page.name, name) for page in PAGES for name in FILE.findall(page.read_text())]
    assert len(named) > 15
    assert [one for one in named if not any((home / one[1]).is_file() for home in HOMES)] == []


def test_the_map_is_read_as_it_is_written() -> None:
    """The two tests above see a room, a module and a file that are not there."""
    rooms = rooms_of("\ninclude/   all\n  attic/   <- dark\n    old older  things\n  cli.py cellar/   below\ntests/")
    assert rooms == {"": {"cli.py"}, "attic": {"old", "older"}, "cellar": set()}
    assert FILE.findall("see `attic/old.py`, `x.py`") == ["attic/old.py", "x.py"]

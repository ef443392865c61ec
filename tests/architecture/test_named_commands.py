"""Every command that a text of ours names is there, with the options that it is named with."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import typer.main

from include.cli import app
from include.config import environment

ROOT = environment.REPOSITORY
COMMAND = re.compile(r"\./nightshift ([a-z][a-z-]*)([^\n;`]*)")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
TARGET = re.compile(r"(?:`|Next: |then |Stop with: |or: |: `)make ([a-z][a-z-]*)")
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


@cache
def texts() -> tuple[tuple[str, str], ...]:
    return tuple(_texts())


def _texts() -> Iterator[tuple[str, str]]:
    """Every text of the code, as it is put together, and every page: where it is, and what it says."""
    for folder in ("include", "plugins", "dags"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                where = f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
                if isinstance(node, ast.JoinedStr):
                    yield where, "".join(_part(value) for value in node.values)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield where, node.value
    for file in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "nightshift"):
        yield str(file.relative_to(ROOT)), file.read_text()


def _part(value: ast.expr) -> str:
    return str(value.value) if isinstance(value, ast.Constant) else "X"


def test_every_command_that_is_named_is_there_with_its_options() -> None:
    found, wrong = 0, []
    for where, text in texts():
        for command, rest in COMMAND.findall(text):
            found += 1
            if command not in COMMANDS:
                wrong.append(f"{where}: no command {command}")
                continue
            own = rest.split("./nightshift")[0].split(" && ")[0].split(", then")[0]
            known = {option for parameter in COMMANDS[command].params for option in parameter.opts}
            wrong += [f"{where}: {command} has no {option}" for option in OPTION.findall(own) if option not in known]
    assert found > 60
    assert not wrong, "\n".join(wrong)


def test_every_target_that_is_named_is_there() -> None:
    named = [(where, target) for where, text in texts() for target in TARGET.findall(text)]
    assert len(named) > 5
    assert [one for one in named if one[1] not in TARGETS] == []


def test_nobody_is_told_to_trigger_without_a_command() -> None:
    """`trigger flight_delay__ingest` is no command; `./nightshift trigger` is, and says what the form takes."""
    bare = re.compile(r"(?<!nightshift )trigger X__|with start=")
    code = ((where, text) for where, text in texts() if where.startswith(("include", "plugins")))
    assert [where for where, text in code if bare.search(text)] == []


def test_the_rules_find_what_they_are_for() -> None:
    assert COMMAND.findall("Next: ./nightshift rolback m --to 3")[0][0] not in COMMANDS
    assert OPTION.findall(" m --tu 3, or --reason WHY") == ["--tu", "--reason"]
    assert TARGET.findall("Next: make upp") == ["upp"] and "up" in TARGETS
    assert Path(ROOT / "nightshift").is_file()

"""The walk-through, run as it stands: a person who follows it gets what it shows."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from include.config import environment
from tests.e2e.instance import Instance

pytestmark = pytest.mark.e2e

PAGE = environment.REPOSITORY / "docs/adding_a_model.md"
BLOCK = re.compile(r"^```(bash|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_walk_through_leads_from_a_table_to_a_champion(instance: Instance, tmp_path: Path) -> None:
    printed, ran = "", []
    for kind, text in BLOCK.findall(PAGE.read_text()):
        lines = text.replace("/tmp/", f"{tmp_path}/").splitlines()
        if kind == "bash":
            printed = "".join(run(instance, line) for line in lines)
            ran += lines
        else:
            for line in lines:
                assert line in printed, f"{line!r} is not in what {ran[-1]!r} printed:\n{printed}"
    commands = {shlex.split(line)[1] for line in ran if line.startswith("./nightshift")}
    assert commands >= {"new-model", "lint", "describe", "try", "demo", "status", "remove-model"}
    assert not (instance.models / "hotel_rates.yaml").exists()


def run(instance: Instance, line: str) -> str:
    """A line of the page, in the repository, as the instance's user."""
    variables = instance.variables | {"PYTHONPATH": os.pathsep.join([".", "plugins"]), "COLUMNS": "300"}
    done = subprocess.run(
        line, shell=True, env=variables, cwd=environment.REPOSITORY, capture_output=True, text=True, timeout=400
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout

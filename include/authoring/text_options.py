"""The options of `new-model` that say how a text file is written, as keys of `data.source`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from include.authoring.layout import Said
from include.config.text_dialect import TextDialect
from include.errors import ConfigError

TABS = {"tab": "\t", "\\t": "\t"}


def parse_options(
    text: Sequence[str] = (),
    date_format: Sequence[str] = (),
    header: str | None = None,
    unit: Sequence[str] = (),
    **keys: Any,
) -> Said:
    """What the options given say; those that are None or empty say nothing. Raises ConfigError, with all faults.

    :param date_format: one format for all columns, or `COLUMN=FORMAT` each
    :param unit: `COLUMN=UNIT` each, an empty unit for numbers without
    :param header: `none`, or the names of all columns with commas between
    """
    given = {name: value for name, value in keys.items() if value is not None and value != []}
    if "separator" in given:
        given["separator"] = TABS.get(given["separator"], given["separator"])
    if given.get("comment") == [""]:  # no line is a comment, and every one a row
        given["comment"] = []
    if header is not None:
        given["header"] = False if header == "none" else [name.strip() for name in header.split(",")]
    if date_format:
        named = dict(one.split("=", 1) for one in date_format if "=" in one)
        given["date_format"] = named or date_format[0]
    for one in unit:
        name, _, mark = one.partition("=")
        given.setdefault("units", {}).setdefault(name, []).append(mark)
    try:
        TextDialect.model_validate(given)
    except ValidationError as error:
        faults = [
            f"--{str(one['loc'][0]).replace('_', '-')}: {one['msg'].removeprefix('Value error, ')}"
            for one in error.errors()
        ]
        raise ConfigError("new-model", faults) from None
    return Said(given, tuple(text))

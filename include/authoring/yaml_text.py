"""The one writer of drafted model files: every name and value escaped, so that it loads back as exactly what it was.

Text with anything but printable signs in it is written between double quotes with escapes, on one line; so is text
that another reader of YAML would take for a number or a truth. Comments hold no line break. Pure.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import yaml

NARROW = 100
"""Characters that a flow of YAML may take before it becomes a list of lines."""
LONGEST_IN_COMMENT = 120
"""Signs of a name or a value that a comment repeats."""
LONGEST_KEY = 500
"""Signs up to which a key may stand before its colon; YAML allows 1,024, escapes counted."""
NUMBERS = re.compile(r"[-+]?(\.?[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+|\.(inf|nan))", re.I)
"""What YAML 1.2 or an editor reads as a number, though PyYAML does not."""
ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


class _Dumper(yaml.SafeDumper):
    """PyYAML's safe writer, which chooses its quotes by what every reader would make of the text."""

    def ignore_aliases(self, data: Any) -> bool:
        """Model files have no aliases: a value that comes twice is written twice."""
        return True


def _text_node(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    risky = not text.isprintable() or NUMBERS.fullmatch(text)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if risky else None)


_Dumper.add_representer(str, _text_node)


def flow(value: Any) -> str:
    """A value on one line: `[a, b]`, `{a: 1}`, or a scalar quoted where it would be read as something else.

    Raises ValueError where a text holds half a surrogate pair, which no file can hold.
    """
    if isinstance(value, str):
        return flow([value])[1:-1]
    written = yaml.dump(
        value,
        Dumper=_Dumper,
        default_flow_style=True,
        width=math.inf,
        allow_unicode=_printable(value),
        sort_keys=False,
    )
    return str(written).strip()


def entry(name: str, value: str) -> str:
    """A line, or two, of a mapping: `name: value`, the value being YAML already."""
    key = flow(name)
    return f"{key}: {value}" if len(key) <= LONGEST_KEY else f"? {key}\n: {value}"


def listed(title: str, names: Sequence[Any], indent: int, note: str = "") -> list[str]:
    """A key with a list of values, on one line where it fits."""
    before = " " * indent
    line = f"{before}{title}: {flow(list(names))}"
    if len(line) <= NARROW:
        return [line + note]
    return [f"{before}{title}:{note}", *(f"{before}  - {flow(name)}" for name in names)]


def said(value: Any) -> str:
    """A name or a value as a comment or a sentence repeats it: on one line, nothing unprintable, not too long."""
    text = value if isinstance(value, str) else str(value)
    short = text if len(text) <= LONGEST_IN_COMMENT else f"{text[: LONGEST_IN_COMMENT - 3]}..."
    return "".join(sign if sign.isprintable() else _escaped(sign) for sign in short)


def comment(text: str) -> str:
    """A sentence as a comment: whatever it quotes, it stays on its line."""
    return "# " + "".join(sign if sign.isprintable() else _escaped(sign) for sign in text)


def unwritable(text: str) -> bool:
    """Whether a text holds half a surrogate pair, which UTF-8 does not have."""
    return any("\ud800" <= sign <= "\udfff" for sign in text)


def _escaped(sign: str) -> str:
    if sign in ESCAPES:
        return ESCAPES[sign]
    code = ord(sign)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"


def _printable(value: Any) -> bool:
    """Whether every text in a value is printable as it is; raises ValueError where one cannot be written at all."""
    if isinstance(value, str):
        if unwritable(value):
            raise ValueError(f"{said(value)!r} holds half a surrogate pair, which no UTF-8 file can hold")
        return value.isprintable()
    if isinstance(value, dict):
        return all([_printable(part) for pair in value.items() for part in pair])
    if isinstance(value, list | tuple):
        return all([_printable(part) for part in value])
    return True

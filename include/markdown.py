"""How a value is written into Markdown so that it stays text: in a model card, a gate report, an approval's form."""

from __future__ import annotations

import html
import re

MARKUP = re.compile(r"[\\`*\[\]{}|~@]|(?<!\w)_|_(?!\w)|:(?=\S)|(?<=[wW]{3})\.")
"""What Markdown would take for more than text: emphasis, code, links, tables, mentions, `:emoji:`, addresses."""
COLON = "&#58;"
"""Not every renderer takes a backslash before a colon."""


def as_text(value: object) -> str:
    """A value as plain text, in a Markdown table too: one line, no markup, no HTML."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in str(value)).split())
    return MARKUP.sub(lambda found: COLON if found[0] == ":" else f"\\{found[0]}", html.escape(line, quote=False))

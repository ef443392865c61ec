"""JSON files of one array of objects, as the JSON lines that they would be. Pure."""

from __future__ import annotations

import json
from typing import Any


def as_lines(content: bytes) -> bytes:
    """One object a line, in the order of the array; what is JSON lines already stays as it is.

    Raises ValueError, which says the way on, where the content is neither.
    """
    text = content.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"{") and _is_lines(text):
        return text
    try:
        found = json.loads(text.decode(json.detect_encoding(text)))
    except UnicodeDecodeError as error:
        raise ValueError(f"it is no text of UTF-8, UTF-16 or UTF-32 ({error.reason})") from None
    if isinstance(found, dict):
        arrays = sorted(name for name, value in found.items() if _rows(value))
        inside = f"; its key {arrays[0]!r} holds one: write that alone into a file" if arrays else ""
        raise ValueError(f"it is one object, and not an array of objects{inside}")
    if not _rows(found) and found != []:
        raise ValueError("it is no array of objects, such as [{...}, {...}]; write the table's rows so")
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in found).encode("utf-8", "surrogatepass")


def _rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _is_lines(text: bytes) -> bool:
    """Whether the first line is an object by itself."""
    try:
        return isinstance(json.loads(text.split(b"\n", 1)[0]), dict)
    except ValueError:
        return False

"""How a text file is laid out, from the file itself: separator, lines before the header, comments, header, quotes.

Each finding is a key of `data.source` with a note that shows an example; a doubt names the options that answer it.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from include.authoring.encodings import guess_encoding, wide_word
from include.config.schema import FilesSource
from include.config.text_dialect import NO_QUOTES
from include.data.packed import packed_as
from include.data.text_files import TextTable, read_text
from include.errors import PermanentError

SNIFFED = 64 * 1024
SEPARATORS = ",;\t|"
RARE = 0.01
"""Share of lines that are no rows up to which a draft goes on, as a night would, and says so."""
PLAIN = re.compile(r"[+-]?([0-9]+[.,]?[0-9]*|[.,][0-9]+)([eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class Said:
    """What a person says of a text file: keys of `data.source`, and columns that stay text as they are."""

    keys: Mapping[str, Any] = field(default_factory=dict)
    text: tuple[str, ...] = ()


@dataclass
class Findings:
    """What is known of a file so far: keys of `data.source`, notes, and doubts that a person has to settle."""

    keys: dict[str, Any]
    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def source(self, place: Mapping[str, Any]) -> FilesSource:
        return FilesSource.model_validate({**place, **self.keys})


def find_encoding(place: str, content: bytes, found: Findings) -> None:
    """Find the encoding. Raises PermanentError where the content is no text at all, or several encodings fit."""
    if "encoding" in found.keys:
        return
    if packed := packed_as(content):
        raise PermanentError(f"{place}: is packed as {packed} files are; let its name end in {packed}")
    guess = guess_encoding(content)
    if b"\0" in content[:SNIFFED] and not (guess.encoding or "").startswith(("utf-16", "utf-32")):
        raise PermanentError(f"{place}: holds NUL bytes: no text")
    if guess.encoding is None:
        raise PermanentError(f"{place}: {_which_encoding(content, guess.readings)}")
    if guess.encoding != "utf-8":
        found.keys["encoding"] = guess.encoding
    if guess.encoding.startswith(("utf-16", "utf-32")):
        found.notes.append(f"encoding {guess.encoding}, by its first bytes")


def _which_encoding(content: bytes, readings: Mapping[str, str]) -> str:
    try:
        content.decode("utf-8")
        at = 0
    except UnicodeDecodeError as error:
        at = content.count(b"\n", 0, error.start) + 1
    choices = ", ".join(f"{word!r} (--encoding {name})" for name, word in readings.items())
    which = f"choose: {choices}" if choices else "none that is known fits: write the file anew as UTF-8"
    return f"line {at} is no UTF-8, and its words do not tell which encoding it is; {which}"


def tell_encoding(table: TextTable, found: Findings) -> None:
    """Show a guessed encoding on a word with letters outside ASCII."""
    encoding = found.keys.get("encoding", "utf-8")
    if encoding.startswith("utf"):
        return
    for name in table.names:
        for text in [name, *table.columns[name].to_pylist()]:
            if text and not text.isascii():
                found.notes.append(
                    f"encoding {encoding} is a guess: {wide_word(text)!r} in column {name}; --encoding for another"
                )
                return


def find_layout(content: bytes, found: Findings, target: str) -> None:
    """Find separator, lines before the header, comments, and whether there is a header, by the first lines."""
    said = dict(found.keys)
    text = content.decode(found.keys.get("encoding", "utf-8"), "replace").removeprefix("\ufeff")[:SNIFFED]
    first = text.split("\n", 1)[0].strip()
    if (marked := re.fullmatch(r"\"?sep=(.)\"?", first)) and not said.keys() & {"skip", "separator"}:
        found.keys |= {"separator": marked[1], "skip": 1}
        found.notes.append(f"line 1 is {first!r}, which names the separator: skipped")
    if "separator" not in found.keys:
        best = max(SEPARATORS, key=lambda mark: _score(_widths(text, mark)))
        if best != "," and _score(_widths(text, best))[0]:
            found.keys["separator"] = best
    widths = _widths(text, found.keys.get("separator", ","))
    if not said.keys() & {"skip", "header", "comment"} and "skip" not in found.keys:
        _head(text, widths, found)
    if "header" not in found.keys:
        _header(text, found, target)


def _widths(text: str, separator: str) -> list[tuple[int, int, list[str]]]:
    """The records of a text that hold anything: lines before each, fields, what they are."""
    reader = csv.reader(text.splitlines(keepends=True), delimiter=separator)
    found, before = [], 0
    try:
        for fields in reader:
            if fields:
                found.append((before, len(fields), fields))
            before = reader.line_num
    except csv.Error:
        pass
    return found[:-1] if len(text) >= SNIFFED else found


def _score(widths: list[tuple[int, int, list[str]]]) -> tuple[int, int]:
    """How many records have the most frequent number of fields, and that number; 0 where it is 1."""
    counts = Counter(width for _, width, _ in widths if width > 1)
    width, times = counts.most_common(1)[0] if counts else (0, 0)
    return (times, width) if times * 2 > len(widths) else (0, 0)


def _head(text: str, widths: list[tuple[int, int, list[str]]], found: Findings) -> None:
    """Lines before the header: those of another width than the table, unless the header alone is one shorter."""
    _, usual = _score(widths)
    place = next((place for place, (_, width, _) in enumerate(widths) if width == usual), 0)
    if place == 0 or (place == 1 and widths[0][1] == usual - 1 and len(widths) > 2):
        return
    before = text.splitlines()[: widths[place][0]]
    there = [line for line in before if line.strip()]
    if all(line.startswith("#") for line in there) and not widths[place][2][0].startswith("#"):
        found.keys["comment"] = ["#"]
        found.notes.append(f"lines that begin with # are comments, such as {there[0][:60]!r}")
        return
    found.keys["skip"] = len(before)
    found.notes.append(f"{len(before)} line{'s' * (len(before) > 1)} before the header skipped: {there[0][:60]!r}")


def _header(text: str, found: Findings, target: str) -> None:
    """Whether the first record is one of data: numbers where every record has numbers, and no column to predict."""
    lines = "".join(text.splitlines(keepends=True)[found.keys.get("skip", 0) :])
    marks = tuple(found.keys.get("comment", ()))
    rows = [
        row for _, _, row in _widths(lines, found.keys.get("separator", ",")) if not row[0].startswith(marks or "\0")
    ]
    if len(rows) < 3 or target in [name.strip() for name in rows[0]]:
        return
    rest = [row for row in rows[1:] if len(row) == len(rows[0])]
    numeric = [place for place in range(len(rows[0])) if all(PLAIN.fullmatch(row[place].strip()) for row in rest)]
    if rest and numeric and all(PLAIN.fullmatch(rows[0][place].strip()) for place in numeric):
        found.keys["header"] = False
        found.notes.append(
            f"there is no header: line 1 holds values, such as {rows[0][numeric[0]]!r}; columns are column_1 to "
            f"column_{len(rows[0])} (--header NAME,NAME,... for names)"
        )


def read_layout(place: str, content: bytes, found: Findings, source: Mapping[str, Any]) -> TextTable | None:
    """Read the table, finding out what quotes it; None where that is a doubt."""
    first = _attempt(place, content, found, source, {})
    if isinstance(first, TextTable) and not first.faults:
        _tell_oddity(first, found)
        return first
    if "escape" not in found.keys and b'\\"' in content:
        escaped = _attempt(place, content, found, source, {"escape": "\\"})
        if isinstance(escaped, TextTable) and not escaped.faults:
            found.keys["escape"] = "\\"
            found.notes.append('quotation marks within a text are written \\": escape is \\')
            return escaped
    if "quote" not in found.keys:
        separator = re.escape(found.keys.get("separator", ",").encode())
        single = [("'", "texts are quoted by '")] if re.search(b"(?m)(?:^|" + separator + b")'", content) else []
        for quote, why in (*single, (NO_QUOTES, "")):
            other = _attempt(place, content, found, source, {"quote": quote})
            if not isinstance(other, TextTable) or other.faults:
                continue
            if why:
                found.keys["quote"] = quote
                found.notes.append(why)
                return other
            found.doubts.append(
                f"{_first_fault(first)}. With --quote none each quotation mark is a letter, and every line a row; with "
                "--quote '\"' texts go over as many lines as they seem to"
            )
            return None
    if isinstance(first, PermanentError):
        raise first
    return _with_faults(first, found)


def _attempt(
    place: str, content: bytes, found: Findings, source: Mapping[str, Any], more: dict[str, Any]
) -> TextTable | PermanentError:
    try:
        return read_text(place, content, FilesSource.model_validate({**source, **found.keys, **more}))
    except PermanentError as error:
        return error


def _first_fault(found: TextTable | PermanentError) -> str:
    return str(found.faults[0]) if isinstance(found, TextTable) else str(found)


def _with_faults(table: TextTable, found: Findings) -> TextTable | None:
    """Few lines that are no rows are set aside each night, and told; many are a doubt."""
    lines = sum(fault.last - fault.first + 1 for fault in table.faults)
    some = "; ".join(str(fault) for fault in table.faults[:3])
    count = f"{lines:,} of {len(table.columns) + lines:,} lines are no rows ({some}"
    if lines <= RARE * len(table.columns):
        found.notes.append(f"{count}): each night sets such lines aside")
        return table
    found.doubts.append(
        f"{count}{'; ...' if len(table.faults) > 3 else ''}). Mend them, or say what the file is written in: "
        "--separator, --quote (none, or '\"' where texts go over several lines), --escape, --skip, --comment"
    )
    return None


def _tell_oddity(table: TextTable, found: Findings) -> None:
    if table.oddity == "trailing":
        found.notes.append("every line ends with a separator: the empty last field is left out")
    if table.oddity:
        first = table.columns[0][0].as_py() if len(table.columns) else ""
        if table.oddity == "row names":
            found.notes.append(
                f"each line has one field more than the header: the first, such as {first!r}, is column "
                f"{table.names[0]!r}"
            )

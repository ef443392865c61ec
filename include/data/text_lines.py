"""The lines of a text file, and which record of the table each belongs to. Pure."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from include.config.text_dialect import NO_QUOTES

if TYPE_CHECKING:
    from include.config.text_dialect import TextDialect

LINE_FEED, RETURN = 10, 13
LONGEST_FIELD = 1 << 27
BREAKS = r"(\r\n|\n|\r)+"
"""Ends of lines within a field, blank lines among them."""


@dataclass(frozen=True)
class Lines:
    """Lines that are not blank: `starts` and `ends` (n,) within `content`, `numbers` (n,) in the file, from 1."""

    content: bytes
    starts: np.ndarray
    ends: np.ndarray
    numbers: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)

    def text(self, first: int, last: int) -> str:
        """The lines from index `first` to `last`, both included."""
        return self.content[self.starts[first] : self.ends[last]].decode("utf-8", "replace")


def without_head(content: bytes, skip: int, comment: Sequence[str]) -> tuple[bytes, int]:
    """The content without its first `skip` lines and with each comment blank, and how many lines came before it.

    A comment stays as an empty line, so that all others keep their numbers.
    """
    if b"\n" not in content:
        content = content.replace(b"\r", b"\n")  # as old Macintoshes end lines
    for _ in range(skip):
        content = content.partition(b"\n")[2]
    if comment:
        marks = b"|".join(re.escape(mark.encode()) for mark in comment)
        content = re.sub(rb"(?m)^(?:" + marks + rb")[^\r\n]*", b"", content)
    return content.rstrip(b"\r\n"), skip


def lines_of(content: bytes, before: int) -> Lines:
    """Find the lines, which end with a line feed, a carriage return or both."""
    letters = np.frombuffer(content, dtype=np.uint8)
    ending = letters == LINE_FEED
    if b"\r" in content:
        alone = letters == RETURN
        alone[:-1] &= letters[1:] != LINE_FEED
        ending |= alone
    breaks = np.flatnonzero(ending)
    starts, ends = np.concatenate([[0], breaks + 1]), np.concatenate([breaks, [len(content)]])
    if b"\r\n" in content:
        ends = ends - ((ends > starts) & (letters[np.maximum(ends - 1, 0)] == RETURN))
    there = np.flatnonzero(ends > starts)
    return Lines(content, starts[there], ends[there], there + before + 1)


def csv_options(dialect: TextDialect) -> dict[str, object]:
    """The dialect as Python's module `csv` takes it, every doubt an error."""
    quoted = dialect.quote != NO_QUOTES
    return {
        "delimiter": dialect.separator,
        "quotechar": (dialect.quote or '"') if quoted else None,
        "quoting": csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
        "escapechar": dialect.escape,
        "strict": True,
    }


def quoting_fault(text: str, dialect: TextDialect) -> str | None:
    """What is wrong with the quotes of one record: text after a closing one, or none that closes."""
    csv.field_size_limit(LONGEST_FIELD)
    try:
        list(csv.reader(text.splitlines(keepends=True), **csv_options(dialect)))  # type: ignore[arg-type]
    except csv.Error as error:
        return "no quotation mark closes a field" if "end of data" in str(error) else "text follows a closing quote"
    return None


def within_words(content: bytes, dialect: TextDialect) -> np.ndarray:
    """Places of quotation marks with ordinary text on both sides, which a well-quoted field never has."""
    mark = dialect.quote or '"'
    if dialect.quote == NO_QUOTES or mark.encode() not in content:
        return np.zeros(0, dtype=int)
    letters = np.frombuffer(content, dtype=np.uint8)
    at = np.flatnonzero(letters == ord(mark))
    at = at[(at > 0) & (at < len(letters) - 1)]
    usual = [LINE_FEED, RETURN, ord(mark), *dialect.separator.encode()[:1], *(dialect.escape or "").encode()]
    return at[~np.isin(letters[at - 1], usual) & ~np.isin(letters[at + 1], usual)]


def first_records(content: bytes, dialect: TextDialect, count: int) -> list[list[str]]:
    """The fields of the first records; none of a file that holds none."""
    csv.field_size_limit(LONGEST_FIELD)
    options = csv_options(dialect) | {"strict": False}
    found: list[list[str]] = []
    for fields in csv.reader(_lazily(content), **options):  # type: ignore[arg-type]
        if fields:
            found.append(fields)
        if len(found) == count:
            break
    return found


def _lazily(content: bytes) -> Iterable[str]:
    start = 0
    while start < len(content):
        end = content.find(b"\n", start) + 1 or len(content)
        yield content[start:end].decode("utf-8", "replace")
        start = end

"""CSV files as the dialect of their source says: every field text, every line a row or a fault with its number."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from include.config.text_dialect import NO_QUOTES
from include.data.text_lines import BREAKS, Lines, first_records, lines_of, quoting_fault, within_words, without_head
from include.errors import PermanentError

if TYPE_CHECKING:
    from include.config.text_dialect import TextDialect

BLOCK = 1 << 24
STANDS_IN = "\x1f"
"""For a separator outside ASCII, which the parser does not take."""
ROW_NAMES = "Unnamed: 0"
"""Name of a first column that the header leaves out, as pandas names it."""


@dataclass(frozen=True)
class LineFault:
    """A record that is no row: the index of its place among the rows, its lines, first and last, and what is wrong."""

    place: int
    first: int
    last: int
    what: str

    def __str__(self) -> str:
        return f"line {self.first}{f' to {self.last}' if self.last > self.first else ''}: {self.what}"


@dataclass(frozen=True)
class TextTable:
    """`columns`: a table of text, its rows in the file's order; `lines` (n,): each row's first line; `faults`.

    `oddity` says where the lines have one field more than the header: "trailing" (an empty last one, left out) or
    "row names" (the first one has no name).
    """

    columns: pa.Table
    lines: np.ndarray
    faults: tuple[LineFault, ...]
    oddity: str | None = None

    @property
    def names(self) -> list[str]:
        return list(self.columns.column_names)


def read_text(path: str, content: bytes, dialect: TextDialect) -> TextTable:
    """Read the table that a file's bytes hold.

    Raises PermanentError, with the number of the line, where the bytes are no text of the encoding, a column is there
    twice, there are more faults than rows, or lines and rows cannot be made to agree.
    """
    text = _decoded(path, content, dialect)
    separator, text, plain = _plain_separator(text, dialect)
    text, before = without_head(text, plain.skip, plain.comment)
    heads = first_records(text, plain, 2)
    if not heads:
        return TextTable(pa.table({}), np.zeros(0, dtype=int), ())
    lines = lines_of(text, before)
    records = _parse(path, text, lines, plain, heads)
    table = _rows(path, records, lines, plain)
    return table if separator is None else _with_separator(table, separator)


@dataclass(frozen=True)
class _Records:
    """What the parser made of all lines: `good` rows, `number` (n,) of each, from 0, and those of another width."""

    names: list[str]
    good: pa.Table
    number: np.ndarray
    bad: dict[int, tuple[int, str]]
    header: bool
    oddity: str | None


def _parse(path: str, text: bytes, lines: Lines, dialect: TextDialect, heads: list[list[str]]) -> _Records:
    header = dialect.header is True
    first = heads[0]
    names = list(dialect.header) if isinstance(dialect.header, tuple) else first if header else _numbered(len(first))
    names = [name.strip() or f"Unnamed: {place}" for place, name in enumerate(names)]
    if doubled := sorted(name for name, count in Counter(names).items() if count > 1):
        raise PermanentError(f"{path} has column {', '.join(doubled)} twice; make it have each column once")
    data = heads[-1] if len(heads) > 1 or not header else []
    # One field more in the lines than in the header: the last is empty, or the first holds the names of the rows.
    if len(data) == len(names) + 1:
        good, bad = _split(path, text, len(data), dialect)
        bad.pop(0, None) if header else None
        if len(good) > len(bad):
            return _wider(names, good, bad, header)
    good, bad = _split(path, text, len(names), dialect)
    number = np.delete(np.arange(len(good) + len(bad)), list(bad))
    return _Records(names, good, number, bad, header, None)


def _wider(names: list[str], good: pa.Table, bad: dict[int, tuple[int, str]], header: bool) -> _Records:
    number = np.delete(np.arange(len(good) + len(bad) + header), [*bad, *([0] if header else [])])
    empty = pc.all(pc.equal(good.column(len(names)), "")).as_py()
    if empty:
        return _Records(names, good.remove_column(len(names)), number, bad, False, "trailing")
    return _Records([ROW_NAMES, *names], good, number, bad, False, "row names")


def _numbered(count: int) -> list[str]:
    return [f"column_{place + 1}" for place in range(count)]


def _split(path: str, text: bytes, width: int, dialect: TextDialect) -> tuple[pa.Table, dict[int, tuple[int, str]]]:
    """Records of `width` fields, and number -> (fields, text) of all others; numbers count from 0, the header's too."""
    names = [str(place) for place in range(width)]
    bad: dict[int, tuple[int, str]] = {}

    def keep(row: csv.InvalidRow) -> str:
        bad[row.number - 1] = (row.actual_columns, row.text)
        return "skip"

    quoted = dialect.quote != NO_QUOTES
    how = csv.ParseOptions(
        delimiter=dialect.separator,
        quote_char=(dialect.quote or '"') if quoted else False,
        double_quote=quoted,
        escape_char=dialect.escape or False,
        newlines_in_values=quoted,
        invalid_row_handler=keep,
    )
    what = csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
    for block in (BLOCK, len(text) + 2):  # a record must fit into a block, which one lone quotation mark can break
        bad.clear()
        reading = csv.ReadOptions(use_threads=False, column_names=names, block_size=min(block, 2**31 - 1))
        try:
            return csv.read_csv(pa.BufferReader(text), reading, how, what), bad
        except pa.ArrowInvalid as error:
            if block > len(text):
                raise PermanentError(f"{path}: cannot be read as CSV: {error}") from error
    raise AssertionError("the last block holds the whole file")


def _rows(path: str, found: _Records, lines: Lines, dialect: TextDialect) -> TextTable:
    """Number the lines of every record, and hold lines and rows against each other."""
    total = len(found.number) + len(found.bad) + (1 if found.oddity and dialect.header is True else 0)
    spans = _spans(found, total, len(lines))
    if int(spans.sum()) != len(lines):
        raise PermanentError(
            f"{path}: has {len(lines):,} lines that are not blank, of which {int(spans.sum()):,} were found again in "
            "its rows; quotation marks or comments within its text hide the others. Say what it is written in, in "
            "data.source: quote, escape, comment"
        )
    first = np.concatenate([[0], np.cumsum(spans)[:-1]]).astype(int)
    faults = _ragged(found, first, spans, lines) | _swallowed(found, first, spans, lines, dialect)
    skipped = 1 if dialect.header is True else 0
    kept = np.array([n >= skipped and n not in faults for n in found.number]) if faults else found.number >= skipped
    good, number = found.good.rename_columns(found.names), found.number[kept]
    good = good.slice(skipped) if not faults and found.header else good.filter(pa.array(kept))
    faults.pop(0, None) if skipped else None
    if len(faults) > len(good):
        one = next(iter(faults.values()))
        raise PermanentError(
            f"{path}: {len(faults):,} of its {len(faults) + len(good):,} records are no rows, such as {one}. Say what "
            "it is written in, in data.source: separator, quote, escape, skip, header"
        )
    placed = {n: int(np.searchsorted(number, n)) for n in faults}
    told = tuple(LineFault(placed[n], fault.first, fault.last, fault.what) for n, fault in sorted(faults.items()))
    return TextTable(good, lines.numbers[first[number]], told, found.oddity)


def _spans(found: _Records, total: int, lines: int) -> np.ndarray:
    """How many lines that are not blank each record (n,) takes: more than one where a quoted field goes on."""
    spans = np.ones(total, dtype=int)
    if total == lines:
        return spans
    for column in found.good.columns:
        spans[found.number] += pc.count_substring_regex(column, BREAKS).to_numpy()
    for number, (_, text) in found.bad.items():
        spans[number] += len(re.findall(BREAKS, text))
    return spans


def _ragged(found: _Records, first: np.ndarray, spans: np.ndarray, lines: Lines) -> dict[int, LineFault]:
    """Records of another number of fields, but for lines of blanks alone."""
    width = len(found.names) + (found.oddity == "trailing")
    told = {}
    for number, (fields, text) in found.bad.items():
        if text.strip():
            what = f"{fields} field{'s' if fields != 1 else ''}, where the header has {width}"
            told[number] = _fault(number, first, spans, lines, what)
    return told


def _fault(number: int, first: np.ndarray, spans: np.ndarray, lines: Lines, what: str) -> LineFault:
    start, end = first[number], first[number] + spans[number] - 1
    return LineFault(0, int(lines.numbers[start]), int(lines.numbers[end]), what)


def _swallowed(
    found: _Records, first: np.ndarray, spans: np.ndarray, lines: Lines, dialect: TextDialect
) -> dict[int, LineFault]:
    """Records whose quotes are not what they seem: other lines within a field, text after a closing quote, no end.

    A field that goes over several lines and holds as many separators as they would is taken for swallowed lines,
    unless the model file names the quote, by which its owner says that texts of several lines are texts.
    """
    if dialect.quote == NO_QUOTES:
        return {}
    like_lines = _like_lines(found, spans, dialect) if (spans > 1).any() else set()
    marks = np.searchsorted(lines.starts, within_words(lines.content, dialect), side="right") - 1
    doubtful = like_lines | set((np.searchsorted(first, marks, side="right") - 1).tolist()) | {len(first) - 1}
    told = {}
    for number in sorted(doubtful - set(found.bad)):
        text = lines.text(first[number], first[number] + spans[number] - 1)
        what = quoting_fault(text, dialect)
        if what is None and number in like_lines and dialect.quote is None:
            what = "a quoted field holds as many separators as the lines that it spans"
        if what is not None:
            told[number] = _fault(number, first, spans, lines, what)
    return told


def _like_lines(found: _Records, spans: np.ndarray, dialect: TextDialect) -> set[int]:
    """Records of several lines whose fields hold as many separators as so many lines have."""
    over = np.flatnonzero(spans[found.number] > 1)
    held = np.zeros(len(over), dtype=int)
    for column in found.good.take(pa.array(over)).columns:
        counts = pc.count_substring(column, dialect.separator).to_numpy()
        held += np.where(pc.match_substring_regex(column, BREAKS).to_numpy(), counts, 0)
    number = found.number[over]
    return set(number[held == (spans[number] - 1) * (len(found.names) - 1)].tolist()) if len(found.names) > 1 else set()


def _decoded(path: str, content: bytes, dialect: TextDialect) -> bytes:
    """The content as UTF-8 without a byte order mark."""
    try:
        text = content.decode(dialect.encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise PermanentError(
            f"{path}: line {line} is no {dialect.encoding}: byte 0x{content[error.start]:02x} ({error.reason}). Say "
            "which encoding the file has, in data.source.encoding, or write the file anew"
        ) from None
    utf8 = dialect.encoding in ("utf-8", "utf-8-sig")
    return (content if utf8 else text.encode("utf-8", "surrogatepass")).removeprefix(b"\xef\xbb\xbf")


def _plain_separator(text: bytes, dialect: TextDialect) -> tuple[str | None, bytes, TextDialect]:
    """A separator outside ASCII gives way to one that no text has."""
    separator = dialect.separator
    if separator.isascii():
        return None, text, dialect
    return (
        separator,
        text.replace(separator.encode(), STANDS_IN.encode()),
        dialect.model_copy(update={"separator": STANDS_IN}),
    )


def _with_separator(table: TextTable, separator: str) -> TextTable:
    """Give separators within quoted fields back."""
    columns = [pc.replace_substring(column, STANDS_IN, separator) for column in table.columns.columns]
    return TextTable(pa.table(columns, table.names), table.lines, table.faults, table.oddity)

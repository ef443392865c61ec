"""Columns of text as a file writes them, in the canonical forms that `include.data.values` reads. Pure.

What does not fit the dialect is given as `Unreadable`, so that it is a fault of its row: under a decimal comma, `1.5`
is no number.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.config.text_dialect import EPOCHS
from include.data.values import Unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from include.config.schema import ColumnType
    from include.config.text_dialect import TextDialect
    from include.data.text_files import TextTable

USUAL_MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None")
"""What a CSV file writes where a value is missing. In text `NA` is a word: a country, an airline."""
SPELLINGS = {" ": "[ \u00a0\u2009\u202f]", "'": "['\u2019]", ",": ",", ".": r"\."}
"""Each sign for thousands as a pattern: a space stands for the no-break ones too, an apostrophe for the curved one."""
TRUTH = {"True": "1", "TRUE": "1", "true": "1", "False": "0", "FALSE": "0", "false": "0"}
MINUS = "\u2212"
"""The minus sign of typography, which is one wherever it stands before a number."""
NEGATIVES = {"parentheses": r"\(([^()+-]+)\)", "trailing": r"([^()+-]+)-"}
"""How a negative number is written that has no minus before it, as a pattern of RE2 and Python."""
MICROSECONDS = {"epoch_seconds": 10**6, "epoch_milliseconds": 10**3}
DAY_ONLY = "YmdbByjaA%"


def frame(table: TextTable, kinds: Mapping[str, ColumnType], dialect: TextDialect, told_by: str | None) -> pd.DataFrame:
    """The table's rows, each column in the canonical form of its declared kind; undeclared ones stay text.

    A line that is no row keeps its place, without a value but in the column `told_by`, which says what is wrong.
    """
    places = np.repeat(
        [fault.place for fault in table.faults], [fault.last - fault.first + 1 for fault in table.faults]
    )
    rows = np.insert(np.arange(len(table.columns)), places.astype(int), -1)
    text = table.columns.take(pa.array(rows, mask=rows < 0)) if len(places) else table.columns
    found = {name: canonical(text[name], kinds.get(name, "string"), name, dialect) for name in table.names}
    if len(places) and told_by is not None:
        wrong = [Unreadable(fault) for fault in table.faults for _ in range(fault.first, fault.last + 1)]
        column = found[told_by].astype(object)
        column[rows < 0] = wrong
        found[told_by] = column
    return pd.DataFrame(found)


def canonical(text: pa.ChunkedArray, kind: ColumnType, name: str, dialect: TextDialect) -> pd.Series:
    """One column (n,) of text, missing values null; of dtype object where it holds `Unreadable`, else of text."""
    trimmed = pc.utf8_trim_whitespace(text)
    if kind == "string":
        missing = pc.is_in(trimmed, pa.array(dialect.missing, pa.string()))
        folded = name in dialect.fold
        empty = pc.equal(trimmed if folded else text, "")
        return _series(pc.if_else(pc.or_(missing, empty), None, pc.utf8_lower(trimmed) if folded else text))
    missing = pc.is_in(trimmed, pa.array([*USUAL_MISSING, *dialect.missing], pa.string()))
    there = pc.if_else(missing, None, trimmed)
    if kind in ("number", "integer"):
        return _numbers(there, name, dialect)
    written = dialect.date_format_of(name) if kind in ("date", "timestamp") else None
    return _moments(there, written) if written else _series(there)


def number_pattern(decimal: str, thousands: str | None) -> str:
    """Numbers of a dialect, in groups of three digits or in none, as a pattern of RE2 and Python."""
    mark = f"\\{decimal}"
    groups = f"[1-9][0-9]{{0,2}}(?:{SPELLINGS[thousands]}[0-9]{{3}})+|" if thousands else ""
    return rf"^[+-]?(?:(?:{groups}[0-9]+)(?:{mark}[0-9]*)?|{mark}[0-9]+)(?:[eE][+-]?[0-9]+)?$"


def plain_numbers(text: pa.ChunkedArray, decimal: str, thousands: str | None) -> pa.ChunkedArray:
    """Numbers of a dialect with a point and without groups; null where a text is none."""
    fits = pc.fill_null(pc.match_substring_regex(text, number_pattern(decimal, thousands)), False)
    plain = pc.if_else(fits, text, None)
    if thousands:
        plain = pc.replace_substring_regex(plain, SPELLINGS[thousands], "")
    return pc.replace_substring(plain, decimal, ".") if decimal != "." else plain


def has_minus(text: pa.ChunkedArray) -> bool:
    """Whether a text holds the minus sign of typography."""
    return bool(pc.any(pc.match_substring(text, MINUS)).as_py())


def bare_numbers(text: pa.ChunkedArray, negative: str | None) -> pa.ChunkedArray:
    """Texts with a plain minus before each negative number; what is written otherwise stays."""
    found = pc.replace_substring(text, MINUS, "-") if has_minus(text) else text
    if negative is None:
        return found
    return pc.replace_substring_regex(found, f"^{NEGATIVES[negative]}$", r"-\1")


def strip_units(text: pa.ChunkedArray, marks: Sequence[str], strict: bool = True) -> pa.ChunkedArray:
    """Numbers without one of the units before or after them; an empty mark among them stands for a number without.

    :param strict: whether a text that has none of the units is null, for it may be of another; else it stays
    """
    if not any(marks):
        return text
    blank, sign = SPELLINGS[" "] + "?", "([+-]?)"
    # Behind a letter a point is part of the unit: Rs.500 is five hundred, and no half.
    words = [mark for mark in marks if mark[-1:].isalpha()]
    signs = [mark for mark in marks if mark and mark not in words and not mark[-1].isdigit()]
    patterns = {
        rf"^{sign}(?:{_any_of(words)}){blank}{sign}([0-9][^()]*)$": r"\1\2\3",
        rf"^{sign}(?:{_any_of(signs)}){blank}{sign}([0-9.,][^()]*)$": r"\1\2\3",
        rf"^{sign}([0-9.,](?:[^()]*[0-9.,])?){blank}(?:{_any_of(marks)})$": r"\1\2",
    }
    found = pc.if_else(pc.is_valid(text), None if strict and "" not in marks else text, None)
    for pattern, number in patterns.items():
        held = pc.fill_null(pc.match_substring_regex(text, pattern), False)
        found = pc.if_else(held, pc.replace_substring_regex(text, pattern, number), found)
    return found


def _any_of(marks: Sequence[str]) -> str:
    """A pattern of RE2 for one of the marks; for none of them one that nothing fits."""
    return "|".join(re.escape(mark) for mark in marks if mark) or r"[^\x00-\x{10FFFF}]"


def _numbers(there: pa.ChunkedArray, name: str, dialect: TextDialect) -> pd.Series:
    if pc.all(pc.is_in(there.drop_null(), pa.array(list(TRUTH)))).as_py() and there.null_count < len(there):
        return _series(there).map(TRUTH)  # as pandas reads a column of nothing else
    marks = dialect.units.get(name, ())
    bare = strip_units(bare_numbers(there, dialect.negative), marks)
    if bare is there and dialect.decimal == "." and dialect.thousands is None:
        return _series(there)
    return _with_faults(plain_numbers(bare, dialect.decimal, dialect.thousands), there)


def _moments(there: pa.ChunkedArray, written: str) -> pd.Series:
    """Dates and time stamps of a format as ISO 8601; each distinct text is read once."""
    encoded = there.combine_chunks().dictionary_encode()
    distinct = pd.Series(encoded.dictionary.to_pandas(), dtype="str")
    read = pa.array(iso_texts(distinct, written).astype(object).where(lambda found: found.notna(), None), pa.string())
    return _with_faults(pc.take(read, encoded.indices), there)


def iso_texts(values: pd.Series, written: str) -> pd.Series:
    """Texts (n,) of a date format in ISO 8601, null where one is not of it; an epoch is a moment of UTC."""
    if written in EPOCHS:
        numbers = pd.to_numeric(values.where(values.str.fullmatch(r"-?[0-9]{1,15}(\.[0-9]+)?")), errors="coerce")
        moments = pd.to_datetime((numbers * MICROSECONDS[written]).round().astype("Int64"), unit="us", errors="coerce")
        return _iso(moments, "us") + "+00:00"
    zoned = "%z" in written
    moments = pd.to_datetime(values, format=written, errors="coerce", utc=zoned)
    moments = moments.dt.tz_localize(None) if zoned else moments
    used = {part[0] for part in written.split("%")[1:] if part}
    return _iso(moments, "D") if used <= set(DAY_ONLY) else _iso(moments, "us") + ("+00:00" if zoned else "")


def _iso(moments: pd.Series, unit: Literal["D", "us"]) -> pd.Series:
    found = np.datetime_as_string(moments.to_numpy(dtype="datetime64[us]").astype("datetime64[us]"), unit=unit)
    return pd.Series(found, index=moments.index, dtype="str").where(moments.notna())


def _with_faults(read: pa.ChunkedArray, given: pa.ChunkedArray) -> pd.Series:
    faulty = pc.and_(pc.is_null(read), pc.is_valid(given)).to_numpy(zero_copy_only=False)
    found = _series(read)
    if not faulty.any():
        return found
    mixed = found.astype(object)
    mixed[faulty] = [Unreadable(value) for value in given.filter(pa.array(faulty)).to_pylist()]
    return mixed


def _series(values: pa.Array | pa.ChunkedArray) -> pd.Series:
    found: pd.Series = pd.Series(values.to_pandas(), dtype="str")
    return found

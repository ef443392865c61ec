"""What the values of a text file leave open: marks of missing, dates, spellings, a row of totals or units.

What one reading alone explains becomes a key of `data.source` with a note; what a person has to know becomes a doubt,
with the column, how many values, which on which lines, and the options that answer it.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from include.authoring.date_formats import epoch_of, find_formats
from include.authoring.layout import Findings, Said
from include.authoring.texts import KNOWN_MARKS, Texts, mostly
from include.data.text_values import USUAL_MISSING, plain_numbers
from include.data.values import convert, infer_type

MOST_SPELLINGS = 50
"""Different values up to which a column of text is one of classes, of which each spelling would be another."""
TOTALS = frozenset(
    {"total", "totals", "sum", "subtotal", "summe", "gesamt", "gesamtsumme", "insgesamt", "somme", "totale", "totaal"}
    | {"suma", "razem", "итого", "всего", "mean", "average", "avg", "mittelwert", "durchschnitt"}
)
"""Words of a line that sums others up, in some languages."""


@dataclass(frozen=True)
class Odd:
    """A column that is of a kind but for a few values."""

    kind: str
    values: tuple[str, ...]


def find_doubts(texts: Texts, found: Findings, said: Said, target: str, time: str | None) -> None:
    """Settle what the values tell, and add a doubt for what they leave open."""
    dates: dict[str, str] = {}
    asked = [name for name in texts.names if name not in said.text]
    odd = {name: one for name in asked if (one := _odd(texts, name, found, said, time, dates)) and one.values}
    if dates:
        found.keys["date_format"] = dates
    elif given := said.keys.get("date_format"):
        found.doubts.append(f"--date-format {given!r} fits no column")
    _take_marks(texts, odd, found)
    aside = _rows_aside(texts, odd, found) if "comment" not in said.keys else []
    for name, one in odd.items():
        _tell_odd(texts, name, one, aside, found)
    for name in asked:
        if name not in odd and name not in found.keys.get("fold", ()):
            _spellings(texts, name, found)
    _tell_kept_marks(texts, odd, found, target)


def _tell_odd(texts: Texts, name: str, odd: Odd, aside: list[int], found: Findings) -> None:
    """A doubt about the odd values of a column, but for those of rows that are asked about as a whole."""
    values = [value for value in odd.values if set(texts.rows(name, [value])) - set(aside)]
    values = [value for value in values if value not in texts.missing]
    if not values:
        return
    rows = np.setdiff1d(texts.rows(name, values), aside)
    marks = " ".join(f"--missing {_word(value)}" for value in values[:3])
    more = " ..." if len(values) > 3 else ""
    found.doubts.append(
        f"{name} holds {odd.kind} but for {len(rows):,} of {texts.counts(name).sum():,} values: "
        f"{texts.show(name, values)}. Where they stand for no value: {marks}{more}; where the column is text: "
        f"--text {_word(name)}; else mend the file"
    )


def _odd(texts: Texts, name: str, found: Findings, said: Said, time: str | None, dates: dict[str, str]) -> Odd | None:
    """The values that keep a column from being one of numbers or dates; its date format goes into `dates`."""
    counts, marks = _without_marks(texts, name)
    if not len(counts):
        return None
    given = said.keys.get("date_format")
    form = given.get(name) if isinstance(given, dict) else given
    values = pa.array(counts.index, pa.string())
    plain = plain_numbers(values, found.keys.get("decimal", "."), found.keys.get("thousands"))
    numbers = plain.is_valid().to_numpy(zero_copy_only=False)
    if form is None and name == time and numbers.all() and (form := epoch_of(counts)) is not None:
        found.notes.append(f"{name}: {texts.show(name, counts.index[:1])} is read by date_format {form}")
    if form is None and mostly(counts, numbers, least=2):
        kind = infer_type(pd.Series(plain.drop_null().to_pandas(), dtype="str"), untyped=True)
        return Odd("numbers", (*counts.index[~numbers], *marks)) if kind != "string" else None
    if form is None:
        moments = ~convert(pd.Series(counts.index, dtype="str"), "timestamp")[1]
        if mostly(counts, moments):
            return Odd("dates", (*counts.index[~moments], *marks))
    return _of_format(texts, name, found, form, dates)


def _without_marks(texts: Texts, name: str) -> tuple[pd.Series, list[str]]:
    """The counts of a column's values, and apart from them the marks of missing that mean nothing else."""
    counts = texts.counts(name)
    known = counts.index.isin(KNOWN_MARKS)
    return counts[~known], list(counts.index[known])


def _of_format(texts: Texts, name: str, found: Findings, given: str | None, dates: dict[str, str]) -> Odd | None:
    counts, marks = _without_marks(texts, name)
    formats = find_formats(counts, given)
    if formats is None:
        return None
    (form, first), *others = formats.readings.items()
    if others:
        second = others[0][1]
        place = int(np.flatnonzero((first != second).to_numpy() & formats.fits)[0])
        text = counts.index[place]
        choices = ", ".join(
            f"{_day(reading.iloc[place])} (--date-format {_word(f'{name}={one}')})"
            for one, reading in formats.readings.items()
        )
        found.doubts.append(
            f"{name} holds {text!r} (line {texts.line(texts.rows(name, [text])[0])}), and no value tells which day "
            f"that is: {choices}"
        )
        return None
    dates[name] = form
    if given is None:
        place = int(np.flatnonzero(formats.fits)[0])
        text = counts.index[place]
        found.notes.append(
            f"{name}: {texts.show(name, [text])} is read as {_day(first.iloc[place])} (date_format {form})"
        )
    return Odd(f"dates of the format {form}", (*counts.index[~formats.fits], *marks))


def _day(text: str) -> str:
    return text.removesuffix("T00:00:00.000000")


def _take_marks(texts: Texts, odd: dict[str, Odd], found: Findings) -> None:
    """Take the known marks between numbers and dates as missing."""
    taken = [mark for mark in KNOWN_MARKS if any(mark in one.values for one in odd.values())]
    for mark in taken:
        held = {name: len(rows) for name in texts.names if len(rows := texts.rows(name, [mark]))}
        first = next(name for name in odd if mark in odd[name].values)
        places = ", ".join(f"{name} ({count:,})" for name, count in held.items())
        found.notes.append(
            f"{mark!r} stands for no value, in {places} rows, such as line {texts.line(texts.rows(first, [mark])[0])}"
        )
    texts.missing.extend(taken)
    if texts.missing:
        found.keys["missing"] = list(dict.fromkeys(texts.missing))


def _tell_kept_marks(texts: Texts, odd: dict[str, Odd], found: Findings, target: str) -> None:
    for mark in KNOWN_MARKS:
        held = [name for name in texts.names if mark in texts.counts(name).index and name != target]
        if held and not any(name in odd for name in held):
            found.notes.append(
                f"{mark!r} is kept as a value of {', '.join(held)}; --missing {_word(mark)} where it stands for none"
            )


def _spellings(texts: Texts, name: str, found: Findings) -> None:
    """A doubt about values that differ by case or by blanks around them alone."""
    if not 1 < len(texts.counts(name)) <= MOST_SPELLINGS and len(texts.table.columns[name].unique()) > MOST_SPELLINGS:
        return
    column = texts.table.columns[name].to_pandas()
    column = column[~column.str.strip().isin([*USUAL_MISSING, *texts.missing])]
    if infer_type(column.str.strip(), untyped=True) != "string":
        return
    counts, first = column.value_counts(), column.drop_duplicates()
    alike = first.groupby(first.str.strip().str.lower(), sort=False)
    doubled = [group for _, group in alike if len(group) > 1]
    if not doubled:
        return
    shown = [
        f"{value!r} ({counts[value]:,} rows, from line {texts.line(row)})"
        for group in doubled[:3]
        for row, value in group.items()
    ]
    found.doubts.append(
        f"{name} has values that differ by case or blanks alone: {', '.join(shown)}. Where they are one: "
        f"--fold {_word(name)}; where each is a value of its own: --text {_word(name)}"
    )


def _rows_aside(texts: Texts, odd: dict[str, Odd], found: Findings) -> list[int]:
    """Rows that look like a total or like units of measure: a doubt each, with what their line begins with."""
    aside = []
    for row in (0, len(texts) - 1) if len(texts) > 2 else ():
        words = {name: texts.trimmed(name)[row].as_py() or "" for name in texts.names}
        why = _total(texts, words, row) or (_units(texts, odd, words) if row == 0 else None)
        if why:
            aside.append(row)
            begins = _beginning(words, found.keys.get("separator", ","))
            found.doubts.append(
                f"line {texts.line(row)} looks like {why}. Where it is no row: --comment {_word(begins)} leaves out "
                "lines that begin so; where it is one like the others: --comment ''"
            )
    return aside


def _total(texts: Texts, words: dict[str, str], row: int) -> str | None:
    for name, word in words.items():
        parts = word.lower().strip(" :.").split()
        if set(parts) & TOTALS and len(parts) <= 2 and texts.counts(name).get(word, 0) == 1:
            return f"a total ({word!r} in {name})"
    empty = [name for name, word in words.items() if not word and texts.counts(name).sum() >= len(texts) - 1]
    if row and len(empty) >= max(2, len(words) / 3):
        return f"a total (nothing in {', '.join(empty[:3])}, which all other rows have)"
    return None


def _units(texts: Texts, odd: dict[str, Odd], words: dict[str, str]) -> str | None:
    alone = [name for name, one in odd.items() if one.values == (words[name],)]
    alone = [name for name in alone if texts.counts(name)[words[name]] == 1]
    empty = [name for name, word in words.items() if not word]
    if not alone or len(alone) + len(empty) < len(words) / 2:
        return None
    return "units of measure (" + ", ".join(f"{words[name]!r} in {name}" for name in alone[:3]) + ")"


def _beginning(words: dict[str, str], separator: str) -> str:
    """The line up to and with its first field that is not empty."""
    texts = list(words.values())
    place = next((place for place, word in enumerate(texts) if word), 0)
    return separator.join(texts[: place + 1])


def _word(text: str) -> str:
    """A text as a shell takes it for one word."""
    return shlex.quote(text)

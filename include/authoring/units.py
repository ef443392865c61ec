"""Signs and units that a text file writes with its numbers, and its way to write negative ones, each said in a note.

What is known as a unit (a currency, a percent sign, a unit of measure) is left out of the numbers of a column in which
all have it. Letters that are none, such as those of `P1023`, make a code of a value and are left alone. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

import pandas as pd

from include.authoring.layout import Findings, Said
from include.authoring.texts import FEW_ODD, KNOWN_MARKS, Texts, mostly
from include.data.text_values import MINUS, NEGATIVES, bare_numbers, has_minus, strip_units

if TYPE_CHECKING:
    pass

_MEASURES = (
    "% ‰ ° °C °F ºC ºF kg g mg µg t lb lbs oz km m cm mm µm mi ft in yd l L ml cl dl hl gal h hr hrs min mins s sec "
    "secs ms d day days week weeks month months yr yrs year years kWh MWh Wh kW MW W V mV A mA Hz kHz MHz GHz kB KB MB "
    "GB TB px bps bp pp pcs hp bar hPa kPa Pa psi K mph kmh km/h m/s m2 m² m3 m³ km² sqft ha kcal cal kJ"
)
_CURRENCIES = (
    "USD EUR GBP JPY CHF CAD AUD NZD CNY RMB INR BRL MXN ZAR SEK NOK DKK PLN CZK HUF RON TRY RUB KRW SGD HKD IDR THB "
    "MYR PHP VND ILS AED SAR EGP NGN KES CLP COP PEN ARS UAH BGN US$ A$ C$ NZ$ HK$ S$ R$ Rs Rs. kr kr. zł Kč Ft lei лв "
    "руб. Fr. SFr."
)
MEASURES = frozenset(_MEASURES.split())
"""Units of measure that may follow a number."""
CURRENCIES = frozenset(_CURRENCIES.split())
"""Currencies that may stand on either side of a number, beside the signs that Unicode calls currencies."""
WITH_UNIT = re.compile(
    r"(?P<sign>[+-]?)(?P<before>[^\d\s+\-.,'()]\D*?)?[  ]?[+-]?"
    r"(?P<number>\d[\d.,'’  ]*|(?<![^\W\d_])[.,]\d+)(?P<after>\D+)?"
)
DIFFERENT = 10
"""Different whole numbers up to which a single letter behind them makes a code, as in 4g and 5g."""
LOOKED_AT = 10_000
"""Different values of a column that are looked at; one behind them with another unit is asked about as an odd one."""
PARENTHESISED = 3
"""Different numbers in parentheses, beside as many without, from which they are an accountant's negative ones."""


def find_units(texts: Texts, found: Findings, said: Said) -> Texts:
    """Find `units` and `negative`; return the texts without them, for those who look at numbers."""
    asked = [name for name in texts.names if name not in said.text]
    if "negative" not in found.keys:
        _find_negative(texts, asked, found)
    given = {name: tuple(marks) for name, marks in found.keys.get("units", {}).items()}
    units = {name: given.get(name) or _units_of(texts, name, found) for name in asked}
    units = {name: marks for name, marks in units.items() if marks}
    if units:
        found.keys["units"] = {name: list(marks) for name, marks in units.items()}
    negative = found.keys.get("negative")
    changed = [name for name in asked if negative or name in units or has_minus(texts.trimmed(name))]
    return texts.rewritten(
        {
            name: strip_units(bare_numbers(texts.trimmed(name), negative), units.get(name, ()), strict=False)
            for name in changed
        }
    )


def _find_negative(texts: Texts, asked: list[str], found: Findings) -> None:
    """Parentheses around some of a column's numbers, or a minus behind them."""
    for name in asked:
        counts = texts.counts(name).head(LOOKED_AT)
        for negative, pattern in NEGATIVES.items():
            marked = [text for text in counts.index if re.fullmatch(pattern, text)]
            others = counts.index.difference([*marked, *KNOWN_MARKS])
            if len(marked) < PARENTHESISED or len(others) < PARENTHESISED:
                continue
            bare = [re.sub(pattern, r"\1", text) for text in marked]
            if all(WITH_UNIT.fullmatch(text) for text in (*bare, *others)):
                found.keys["negative"] = negative
                found.notes.append(
                    f"negative is {negative}: {texts.show(name, marked[:1])} in column {name} is -{bare[0].strip()}"
                )
                return


def _units_of(texts: Texts, name: str, found: Findings) -> tuple[str, ...]:
    """The units that are left out of a column's numbers; several, or one that some lack, are a doubt."""
    counts = texts.counts(name)
    counts = counts[~counts.index.isin(KNOWN_MARKS)].head(LOOKED_AT)
    if not len(counts):
        return ()
    values = _plain(counts.index, found.keys.get("negative"))
    parts = [_parts(text) for text in values]
    held = Counter[str]()
    for part, count in zip(parts, counts, strict=True):
        if part is not None:
            held[part[0]] += int(count)
    marks = [mark for mark in held if mark]
    fits = pd.Series([part is not None for part in parts]).to_numpy(dtype=bool)
    if not marks or not mostly(counts, fits) or _like_codes(parts):
        return ()
    if sum(bool(part and part[0]) for part in parts) <= FEW_ODD and held[""] > counts.sum() / 2:
        return ()  # numbers but for a few values, which are asked about as such
    if len(held) > 1:
        examples = ", ".join(_example(texts, name, counts, parts, mark) for mark in held)
        options = " ".join(f"--unit {name}={mark}" for mark in held)
        found.doubts.append(
            f"{name} holds numbers with different units: {examples}. Where they mean the same: {options}; where the "
            f"column is text: --text {name}; else mend the file"
        )
        return tuple(held)
    text, number = next((text, part[1]) for text, part in zip(counts.index, parts, strict=True) if part is not None)
    found.notes.append(f"{name}: {marks[0]!r} is no part of its numbers: {texts.show(name, [text])} is {number}")
    return tuple(marks)


def _plain(values: pd.Index, negative: str | None) -> list[str]:
    """Texts with a plain minus, and without the marks of a negative number."""
    found = [text.replace(MINUS, "-") for text in values]
    return found if negative is None else [re.sub(f"^{NEGATIVES[negative]}$", r"\1", text) for text in found]


def _parts(text: str) -> tuple[str, str] | None:
    """The unit of a number with at most one that is known, and the number; None for any other text."""
    match = WITH_UNIT.fullmatch(text)
    if match is None:
        return None
    before, after = (match["before"] or "").strip(), (match["after"] or "").strip()
    if before and after:
        return None
    mark, number = before or after, match["sign"] + match["number"].strip()
    known = not mark or _is_currency(mark) or (not before and mark in MEASURES)
    return (mark, number) if known else None


def _is_currency(mark: str) -> bool:
    return mark in CURRENCIES or (len(mark) == 1 and unicodedata.category(mark) == "Sc")


def _like_codes(parts: list[tuple[str, str] | None]) -> bool:
    """Whether a letter behind a few whole numbers is all that there is, as in the names of sizes and of networks."""
    there = [part for part in parts if part is not None]
    single = all(len(mark) == 1 and mark.isalpha() for mark, _ in there if mark)
    return single and len(there) <= DIFFERENT and all(number.isdigit() for _, number in there)


def _example(texts: Texts, name: str, counts: pd.Series, parts: list[tuple[str, str] | None], mark: str) -> str:
    values = [value for value, part in zip(counts.index, parts, strict=True) if part is not None and part[0] == mark]
    rows = texts.rows(name, values)
    return f"{values[0]!r} (line {texts.line(rows[0])}, {len(rows):,} rows {f'with {mark}' if mark else 'without one'})"

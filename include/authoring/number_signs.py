"""Which decimal sign and which sign for thousands a text file has, over all its columns together. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.authoring.layout import Findings, Said
from include.authoring.texts import KNOWN_MARKS, Texts, mostly
from include.data.text_values import SPELLINGS, number_pattern

GROUP = "[1-9][0-9]{0,2}"
SIGN = "[+-]?"
LEAST = 3
"""Different numbers such as 1.234 from which a column of small whole numbers besides is a doubt."""


def find_signs(texts: Texts, found: Findings, said: Said) -> None:
    """Find `decimal` and `thousands`; where numbers read in two ways and nothing tells which, it is a doubt."""
    given = {"decimal": said.keys.get("decimal"), "thousands": said.keys.get("thousands")}
    if all(given.values()):
        return
    columns = [name for name in texts.names if name not in said.text and _like_numbers(texts, name)]
    decimals = {sign: place for sign in ".," if (place := _decimal(texts, columns, sign))}
    groups = {sign: place for sign in SPELLINGS if (place := _groups(texts, columns, sign))}
    if given["decimal"]:
        decimals = {given["decimal"]: decimals.get(given["decimal"], ("", ""))}
    if given["thousands"]:
        groups = {given["thousands"]: groups.get(given["thousands"], ("", ""))}
    if groups and not decimals:
        decimals = {"," if "." in groups else ".": ("", "")}
    if len(decimals) == 2:
        places = " and ".join(f"{text!r} in column {name}" for name, text in decimals.values())
        found.doubts.append(
            f"both {places} read as numbers with a fraction; --decimal ',' or --decimal '.', and --text COLUMN for "
            "the other"
        )
        return
    decimal = next(iter(decimals), ".")
    if not decimals and _doubt(texts, columns, found):
        return
    # With the decimal sign known, groups of three behind the other sign are thousands.
    other = "." if decimal == "," else ","
    if decimals and other not in groups and (place := _single_group(texts, columns, other)):
        groups[other] = place
    _tell(texts, found, decimal, decimals.get(decimal), {sign: groups[sign] for sign in groups if sign != decimal})


def _tell(
    texts: Texts,
    found: Findings,
    decimal: str,
    example: tuple[str, str] | None,
    groups: dict[str, tuple[str, str]],
) -> None:
    if decimal != "." and "decimal" not in found.keys:
        found.keys["decimal"] = decimal
        if example and example[1]:
            name, text = example
            found.notes.append(f"decimal is {decimal!r}: {texts.show(name, [text])} in column {name}")
    if len(groups) > 1:
        places = " and ".join(f"{text!r} in column {name}" for name, text in groups.values())
        found.doubts.append(
            f"both {places} have groups of three digits: --thousands for one, --text COLUMN for the other"
        )
    elif groups and "thousands" not in found.keys:
        sign, (name, text) = next(iter(groups.items()))
        found.keys["thousands"] = sign
        plain = "".join(letter for letter in text if letter.isdigit() or letter in "+-" or letter == decimal)
        found.notes.append(f"thousands is {sign!r}: {texts.show(name, [text])} in column {name} is {plain}")


def _like_numbers(texts: Texts, name: str) -> bool:
    """Whether most values are numbers in some dialect, and some not in the plain one, or in groups of three."""
    counts = texts.counts(name)
    counts = counts[~counts.index.isin(KNOWN_MARKS)]
    values = pa.array(counts.index, pa.string())
    fits = np.zeros(len(counts), dtype=bool)
    for decimal, thousands in product(".,", [None, *SPELLINGS]):
        if decimal != thousands:
            fits |= pc.match_substring_regex(values, number_pattern(decimal, thousands)).to_numpy(zero_copy_only=False)
    return mostly(counts, fits) if len(counts) else False


def _first(texts: Texts, columns: list[str], *patterns: str) -> tuple[str, str] | None:
    return next(_all(texts, columns, *patterns), None)


def _all(texts: Texts, columns: list[str], *patterns: str) -> Iterator[tuple[str, str]]:
    for name in columns:
        values = pa.array(texts.counts(name).index, pa.string())
        for pattern in patterns:
            held = pc.match_substring_regex(values, pattern)
            if pc.any(held).as_py():
                yield name, values.filter(held)[0].as_py()


def _decimal(texts: Texts, columns: list[str], sign: str) -> tuple[str, str] | None:
    """A number in which the sign can only be the decimal one."""
    mark = f"\\{sign}"
    other = [spelling for key, spelling in SPELLINGS.items() if key != sign]
    whole = f"(?:{GROUP}(?:(?:{'|'.join(other)})[0-9]{{3}})+)"
    return _first(
        texts,
        columns,
        f"^{SIGN}(?:[0-9]*{mark}[0-9]{{1,2}}|[0-9]*{mark}[0-9]{{4,}}|[0-9]{{4,}}{mark}[0-9]+|0[0-9]*{mark}[0-9]+)$",
        f"^{SIGN}(?:{mark}[0-9]+|[0-9]*{mark}[0-9]*[eE][+-]?[0-9]+)$",
        f"^{SIGN}{whole}{mark}[0-9]+$",
    )


def _groups(texts: Texts, columns: list[str], sign: str) -> tuple[str, str] | None:
    """A number in which the sign can only part groups of three."""
    spelling, other = SPELLINGS[sign], "," if sign == "." else r"\."
    if sign in " '":
        return _first(texts, columns, f"^{SIGN}{GROUP}(?:{spelling}[0-9]{{3}})+(?:[.,][0-9]+)?$")
    several = f"^{SIGN}{GROUP}(?:{spelling}[0-9]{{3}}){{2,}}(?:{other}[0-9]+)?$"
    return _first(texts, columns, several, f"^{SIGN}{GROUP}(?:{spelling}[0-9]{{3}})+{other}[0-9]+$")


def _single_group(texts: Texts, columns: list[str], sign: str) -> tuple[str, str] | None:
    return _first(texts, columns, f"^{SIGN}{GROUP}{SPELLINGS[sign]}[0-9]{{3}}$")


def _doubt(texts: Texts, columns: list[str], found: Findings) -> bool:
    """Whether numbers such as 1,234 or 1.234 may be thousands as well as fractions, nothing else telling which."""
    doubtful = dict(_all(texts, columns, f"^{SIGN}{GROUP},[0-9]{{3}}$"))
    sign = ","
    if not doubtful:
        sign = "."
        pointed = dict(_all(texts, columns, rf"^{SIGN}{GROUP}\.[0-9]{{3}}$"))
        doubtful = {name: text for name, text in pointed.items() if _as_if_grouped(texts, name)}
    for name, text in doubtful.items():
        rows = texts.rows(name, [text])
        found.doubts.append(
            f"{name} holds {text!r} (line {texts.line(rows[0])}), which is {text.replace(sign, '')} or "
            f"{text.replace(sign, '.')}: --thousands '{sign}' or --decimal '{sign}' (--text {name} for neither)"
        )
    return bool(doubtful)


def _as_if_grouped(texts: Texts, name: str) -> bool:
    """Whether all with a point have three digits behind it, and those without are small, as if 1.234 followed 998."""
    values = pa.array(texts.counts(name).index, pa.string())
    pointed = pc.sum(pc.match_substring_regex(values, rf"^{SIGN}{GROUP}\.[0-9]{{3}}$")).as_py() or 0
    small = pc.sum(pc.match_substring_regex(values, f"^{SIGN}[0-9]{{1,3}}$")).as_py() or 0
    return pointed >= LEAST and small >= LEAST and pointed + small == len(values)

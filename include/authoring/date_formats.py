"""Which format the dates and time stamps of a text column have; ISO 8601 needs none. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from include.authoring.texts import mostly
from include.config.text_dialect import EPOCHS
from include.data.text_values import iso_texts

DATES = (
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%d.%m.%Y",
    "%m.%d.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d.%m.%y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%y/%m/%d",
    "%d-%m-%y",
    "%m-%d-%y",
    "%y-%m-%d",
    "%d-%b-%y",
    "%d-%b-%Y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%b %d %Y",
    "%d. %B %Y",
)
CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", "T%H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
LIKE_A_DATE = (
    r"(?:[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}|[0-9]{1,2}\.?[- ][A-Za-z]{3,9}[- ][0-9]{2,4}"
    r"|[A-Za-z]{3,9} [0-9]{1,2},? [0-9]{4})(?:[ T].*)?"
)
PROBED = 200
EARLIEST, LATEST = 946_684_800, 2_051_222_400
"""Seconds of an epoch from 2000 to 2034, between which a column of time stamps lies."""


@dataclass(frozen=True)
class Formats:
    """Formats that fit most values, each with what it makes of them (n,), and the mask (n,) of those that fit."""

    readings: dict[str, pd.Series]
    fits: np.ndarray


def find_formats(counts: pd.Series, given: str | None = None) -> Formats | None:
    """The formats, of which two read some value in two ways; None where the values (the index) are no dates."""
    values = pd.Series(counts.index, dtype="str")
    if given is None:
        alike = values.str.fullmatch(LIKE_A_DATE).to_numpy(dtype=bool)
        if not mostly(counts, alike):
            return None
        sample = values[alike].iloc[np.linspace(0, alike.sum() - 1, min(PROBED, alike.sum())).astype(int)]
        tried = [form for form in _forms(sample) if iso_texts(sample, form).notna().mean() > 0.5]
    else:
        tried = [given]
    read = {form: iso_texts(values, form) for form in tried}
    known = {form: (text.notna().to_numpy() * counts.to_numpy()).sum() for form, text in read.items()}
    best = {form: read[form] for form, count in known.items() if count == max(known.values())}
    if not best:
        return None
    fits = next(iter(best.values())).notna().to_numpy()
    return Formats(_different(best), fits) if mostly(counts, fits) or len(counts) == 1 == fits.sum() else None


def epoch_of(counts: pd.Series) -> str | None:
    """The format of a column of time stamps that are numbers: seconds or milliseconds since 1970, or 20260131."""
    values = pd.to_numeric(pd.Series(counts.index, dtype="str"), errors="coerce")
    if values.isna().any() or values.empty:
        return None
    for form, scale in zip(EPOCHS, (1, 1000), strict=True):
        if values.between(EARLIEST * scale, LATEST * scale).all():
            return form
    days = pd.Series(counts.index, dtype="str")
    return "%Y%m%d" if days.str.fullmatch("[12][0-9]{7}").all() and iso_texts(days, "%Y%m%d").notna().all() else None


def _forms(sample: pd.Series) -> list[str]:
    clocks = CLOCKS if sample.str.contains(":").any() else CLOCKS[:1]
    return [day + clock for day in DATES for clock in clocks]


def _different(readings: dict[str, pd.Series]) -> dict[str, pd.Series]:
    kept: dict[str, pd.Series] = {}
    for form, text in readings.items():
        if not any(text.equals(other) for other in kept.values()):
            kept[form] = text
    return kept

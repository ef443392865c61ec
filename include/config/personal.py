"""Columns that by their names hold what belongs to a person: e-mail, telephone, payment card, national numbers.

A name is read word by word, and must end with what it says: `phone`, `home_phone` and `PhoneNumber` are telephone
numbers, `PhoneService` and `phone_bill` are not. What a column holds is looked at when a day is ingested.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from include.config.schema import ModelConfig

WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
NAMES: Mapping[str, tuple[str, ...]] = {
    "an e-mail address": ("email", "e mail", "mail address", "mail addr"),
    "a telephone number": (
        *("phone", "telephone", "telefon", "mobile", "cellphone", "msisdn", "fax", "whatsapp"),
        *("tel", "cell phone", "mobile phone"),
    ),
    "a payment card's number": (
        *("credit card", "creditcard", "debit card", "card number", "cardnumber", "card no", "card num", "cc number"),
        *("cc num", "ccnum", "cvv", "cvc"),
    ),
    "a bank account's number": ("iban", "bank account"),
    "a national number": (
        *("ssn", "social security", "social security number", "national id", "nationalid", "national insurance"),
        *("passport", "identity card", "id card number", "drivers license", "driver license", "driving licence"),
        *("tax id", "taxpayer id", "dni", "cpf", "pesel", "aadhaar", "bsn", "codice fiscale"),
        *("personnummer", "cedula", "curp", "steuer id"),
    ),
}
NUMBER_WORDS = frozenset({"number", "numbers", "no", "nr", "num", "nbr", "id", "addr", "address", "home", "work"})
"""Words that may follow: `phone_number`, `email address`."""
QUESTIONS = frozenset(
    {"is", "has", "had", "n", "num", "count", "days", "hours", "since", "valid", "verified", "sent", "opened", "use"}
)
"""Words that a column about such things begins with, which holds none of them."""
HOLDING = ("string", "integer")


def looks_by_name(column: str) -> str | None:
    """What a column's name says that it holds, such as `an e-mail address`; None for anything but a person's own."""
    words = [word.lower() for word in WORD.findall(column)]
    while len(words) > 1 and (words[-1] in NUMBER_WORDS or words[-1].isdecimal()):
        if _ends(words):
            break
        words = words[:-1]
    return None if words[:1] and words[0] in QUESTIONS else _ends(words)


def _ends(words: list[str]) -> str | None:
    text = f" {' '.join(words)}"
    return next((what for what, names in NAMES.items() if any(text.endswith(f" {name}") for name in names)), None)


def unanswered(content: Mapping[str, Any]) -> list[str]:
    """Faults of a model file as it was read: declared columns that look personal, of which it does not say what to do.

    Stored configurations are not asked: they were good when they were stored.
    """
    data = content.get("data")
    columns = data.get("columns") if isinstance(data, dict) else None
    if not isinstance(columns, dict):
        return []
    answered = data.get("personal") or {} if isinstance(data, dict) else {}
    named = data.get("named") if isinstance(data, dict) else None
    theirs = named if isinstance(named, dict) else {}
    return [
        f"data.columns.{name}: {advice(str(name), f'looks by its name like {looks}')}"
        for name, kind in columns.items()
        if kind in HOLDING
        and name not in answered
        and (looks := looks_by_name(str(name)) or looks_by_name(str(theirs.get(name, ""))))
    ]


def advice(column: str, looks: str) -> str:
    """`column 'email' looks like ...; write ...`: the one sentence for a name and for a content."""
    return (
        f"column {column!r} {looks}; write data.personal: {{{column}: hash}} to store a keyed hash of it, "
        f"{{{column}: keep}} to store it as it is, or remove the column"
    )


def faults(config: ModelConfig) -> Iterator[str]:
    """A hash is text, and neither a day nor a label could be read from one."""
    data = config.data
    for name, how in data.personal.items():
        if how != "hash":
            continue
        kind = data.columns.get(name, "string")
        if name in (data.day, data.time, data.label):
            yield f"data.personal.{name}: {name!r} is the day or the label of rows, of which a hash says nothing"
        elif kind != "string":
            yield f"data.personal.{name}: {name!r} is declared {kind}; a hash is text: declare it string"

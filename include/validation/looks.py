"""What a value looks like: an e-mail address, a telephone number, a payment card, a bank account, a national number.

Where a kind of number has check digits they are computed, as any long number is as long as a card's.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass

EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}")
PHONES = re.compile(
    r"\+\d{1,3}[ .()/-]{0,2}\d(?:[ .()/-]{0,2}\d){6,12}"  # +49 30 123456
    r"|(?:1[-. ])?\(?\d{3}\)?[-. ] ?\d{3}[-. ]\d{4}"  # (212) 555-0123
    r"|\(0\d{1,5}\) ?\d{3,8}(?:[ -]\d{2,6})?"  # (030) 123456
    r"|0\d{2,5}[ /-]\d{5,8}"  # 030/123456
    r"|0\d(?:[ .]\d{2}){4}"  # 06 12 34 56 78
)
CARD = re.compile(r"\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{5}")
CARD_PREFIX = re.compile(r"4|5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|3[47]|3(?:0[0-5]|[68])|6(?:011|4[4-9]|5)|35|62")
"""First digits that networks of cards use (ISO/IEC 7812)."""
IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
SSN = re.compile(r"(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}")
NINO = re.compile(r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]")
DNI = re.compile(r"([XYZ]\d{7}|\d{8})-?([A-Z])")
DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
CPF = re.compile(r"\d{3}\.?\d{3}\.?\d{3}-?\d{2}")
PESEL = re.compile(r"\d{2}(?:[02468][1-9]|[13579][0-2])(?:0[1-9]|[12]\d|3[01])\d{5}")
NIR = re.compile(r"[12]\d{2}(?:0[1-9]|1[0-2])(?:\d{2}|2[AB])\d{6}\d{2}")
FISCALE = re.compile(r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]")
LONGEST = 2_000
"""Characters of a value that are looked at."""


def luhn(digits: str) -> bool:
    """Whether the last digit checks the others (ISO/IEC 7812-1, annex B)."""
    doubled = [int(digit) * 2 for digit in digits[-2::-2]]
    total = sum(int(digit) for digit in digits[-1::-2]) + sum(number - 9 * (number > 9) for number in doubled)
    return total % 10 == 0


def is_card(text: str) -> bool:
    if not CARD.fullmatch(text):
        return False
    digits = re.sub(r"\D", "", text)
    return CARD_PREFIX.match(digits) is not None and len(set(digits)) > 1 and luhn(digits)


def is_iban(text: str) -> bool:
    """The account with its country and check digits behind it is 1 modulo 97 (ISO 13616)."""
    bare = text.replace(" ", "")
    return bool(IBAN.fullmatch(bare)) and int("".join(str(int(sign, 36)) for sign in bare[4:] + bare[:4])) % 97 == 1


def is_dni(text: str) -> bool:
    """Spain's DNI and NIE: the letter is the number modulo 23."""
    found = DNI.fullmatch(text)
    if not found:
        return False
    number = found[1].translate(str.maketrans("XYZ", "012"))
    return DNI_LETTERS[int(number) % 23] == found[2]


def is_cpf(text: str) -> bool:
    """Brazil's CPF: two check digits modulo 11."""
    if not CPF.fullmatch(text):
        return False
    digits = [int(sign) for sign in text if sign.isdecimal()]
    sums = (sum(digit * (size + 1 - place) for place, digit in enumerate(digits[:size])) for size in (9, 10))
    first, second = (total * 10 % 11 % 10 for total in sums)
    return digits[9:] == [first, second] and len(set(digits)) > 1


def is_pesel(text: str) -> bool:
    """Poland's PESEL: a day of birth and a weighted sum."""
    if not PESEL.fullmatch(text):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3), strict=False))
    return (10 - total % 10) % 10 == int(text[10])


def is_nir(text: str) -> bool:
    """France's number of social security: its key is 97 less the number modulo 97; Corsica's letters are numbers."""
    bare = text.replace(" ", "")
    if not NIR.fullmatch(bare):
        return False
    number = bare[:13].replace("2A", "19").replace("2B", "18")
    return 97 - int(number) % 97 == int(bare[13:])


@dataclass(frozen=True)
class Look:
    """A kind of personal data: a column has it where `floor` of its values, and `least` of them, look like it."""

    what: str
    floor: float
    least: int
    test: Callable[[str], object]


LOOKS = (
    Look("e-mail addresses", 0.02, 1, EMAIL.search),
    Look("telephone numbers", 0.5, 2, PHONES.fullmatch),
    Look("payment card numbers", 0.5, 3, is_card),
    Look("bank account numbers (IBAN)", 0.5, 2, is_iban),
    Look("US social security numbers", 0.5, 2, SSN.fullmatch),
    Look("UK national insurance numbers", 0.9, 3, NINO.fullmatch),
    Look("Spanish identity numbers (DNI, NIE)", 0.5, 3, is_dni),
    Look("Brazilian taxpayer numbers (CPF)", 0.5, 3, is_cpf),
    Look("Polish identity numbers (PESEL)", 0.5, 3, is_pesel),
    Look("French social security numbers (NIR)", 0.5, 3, is_nir),
    Look("Italian tax codes", 0.9, 3, FISCALE.fullmatch),
)
"""E-mail addresses are looked for within text, and few of them are enough: nothing else looks like one."""


@functools.lru_cache(maxsize=100_000)
def looks_of(text: str) -> tuple[int, ...]:
    """Positions in LOOKS of what a value looks like; most values, too short or without a digit or @, like none."""
    if len(text) < 6:
        return ()
    text = text[:LONGEST].strip()
    if "@" in text:
        return (0,) if EMAIL.search(text) else ()
    if len(text) > 42 or sum(sign.isdecimal() for sign in text) < 6:
        return ()
    return tuple(place for place, look in enumerate(LOOKS) if place and look.test(text))

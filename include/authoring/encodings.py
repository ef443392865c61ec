"""Which encoding a text is in, by its bytes: certain, one that alone reads well, or a choice that a person makes. Pure.

Statistics of letters, as detectors use them, need pages of text and always name a winner; a table has a few words. So
an encoding is taken where the words are words in it and in no other: letters of one script, capitals where they may be.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from dataclasses import dataclass

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
CANDIDATES = (
    "cp1252",
    "cp1250",
    "iso8859-2",
    "cp1251",
    "cp1253",
    "cp1254",
    "cp932",
    "gb18030",
    "cp949",
    "big5",
)
WELL = 0.9
"""Share of the words that must be words in an encoding that is taken."""
LOOKED_AT = 2000
"""Lines with bytes outside ASCII that are looked at."""
BEFORE = "¿¡«„“‚‘£€§©µ±½¼¾°–—÷×·•\u00a0"
AFTER = "²³°©®™»”’…€£–—·\u00a0"
"""Signs outside ASCII that stand before and after a word."""
SHORT = 2
GREEK_ENDS = "αεηιουωςνάέήίόύώϊϋ"
SHORTEST_WORDS = "авикосуяії"
"""Words of one letter in Cyrillic."""
KANA = frozenset({"HIRAGANA", "KATAKANA"})
IDEOGRAPHS = {
    "cp932": (KANA | {"CJK"}, "shift_jis", 0x98),
    "gb18030": (frozenset({"CJK"}), "gb2312", 0xD7),
    "big5": (frozenset({"CJK"}), "big5", 0xC6),
    "cp949": (frozenset({"HANGUL"}), "euc_kr", 0xC8),
}
"""Of each encoding of several bytes: scripts of its words, the national set, the last first byte of usual letters."""


@dataclass(frozen=True)
class Guess:
    """An encoding, or None with the `readings` (encoding -> a word in it) among which a person chooses."""

    encoding: str | None
    readings: dict[str, str]
    certain: bool = False


def guess_encoding(content: bytes) -> Guess:
    """Guess the encoding of a content: by its mark, UTF-8 where it is valid, else by the words in each candidate."""
    for mark, encoding in MARKS.items():
        if content.startswith(mark):
            return Guess(encoding, {}, certain=True)
    if (wide := _without_mark(content)) is not None:
        return Guess(wide, {}, certain=True)
    if _text(content, "utf-8") is not None:
        return Guess("utf-8", {}, certain=True)
    lines = [line for line in content.splitlines() if not line.isascii()][:LOOKED_AT]
    texts = {name: text for name in CANDIDATES if (text := _text(b"\n".join(lines), name)) is not None}
    plausible = {name: text for name, text in texts.items() if _reads_well(text, name)}
    whole = {name: text for name, text in plausible.items() if _text(content, name) is not None}
    different: dict[str, str] = {}
    for name, text in whole.items():
        if text not in different.values():
            different[name] = text
    if len(different) == 1:
        name = next(iter(different))
        return Guess(name, {name: _first_word(different[name])})
    return Guess(None, _where_they_differ(different or texts))


def wide_word(text: str) -> str:
    """The first word of a text with a letter outside ASCII; an empty text where there is none."""
    return _first_word(text)


def _without_mark(content: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of what is mostly ASCII is 0."""
    head = content[:4096]
    if b"\0" not in head or len(head) % 2:
        return None
    even, odd = head[::2].count(0) / (len(head) / 2), head[1::2].count(0) / (len(head) / 2)
    return "utf-16-le" if odd > 0.5 and not even else "utf-16-be" if even > 0.5 and not odd else None


def _text(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _words(text: str) -> list[str]:
    """Runs without blanks and marks of ASCII that hold a letter or sign outside ASCII."""
    return [word for word in re.findall(r"[^\W_]*[^\x00-\x7f](?:[^\x00-\x7f]|[^\W_])*", text) if word.strip()]


def _first_word(text: str) -> str:
    return next(iter(_words(text)), "")


def _where_they_differ(texts: dict[str, str]) -> dict[str, str]:
    """The first word that is another in one encoding than in the next, in each."""
    parts = {name: text.split("\n") for name, text in texts.items()}
    for lines in zip(*parts.values(), strict=False):
        found = {name: _words(line) for name, line in zip(parts, lines, strict=True)}
        for place in range(max((len(words) for words in found.values()), default=0)):
            words = {name: word[place] for name, word in found.items() if place < len(word)}
            if len(set(words.values())) > 1:
                return words
    return {name: _first_word(text) for name, text in texts.items()}


def _reads_well(text: str, encoding: str) -> bool:
    words = _words(text)
    if encoding in IDEOGRAPHS:  # one ideograph by itself may be two bytes of any text
        words = [word for word in words if sum(not letter.isascii() for letter in word) > 1]
    return bool(words) and sum(_is_word(word, encoding) for word in words) >= WELL * len(words)


def _is_word(word: str, encoding: str) -> bool:
    """Whether a word with letters outside ASCII is of one script, its capitals in front or throughout."""
    signs = [letter for letter in word if not letter.isascii()]
    if len(signs) <= SHORT and all(letter in BEFORE or letter in AFTER for letter in signs):
        return True
    word = word.lstrip(BEFORE).rstrip(AFTER).strip("0123456789")
    letters = [letter for letter in word if letter.isalpha()]
    if not letters or any(not letter.isascii() and unicodedata.category(letter)[0] not in "LM" for letter in word):
        return False
    scripts = {_script(letter) for letter in letters}
    if encoding in IDEOGRAPHS:
        return scripts <= IDEOGRAPHS[encoding][0] and all(_usual(letter, encoding) for letter in letters)
    capitals = word.islower() or word.isupper() or word[1:].islower()
    wide = sum(not letter.isascii() for letter in letters)
    if scripts == {"LATIN"}:
        return capitals and len(letters) > 1 and wide <= 3 * len(letters) / 4
    if scripts == {"GREEK"}:
        return capitals and not set(word) & set("ΰΐ") and (word.isupper() or word[-1] in GREEK_ENDS)
    return capitals and scripts == {"CYRILLIC"} and (len(letters) > 1 or word.lower() in SHORTEST_WORDS)


def _script(letter: str) -> str:
    name = unicodedata.name(letter, "")
    # Half-width katakana are what any bytes look like in cp932.
    return "NONE" if name.startswith("HALFWIDTH") else name.split(" ")[0].split("-")[0]


def _usual(letter: str, encoding: str) -> bool:
    """Whether a letter is one of the few thousand of the old national sets, which tables hold."""
    _, national, last = IDEOGRAPHS[encoding]
    if _script(letter) in KANA:
        return True
    try:
        code = letter.encode(national)
    except UnicodeEncodeError:
        return False
    return len(code) == 2 and code[0] <= last

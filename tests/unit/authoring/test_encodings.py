from __future__ import annotations

import pytest

from include.authoring.encodings import guess_encoding


def guess(encoding: str, *words: str) -> tuple[str | None, set[str]]:
    content = ("shop,n\n" + "\n".join(f"{word},1" for word in words)).encode(encoding)
    found = guess_encoding(content)
    return found.encoding, set(found.readings.values())


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("cp1251", ("Лес", "Река")),
        ("cp1251", ("москва",)),
        ("cp1250", ("Plzeň", "šťáva")),
        ("cp1252", ("Größe", "Straße")),
        ("cp1252", ("20°C", "½", "5 €")),
        ("cp1253", ("Αθήνα", "Πάτρα")),
        ("cp932", ("ラーメン", "すし", "東京")),
        ("gb18030", ("北京", "上海", "广州市")),
        ("iso8859-2", ("šťáva", "Łódź")),
        ("utf-16", ("naïve",)),
        ("utf-16-le", ("naïve",)),
        ("utf-8", ("naïve", "Лес")),
        ("utf-8-sig", ("naïve",)),
        ("ascii", ("plain",)),
    ],
)
def test_an_encoding_is_taken_where_the_words_are_words_in_it_alone(encoding: str, words: tuple[str, ...]) -> None:
    expected = "utf-8" if encoding == "ascii" else encoding
    assert guess(encoding, *words)[0] == expected


@pytest.mark.parametrize(
    ("encoding", "words", "readings"),
    [
        ("cp1252", ("père",), {"père", "pčre"}),
        ("cp1252", ("España",), {"España", "Espańa"}),
        ("cp1250", ("Dvořák",), {"Dvoøák", "Dvořák"}),
        ("cp1254", ("Şişli",), {"Þiþli", "Ţiţli", "Şişli"}),
        ("cp949", ("서울", "부산"), {"서울", "辑匡", "憮選"}),
    ],
)
def test_where_several_encodings_make_words_none_is_taken(
    encoding: str, words: tuple[str, ...], readings: set[str]
) -> None:
    assert guess(encoding, *words) == (None, readings)

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from include.authoring.yaml_text import comment, entry, flow, listed, said
from include.config.loader import read_content, read_value

NASTY = [
    *("a\nb", "\n", "a\r\nb", "a\rb", "a\tb", "a\u2028b", "a\u2029b", "\x85x", "\x00", "\x1b[31m", "\x7f", "\ufeffa"),
    *("", " ", "  lead", "trail ", "\xa0", "\u200b", "\u202e", "\ufffe", "😀", "größe", "日本", "a\u0301"),
    *("yes", "No", "null", "~", "true", "1e3", "1", "007", "0o17", "0x1F", "1_000", "12:30:45", ".5", ".inf", "-.INF"),
    *("2026-01-01", "2026-01-01 10:00:00", "=", "<<", "-", "- a", "---", "...", "? a", "?", "%x", "@x", "`x", "!x"),
    *("&a", "*a", "|", ">", "#", "a #b", "a: b", "a:", ":a", "a, b", "[a", "]", "{a", "}", "'", '"', "it's", 'a "b"'),
    *("\\", "\\n", "a\\", "x" * 121, "x" * 3000, "é" * 1500, "\n" * 400, "yes\nactive: false #", "name", "${HOME}"),
]
SIGNS = [*"abz019 :#-'\"\\,[]{}&*!|>%@`?~=\n\r\t", "\u2028", "\x85", "\x00", "é", "😀", "\ufeff"]


def words(seed: int) -> list[str]:
    chance = random.Random(seed)
    return ["".join(chance.choices(SIGNS, k=chance.randint(0, 12))) for _ in range(60)]


@pytest.mark.parametrize("seed", range(20))
def test_any_name_and_value_comes_back_as_it_was(seed: int, tmp_path: Path) -> None:
    texts = list(dict.fromkeys([*words(seed), *(NASTY if seed == 0 else [])]))
    lines = ["columns:"]
    lines += [f"  {line}" for text in texts for line in entry(text, flow(text)).split("\n")]
    lines += [f"x: 1   {comment(f'of {text}')}" if not number else comment(text) for number, text in enumerate(texts)]
    lines += listed("few", texts[:2], 0, "   # " + said(texts[0]))
    lines += listed("many", texts, 0)
    lines += [f"both: {flow({text: [text, {'in': text}] for text in texts})}"]
    path = tmp_path / "m.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert read_content(path) == {
        "columns": {text: text for text in texts},
        "x": 1,
        "few": texts[:2],
        "many": texts,
        "both": {text: [text, {"in": text}] for text in texts},
    }


@pytest.mark.parametrize("value", [1, -2.5, 1e300, True, None, [], {}, ["a", 1, True, None], {"a": {1: [2]}}])
def test_other_values_keep_their_types(value: Any) -> None:
    read = read_value(flow(value))
    assert read == value and type(read) is type(value)


@pytest.mark.parametrize("text", NASTY)
def test_a_comment_stays_one_line_and_is_read_as_nothing(text: str) -> None:
    line = comment(text)
    assert len(line.splitlines()) == 1
    assert read_value(f"1 {line}") == 1
    assert said(text).isprintable() and len(said(text)) <= 120 * 10


@pytest.mark.parametrize("text", ["1e3", "0o17", "0x1F", "1_000", ".inf", "12"])
def test_text_that_other_readers_take_for_a_number_is_quoted(text: str) -> None:
    assert flow(text)[0] in "'\""


def test_what_no_file_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogate"):
        flow(["a", "\ud800"])
    assert said("\ud800") == "\\ud800"

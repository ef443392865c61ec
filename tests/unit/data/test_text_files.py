from __future__ import annotations

import datetime
from typing import Any

import pandas as pd
import pytest

from include.config.schema import ColumnType, FilesSource
from include.data.text_files import TextTable, read_text
from include.data.text_values import frame
from include.data.values import convert
from include.errors import PermanentError


def source(**keys: Any) -> FilesSource:
    return FilesSource(kind="files", path="t.csv", **keys)


def read(content: bytes | str, **keys: Any) -> TextTable:
    return read_text("t.csv", content if isinstance(content, bytes) else content.encode(), source(**keys))


def column(values: list[str], kind: ColumnType, **keys: Any) -> tuple[list[Any], list[bool]]:
    """The values as a night stores them (None where missing), and which are faults."""
    content = "\n".join(["a;b", *(f"{value};x" for value in values)])
    keys = {"separator": ";"} | keys
    rows = frame(read(content, **keys), {"a": kind}, source(**keys), "b")
    typed, faulty = convert(rows["a"], kind)
    return [None if pd.isna(value) else value for value in typed.tolist()], faulty.tolist()


@pytest.mark.parametrize(
    ("values", "kind", "keys", "stored", "faulty"),
    [
        (
            ["$1.5", "1.5", "€2", "-$3"],
            "number",
            {"units": {"a": "$"}},
            [1.5, None, None, -3.0],
            [False, True, True, False],
        ),
        (["Rs.500", "Rs 7", "Rs.1.5"], "number", {"units": {"a": "Rs."}}, [500.0, None, 1.5], [False, True, False]),
        (["Rs.500", "Rs 7"], "number", {"units": {"a": "Rs"}}, [None, 7.0], [True, False]),
        (["$.5", "$5"], "number", {"units": {"a": "$"}}, [0.5, 5.0], [False, False]),
        (["12m2", "3 m2", "m24"], "number", {"units": {"a": "m2"}}, [12.0, 3.0, None], [False, False, True]),
        (["12 %", "0", "5kg"], "number", {"units": {"a": ["%", ""]}}, [12.0, 0.0, None], [False, False, True]),
        (["7 kg", "8kg", "kg 9"], "integer", {"units": {"a": "kg"}}, [7, 8, 9], [False, False, False]),
        (["1,5 €", "€ 2"], "number", {"units": {"a": "€"}, "decimal": ","}, [1.5, 2.0], [False, False]),
        (["(1.5)", "2", "(-3)"], "number", {"negative": "parentheses"}, [-1.5, 2.0, None], [False, False, True]),
        (["1.5-", "2", "-3-"], "number", {"negative": "trailing"}, [-1.5, 2.0, None], [False, False, True]),
        (["\u22121.5", "2"], "number", {}, [-1.5, 2.0], [False, False]),
        (["\u22121.5", "2 €"], "string", {"units": {"b": "€"}}, ["\u22121.5", "2 €"], [False, False]),
        (["1,5", "1.5", "2"], "number", {"decimal": ","}, [1.5, None, 2.0], [False, True, False]),
        (
            ["1.234", "998", "1.234,5"],
            "number",
            {"decimal": ",", "thousands": "."},
            [1234.0, 998.0, 1234.5],
            [False] * 3,
        ),
        (
            ["1 234", "1\u00a0234", "1\u202f234,5"],
            "number",
            {"decimal": ",", "thousands": " "},
            [1234, 1234, 1234.5],
            [False] * 3,
        ),
        (
            ["1'234", "1\u2019234.5", "12'34"],
            "number",
            {"thousands": "'"},
            [1234.0, 1234.5, None],
            [False, False, True],
        ),
        (["1,234", "12,34", "-1,234,567"], "integer", {"thousands": ","}, [1234, None, -1234567], [False, True, False]),
        (["?", "\\N", "NA", " ", "3"], "integer", {"missing": ["?", "\\N"]}, [None, None, None, None, 3], [False] * 5),
        (["?", "NA", "a"], "string", {"missing": "?"}, [None, "NA", "a"], [False] * 3),
        (["-999", "1.5"], "number", {"missing": -999}, [None, 1.5], [False, False]),
        (["123456789012345678", "", "-1"], "integer", {}, [123456789012345678, None, -1], [False] * 3),
        (["True", "False", ""], "integer", {}, [1, 0, None], [False] * 3),
        ([" Yes", "yes ", "NO"], "string", {"fold": ["a"]}, ["yes", "yes", "no"], [False] * 3),
    ],
)
def test_values_are_read_by_the_dialect_and_by_no_other(
    values: list[str], kind: ColumnType, keys: dict[str, Any], stored: list[Any], faulty: list[bool]
) -> None:
    assert column(values, kind, **keys) == (stored, faulty)


@pytest.mark.parametrize(
    ("text", "written", "kind", "stored"),
    [
        ("31.12.2026", "%d.%m.%Y", "date", datetime.date(2026, 12, 31)),
        ("2026/03/01", "%Y/%m/%d", "date", datetime.date(2026, 3, 1)),
        ("03/01/2026", "%m/%d/%Y", "date", datetime.date(2026, 3, 1)),
        ("9-Mar-26", "%d-%b-%y", "date", datetime.date(2026, 3, 9)),
        ("31/12/2026 23:05", "%d/%m/%Y %H:%M", "timestamp", pd.Timestamp("2026-12-31 23:05")),
        ("1772323200", "epoch_seconds", "timestamp", pd.Timestamp("2026-03-01")),
        ("1772323200500", "epoch_milliseconds", "timestamp", pd.Timestamp("2026-03-01 00:00:00.5")),
    ],
)
def test_dates_are_read_by_their_format_alone(text: str, written: str, kind: ColumnType, stored: Any) -> None:
    found, faulty = column([text, "2026-03-01", "soon", ""], kind, date_format={"a": written})
    assert found == [stored, None, None, None]
    assert faulty == [False, True, True, False], "ISO 8601 is not of this format"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_rows_keep_the_numbers_of_their_lines(end: str, encoding: str) -> None:
    text = end.join(["größe,b", "1,2", "", '"two', 'lines",3', "#no row", "4,5"])
    table = read(text.encode(encoding), encoding=encoding, comment="#")
    assert table.names == ["größe", "b"] and table.lines.tolist() == [2, 4, 7]
    assert table.columns["größe"].to_pylist() == ["1", f"two{end if end != chr(13) else chr(10)}lines", "4"]


def test_a_line_of_another_width_keeps_its_place_and_is_a_fault_of_its_own() -> None:
    table = read("a,b,c\n1,2,3\n4,5\n\n6,7,8,9\n1,1,1\n")
    assert [(fault.place, fault.first, fault.last) for fault in table.faults] == [(1, 3, 3), (1, 5, 5)]
    rows = frame(table, {"a": "integer", "b": "integer"}, source(), "b")
    typed, faulty = convert(rows["b"], "integer")
    assert faulty.tolist() == [False, True, True, False] and typed.tolist()[::3] == [2, 1]
    assert "line 3: 2 fields, where the header has 3" in rows["b"].tolist()
    assert rows["c"].isna().tolist() == [False, True, True, False]


LONE = "a,b,c\n1,2,ok\n3,4,{}15 inch\n5,6,ok\n7,8,ok\n9,1,{}15 inch\n1,2,ok\n3,4,ok\n5,6,ok\n7,8,ok\n"


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (LONE.format('"', '"'), [(3, 6)]),
        ('a,b,c\n1,2,"x\n3,4,5"\n1,2,3\n4,5,6\n', [(2, 3)]),
        ('a,b,c\n1,2,3\n4,"5"x,6\n7,8" z,9\n', [(3, 3)]),
        ('a,b\n1,2\n3,4\n5,6\n7,"8', [(5, 5)]),
    ],
)
def test_quotes_that_swallow_lines_or_lose_letters_are_faults(content: str, lines: list[tuple[int, int]]) -> None:
    table = read(content)
    assert [(fault.first, fault.last) for fault in table.faults] == lines
    whole = read(content, quote="none")
    assert not whole.faults and len(whole.columns) == content.strip().count("\n")


def test_texts_of_several_lines_are_texts_where_the_quote_is_named() -> None:
    content = 'a,b,c\n1,"street, town\nland, code",3\n4,"one, two\n\nlines",6\n'
    assert [fault.first for fault in read(content).faults] == [2]
    assert read(content, quote='"').lines.tolist() == [2, 4]


def test_all_lines_swallowed_or_of_another_width_are_no_table() -> None:
    with pytest.raises(PermanentError, match=r"2 of its 2 records are no rows, such as line 2: 1 field"):
        read("a,b\n1\n2\n")


@pytest.mark.parametrize(
    ("content", "keys", "names", "rows"),
    [
        ("a,b\n1,2,\n3,4,\n", {}, ["a", "b"], [["1", "3"], ["2", "4"]]),
        ("a,b\nr1,1,2\nr2,3,4\n", {}, ["Unnamed: 0", "a", "b"], [["r1", "r2"], ["1", "3"], ["2", "4"]]),
        (",a\n0,1\n1,2\n", {}, ["Unnamed: 0", "a"], [["0", "1"], ["1", "2"]]),
        ("1,2\n3,4\n", {"header": False}, ["column_1", "column_2"], [["1", "3"], ["2", "4"]]),
        ("t\nx,y\n3,4\n", {"header": ["a", "b"], "skip": 2}, ["a", "b"], [["3"], ["4"]]),
        ('a,b\n"x\\"y",2\n', {"escape": "\\"}, ["a", "b"], [['x"y'], ["2"]]),
        ("a,b\n'x,y',2\n", {"quote": "'"}, ["a", "b"], [["x,y"], ["2"]]),
        ('a§b\n1§"x§y"\n', {"separator": "§"}, ["a", "b"], [["1"], ["x§y"]]),
        ("a,b\n", {}, ["a", "b"], [[], []]),
        ("", {}, [], []),
    ],
)
def test_the_dialect_says_what_is_header_row_and_field(
    content: str, keys: dict[str, Any], names: list[str], rows: list[list[str]]
) -> None:
    table = read(content, **keys)
    assert table.names == names and [one.to_pylist() for one in table.columns.columns] == rows


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a,b\n1,2\n3,\xff\n", "line 3 is no utf-8: byte 0xff"),
        (b"a,a\n1,2\n", "column a twice"),
    ],
)
def test_a_file_that_breaks_its_dialect_is_named_with_the_line(content: bytes, said: str) -> None:
    with pytest.raises(PermanentError, match=said):
        read(content)


def test_a_field_longer_than_a_block_of_the_parser_is_read() -> None:
    long = "x" * (17 << 20)
    assert read(f"a,b\n1,{long}\n").columns["b"].to_pylist() == [long]


def test_a_unit_that_numbers_begin_with_is_refused() -> None:
    with pytest.raises(ValueError, match="begins as numbers do"):
        source(units={"a": "5"})


def test_a_faulty_value_is_quoted_as_it_is_written() -> None:
    found, keys = "a,b\n(n.v.),x\n(1.5),x", {"negative": "parentheses"}
    rows = frame(read(found, **keys), {"a": "number"}, source(**keys), "b")
    assert rows["a"].tolist() == ["(n.v.)", "-1.5"]

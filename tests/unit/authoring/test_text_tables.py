from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from include.authoring.reading import Table, read_file
from include.authoring.text_options import parse_options
from include.config.schema import FilesSource
from include.data.text_files import read_text
from include.data.text_values import frame
from include.data.values import convert
from include.errors import ConfigError, PermanentError

HEAD = ["order", "sold_on", "price", "shop", "returned"]


def orders(rows: int = 40, **columns: Sequence[Any]) -> list[list[str]]:
    """Lines of a shop's orders; a column named here is repeated as often as it is needed."""
    usual: dict[str, Sequence[Any]] = {
        "order": [f"o{number:03d}" for number in range(rows)],
        "sold_on": [f"2026-03-{1 + number // 2:02d}" for number in range(rows)],
        "price": [f"{10 + number * 7 % 83}.{number % 90 + 10}" for number in range(rows)],
        "shop": ["north", "south"],
        "returned": [0, 1, 1],
    }
    filled = {name: [values[n % len(values)] for n in range(rows)] for name, values in (usual | columns).items()}
    return [list(filled), *([str(filled[name][n]) for name in filled] for n in range(rows))]


class Drafts:
    """Files written into a folder and read as `new-model` reads them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def draft(self, lines: list[list[str]] | str | bytes, separator: str = ",", **said: Any) -> Table:
        content = lines if isinstance(lines, str | bytes) else "\n".join(separator.join(line) for line in lines)
        path = self.folder / "orders.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        found = read_file(str(path), parse_options(**said), "returned", "sold_on")
        self.hold_against_the_night(found, path)
        return found

    @staticmethod
    def hold_against_the_night(found: Table, path: Path) -> None:
        """A night reads the very values by the drafted dialect and types, and sets none aside."""
        source = FilesSource.model_validate(found.source)
        rows = frame(read_text(str(path), path.read_bytes(), source), found.kinds, source, None)
        for name, kind in found.kinds.items():
            typed, faulty = convert(rows[name], kind)
            assert not faulty.any(), name
            expected = found.rows[name]
            same = pd.to_datetime(typed) if kind == "date" else typed
            assert same.isna().equals(expected.isna()) and (same.dropna() == expected.dropna()).all(), name

    def doubts(self, *args: Any, **said: Any) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            self.draft(*args, **said)
        return caught.value.faults


@pytest.fixture
def drafts(tmp_path: Path) -> Drafts:
    return Drafts(tmp_path)


def keys(found: Table) -> dict[str, Any]:
    return {name: value for name, value in found.source.items() if name not in ("kind", "path")}


PRICES = [f"{number % 37},{number % 89 + 10}" for number in range(40)]


@pytest.mark.parametrize(
    ("columns", "separator", "written", "kinds"),
    [
        ({}, ",", {}, {"price": "number"}),
        ({"price": ["9.5", "?", "8.25", "\\N"]}, ",", {"missing": ["?", "\\N"]}, {"price": "number"}),
        ({"price": PRICES}, ";", {"separator": ";", "decimal": ","}, {"price": "number"}),
        ({"price": [f'"{one}"' for one in PRICES]}, ",", {"decimal": ","}, {"price": "number"}),
        (
            {"price": PRICES, "people": ["998", "1.234", "12.345"]},
            ";",
            {"separator": ";", "decimal": ",", "thousands": "."},
            {"people": "integer"},
        ),
        ({"price": ['"1,234.5"', "7.25"]}, ",", {"thousands": ","}, {"price": "number"}),
        ({"price": ['"1,234,567"', "725"]}, ",", {"thousands": ","}, {"price": "integer"}),
        (
            {"price": ["1\u00a0234,5", "7,25"]},
            "\t",
            {"separator": "\t", "decimal": ",", "thousands": " "},
            {"price": "number"},
        ),
        ({"price": ["1'234.50", "7.25"]}, ",", {"thousands": "'"}, {"price": "number"}),
        ({"sold_on": ["2026/03/01", "2026/03/14"]}, ",", {"date_format": {"sold_on": "%Y/%m/%d"}}, {"sold_on": "date"}),
        ({"sold_on": ["31.12.2026", "01.02.2026"]}, ",", {"date_format": {"sold_on": "%d.%m.%Y"}}, {"sold_on": "date"}),
        ({"sold_on": ["12/31/2026", "01/02/2026"]}, ",", {"date_format": {"sold_on": "%m/%d/%Y"}}, {"sold_on": "date"}),
        ({"sold_on": ["31-Dec-26", "1-Feb-26"]}, ",", {"date_format": {"sold_on": "%d-%b-%y"}}, {"sold_on": "date"}),
        (
            {"sold_on": ["31/12/2026 10:05", "01/02/2026 23:59"]},
            ",",
            {"date_format": {"sold_on": "%d/%m/%Y %H:%M"}},
            {"sold_on": "timestamp"},
        ),
        (
            {"sold_on": ["1772323200", "1772409605"]},
            ",",
            {"date_format": {"sold_on": "epoch_seconds"}},
            {"sold_on": "timestamp"},
        ),
        ({"sold_on": ["20260301", "20260314"]}, ",", {"date_format": {"sold_on": "%Y%m%d"}}, {"sold_on": "date"}),
        ({"returned": ["1.0", "2.0"]}, ",", {}, {"returned": "integer"}),
        ({"zip": ["00123", "12345"]}, ",", {}, {"zip": "string"}),
        ({"size": ["S", "M", "10", "12"]}, ",", {}, {"size": "string"}),
        ({"long": ["12345678901234567890", "12345678901234567891"]}, ",", {}, {"long": "string"}),
        ({"big": ["123456789012345678", "", "123456789012345679"]}, ",", {}, {"big": "integer"}),
    ],
)
def test_what_a_file_is_written_in_is_found_and_a_night_reads_the_same(
    columns: dict[str, Any], separator: str, written: dict[str, Any], kinds: dict[str, str], drafts: Drafts
) -> None:
    found = drafts.draft(orders(**columns), separator)
    assert keys(found) == written
    assert {name: found.kinds[name] for name in kinds} == kinds
    said = "\n".join(found.notes)
    assert all(name in said for name in written if name not in ("separator", "missing"))


def text(lines: list[list[str]], separator: str = ",") -> str:
    return "\n".join(separator.join(line) for line in lines)


@pytest.mark.parametrize(
    ("content", "written"),
    [
        ("# export of shop 3\n" + text(orders()), {"comment": ["#"]}),
        ("Orders of March, by shop\n\n" + text(orders()), {"skip": 2}),
        ("sep=;\n" + text(orders(), ";"), {"separator": ";", "skip": 1}),
        (text(orders(memo=["ok", '"said \\"no, thanks\\""'])), {"escape": "\\"}),
        (text(orders(memo=["ok", "'no, thanks'"])), {"quote": "'"}),
        (text(orders(shop=["Лес", "Река"])).encode("cp1251"), {"encoding": "cp1251"}),
        (text(orders(shop=["Plzeň", "šťáva"])).encode("cp1250"), {"encoding": "cp1250"}),
        (text(orders(shop=["ラーメン", "すし"])).encode("cp932"), {"encoding": "cp932"}),
        (text(orders(shop=["naïve"])).encode("utf-16"), {"encoding": "utf-16"}),
        (text(orders(shop=["naïve"])).encode("utf-8-sig"), {"encoding": "utf-8-sig"}),
        ("\n".join(f"{line}," for line in text(orders()).split("\n")).replace("returned,", "returned", 1), {}),
    ],
)
def test_what_is_around_the_table_is_found(content: str | bytes, written: dict[str, Any], drafts: Drafts) -> None:
    found = drafts.draft(content)
    assert keys(found) == written and len(found.rows) == 40
    assert found.kinds["price"] == "number" and (found.notes or written == {"encoding": "utf-8-sig"})


def test_a_guessed_encoding_is_shown_on_a_word(drafts: Drafts) -> None:
    notes = drafts.draft(text(orders(shop=["north", "Лес"])).encode("cp1251")).notes
    assert "encoding cp1251 is a guess: 'Лес' in column shop; --encoding for another" in notes


def test_a_file_without_a_header_has_numbered_columns(drafts: Drafts) -> None:
    lines = orders()[1:]
    found = drafts.draft(lines)
    assert keys(found) == {"header": False} and len(found.rows) == 40
    named = drafts.draft(lines, header=",".join(HEAD))
    assert list(named.rows.columns) == HEAD and len(named.rows) == 40


ODD = [f"{number}.5" for number in range(39)] + ["n/a yet"]


LIKE_THOUSANDS = ["1.234", "998", "12.345", "77", "1.001", "5"]
NO_DATE = ["2026-03-01"] * 39 + ["soon"]


@pytest.mark.parametrize(
    ("columns", "said", "answers"),
    [
        ({"price": ODD}, "price holds numbers but for 1 of 40 values: 'n/a yet' (line 41)", {"missing": ["n/a yet"]}),
        ({"price": ODD}, "--text price", {"text": ["price"]}),
        ({"price": [*ODD[:39], "Infinity"]}, "'Infinity' (line 41)", {"missing": ["Infinity"]}),
        ({"price": [*ODD[:39], "-"]}, "--missing -", {"missing": ["-"]}),
        (
            {"price": [*ODD[:38], "#DIV/0!", '"1.234,5 EUR"']},
            "'1.234,5 EUR' (line 41)",
            {"missing": ["#DIV/0!", "1.234,5 EUR"]},
        ),
        ({"sold_on": NO_DATE}, "sold_on holds dates but for 1 of 40 values: 'soon'", {"missing": ["soon"]}),
        ({"sold_on": ["31.12.2026"] * 39 + ["soon"]}, "dates of the format %d.%m.%Y but for 1", {"missing": ["soon"]}),
        (
            {"sold_on": ["01/02/2026", "03/02/2026"]},
            "2026-02-01 (--date-format sold_on=%d/%m/%Y)",
            {"date_format": ["sold_on=%m/%d/%Y"]},
        ),
        ({"sold_on": ["01.02.2026"]}, "2026-01-02", {"date_format": ["%d.%m.%Y"]}),
        ({"price": ['"1,234"', "998"]}, "which is 1234 or 1.234", {"thousands": ","}),
        ({"price": ['"1,234"', "998"]}, "--decimal ','", {"decimal": ","}),
        ({"price": LIKE_THOUSANDS}, "which is 1234 or 1.234", {"decimal": "."}),
        (
            {"price": ['"1,5"', "7"], "weight": ["2.5"]},
            "both '2.5' in column weight and '1,5' in column price",
            {"decimal": ".", "text": ["price"]},
        ),
        (
            {"returned": ["Yes", "yes ", "No"]},
            "'Yes' (14 rows, from line 2), 'yes ' (13 rows, from line 3)",
            {"fold": ["returned"]},
        ),
        ({"returned": ["Yes", "yes ", "No"]}, "--text returned", {"text": ["returned"]}),
    ],
)
def test_doubts_are_asked_about_and_each_answer_settles_them(
    columns: dict[str, Any], said: str, answers: dict[str, Any], drafts: Drafts
) -> None:
    (doubt,) = drafts.doubts(orders(**columns))
    assert said in doubt
    assert len(drafts.draft(orders(**columns), **answers).rows) == 40


@pytest.mark.parametrize(
    ("line", "place", "said"),
    [
        (["Total", "", "999.5", "", "20"], 41, "line 42 looks like a total ('Total' in order)"),
        (["", "", "999.5", "", "20"], 41, "line 42 looks like a total (nothing in order, sold_on, shop"),
        (["", "", "EUR", "", ""], 1, "line 2 looks like units of measure ('EUR' in price)"),
    ],
)
def test_a_row_of_totals_or_units_is_asked_about(line: list[str], place: int, said: str, drafts: Drafts) -> None:
    lines = orders()
    lines.insert(place, line)
    (doubt,) = drafts.doubts(lines)
    assert said in doubt
    begins = doubt.split("--comment ")[1].split(" leaves")[0].strip("'")
    assert len(drafts.draft(lines, comment=[begins]).rows) == 40


def test_all_doubts_of_a_file_are_told_at_once(drafts: Drafts) -> None:
    columns = {"price": ODD, "sold_on": ["01/02/2026"], "returned": ["Yes", "yes"]}
    assert len(drafts.doubts(orders(**columns))) == 3


def test_lone_quotation_marks_are_asked_about(drafts: Drafts) -> None:
    lines = orders(memo=["ok"] * 10 + ['"15 inch'] + ["ok"] * 9)
    (doubt,) = drafts.doubts(lines)
    assert "line 12 to 32" in doubt and "--quote none" in doubt
    assert len(drafts.draft(lines, quote="none").rows) == 40


def test_texts_that_look_like_lines_are_texts_where_a_person_says_so(drafts: Drafts) -> None:
    lines = orders(memo=["ok"] * 39 + ['"one\no040,2026-03-20,5.5,north,1,two"'])
    (doubt,) = drafts.doubts(lines)
    assert "line 41 to 42" in doubt
    assert keys(drafts.draft(lines, quote='"')) == {"quote": '"'}


def test_few_lines_of_another_width_are_told_and_many_asked_about(drafts: Drafts) -> None:
    lines = orders(rows=400, sold_on=["2026-03-01"])
    lines[7] = lines[7][:3]
    path = drafts.folder / "orders.csv"
    path.write_text(text(lines))
    found = read_file(str(path), None, "returned")
    assert len(found.rows) == 399 and "line 8: 3 fields, where the header has 5" in found.notes[0]
    for row in range(20, 30):
        lines[row] = [*lines[row], "more"]
    assert "11 of 400 lines are no rows" in drafts.doubts(lines)[0]


def test_several_encodings_are_a_choice(drafts: Drafts) -> None:
    content = text(orders(shop=["père"])).encode("cp1252")
    with pytest.raises(
        PermanentError, match=r"line 2 is no UTF-8.*'père' \(--encoding cp1252\), 'pčre' \(--encoding cp1250\)"
    ):
        drafts.draft(content)
    assert set(drafts.draft(content, encoding="cp1252").rows["shop"]) == {"père"}


@pytest.mark.parametrize("name", ["orders.xlsx", "orders.ods", "orders.csv.zip"])
def test_a_workbook_is_named_with_the_way_on(name: str, tmp_path: Path) -> None:
    pd.DataFrame({"a": [1]}).to_csv(tmp_path / "orders.csv", index=False)
    (tmp_path / name).write_bytes(b"PK\x03\x04 no more")
    with pytest.raises(PermanentError, match=r"save its sheet as CSV|cannot be read as csv"):
        read_file(str(tmp_path / name))


@pytest.mark.parametrize(
    "said",
    [
        {"decimal": ";"},
        {"quote": "ab"},
        {"date_format": ["%d.%m"]},
        {"encoding": "utf-99"},
        {"date_format": ["a=%Q"]},
    ],
)
def test_an_option_that_says_nothing_possible_is_named(said: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="--" + next(iter(said)).replace("_", "-")):
        parse_options(**said)


def test_files_of_a_glob_are_one_table_and_their_folders_are_columns(tmp_path: Path) -> None:
    lines = [[field for place, field in enumerate(line) if place != 1] for line in orders(price=PRICES)]
    for day, part in (("2026-03-01", lines[1:21]), ("2026-03-02", lines[21:])):
        folder = tmp_path / f"sold_on={day}"
        folder.mkdir()
        (folder / "part.csv").write_text(text([lines[0], *part], ";"))
    found = read_file(str(tmp_path / "*" / "*.csv"), None, "returned", "sold_on")
    assert keys(found) == {"separator": ";", "decimal": ","} and found.kinds["sold_on"] == "date"
    assert found.rows["sold_on"].dt.day.tolist() == [1] * 20 + [2] * 20

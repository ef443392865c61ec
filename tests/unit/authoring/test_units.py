"""Units and negative numbers as people write them: said in a note, asked about where they differ, codes left alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.unit.authoring.test_text_tables import Drafts, orders


@pytest.fixture
def drafts(tmp_path: Path) -> Drafts:
    return Drafts(tmp_path)


def written(form: str, whole: bool = False) -> list[str]:
    """Forty different numbers in a form such as `{} kg`."""
    return [form.format(n * 3 + 1 if whole else f"{n * 1.5:.2f}") for n in range(40)]


@pytest.mark.parametrize(
    ("form", "unit", "first"),
    [
        ("${}", "$", 1.5),
        ("-${}", "$", -1.5),
        ("$-{}", "$", -1.5),
        ("€ {}", "€", 1.5),
        ("{} €", "€", 1.5),
        ("USD {}", "USD", 1.5),
        ("Rs.{}", "Rs.", 1.5),
        ("{}%", "%", 1.5),
        ("{}\u00a0kg", "kg", 1.5),
        ("{} km/h", "km/h", 1.5),
        ("\u2212{} °C", "°C", -1.5),
    ],
)
def test_a_unit_that_all_numbers_of_a_column_have_is_left_out_of_them_and_said(
    drafts: Drafts, form: str, unit: str, first: float
) -> None:
    found = drafts.draft(orders(measured=written(form)), separator=";")
    assert found.kinds["measured"] == "number" and found.rows["measured"][1] == first
    assert found.source["units"] == {"measured": [unit]}
    assert any(note.startswith(f"measured: {unit!r} is no part of its numbers: ") for note in found.notes)


@pytest.mark.parametrize("form", ["P{}", "{}a", "A-{}", "No. {}", "{}th", "Q{}"])
def test_letters_that_are_no_unit_make_a_code(drafts: Drafts, form: str) -> None:
    found = drafts.draft(orders(measured=written(form, whole=True)))
    assert found.kinds["measured"] == "string" and "units" not in found.source


def test_a_letter_behind_a_few_whole_numbers_makes_a_name(drafts: Drafts) -> None:
    found = drafts.draft(orders(network=["3g", "4g", "5g"]))
    assert found.kinds["network"] == "string" and "units" not in found.source


@pytest.mark.parametrize(
    ("values", "options"),
    [
        (written("{} kg")[:30] + written("{} g")[:10], "--unit measured=kg --unit measured=g"),
        (written("{}%")[:30] + written("{}")[:10], "--unit measured=% --unit measured="),
        ([*written("${}")[:39], "€5"], "--unit measured=$ --unit measured=€"),
    ],
)
def test_units_that_differ_are_asked_about_and_the_options_named_answer(
    drafts: Drafts, values: Sequence[str], options: str
) -> None:
    (doubt,) = drafts.doubts(orders(measured=values))
    assert doubt.startswith("measured holds numbers with different units: ") and options in doubt
    found = drafts.draft(orders(measured=values), unit=[one for one in options.split() if one != "--unit"])
    assert found.kinds["measured"] == "number" and found.rows["measured"].notna().all()
    assert drafts.draft(orders(measured=values), text=["measured"]).kinds["measured"] == "string"


@pytest.mark.parametrize(("form", "negative"), [("({})", "parentheses"), ("{}-", "trailing"), ("(${})", "parentheses")])
def test_an_accountants_negative_numbers_are_negative(drafts: Drafts, form: str, negative: str) -> None:
    plain = "${}" if "$" in form else "{}"
    values = [form.format(f"{n}.50") if n % 3 == 1 else plain.format(f"{n}.50") for n in range(40)]
    found = drafts.draft(orders(measured=values))
    assert found.source["negative"] == negative and found.kinds["measured"] == "number"
    assert found.rows["measured"].tolist()[:4] == [0.5, -1.5, 2.5, 3.5]
    assert any(f"negative is {negative}" in note and "is -" in note for note in found.notes)


def test_parentheses_around_every_value_are_none(drafts: Drafts) -> None:
    found = drafts.draft(orders(measured=written("({})", whole=True)))
    assert found.kinds["measured"] == "string" and "negative" not in found.source


def test_thousands_are_found_behind_a_currency(drafts: Drafts) -> None:
    values = [f"${n * 777.25:,.2f}" for n in range(40)]
    found = drafts.draft(orders(measured=[f'"{value}"' for value in values]))
    assert found.source["thousands"] == "," and found.rows["measured"][39] == 39 * 777.25

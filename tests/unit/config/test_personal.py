from __future__ import annotations

from collections.abc import Callable

import pytest

from include.config.loader import config_json, parse_config_json
from include.config.personal import looks_by_name
from include.config.schema import ModelConfig
from include.errors import ConfigError

SOURCE = {"kind": "python", "module": "flights"}
COLUMNS = {"sold_on": "date", "shop": "string", "units": "integer", "price": "number", "returned": "integer"}


@pytest.mark.parametrize(
    "name",
    [
        *("email", "E_MAIL", "e-mail", "customerEmail", "email_address", "EmailAddr", "email2", "phone", "home_phone"),
        *("PhoneNumber", "phone_no", "mobile", "Mobile Number", "telephone1", "fax", "credit_card", "creditCardNumber"),
        *("card_number", "ccnum", "iban", "ssn", "SSN", "social_security_number", "passport_no", "nationalId", "dni"),
    ],
)
def test_names_of_personal_columns_are_known_word_by_word(name: str) -> None:
    assert looks_by_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("PhoneService", "MultipleLines", "phone_service", "phone_bill", "has_phone", "n_emails", "days_since_email"),
        *("email_domain", "email_opt_in", "cardinality", "postcard", "card_type", "credit_card_limit", "tailnum"),
        *(
            "flight",
            "distance",
            "mobile_sessions",
            "headphone",
            "ssn_missing",
            "session",
            "passenger_id",
            "excel",
            "cell",
        ),
        *("mission", "assn", "telescope", "hotel", "ibanez", "carrier", "number", "id", "mail_type", "is_mobile"),
    ],
)
def test_names_that_only_remind_of_them_are_none(name: str) -> None:
    assert looks_by_name(name) is None


def test_a_column_that_is_personal_by_name_must_be_answered(sales: Callable[..., ModelConfig]) -> None:
    columns = COLUMNS | {"email": "string", "mobile": "integer", "fax": "boolean"}
    with pytest.raises(ConfigError) as caught:
        sales(SOURCE, day="sold_on", columns=columns, key=["nobody"])
    assert any("data.key: column 'nobody'" in fault for fault in caught.value.faults), "all faults at once"
    said = [fault for fault in caught.value.faults if "by its name" in fault]
    assert said[0].startswith("data.columns.email: column 'email' looks by its name like an e-mail address; write ")
    assert "data.personal: {email: hash}" in said[0] and "mobile" in said[1] and len(said) == 2
    answered = sales(SOURCE, day="sold_on", columns=columns, personal={"email": "hash", "mobile": "keep"})
    assert parse_config_json(config_json(answered)) == answered


def test_what_was_stored_before_anybody_asked_still_loads(sales: Callable[..., ModelConfig]) -> None:
    config = sales(SOURCE, day="sold_on", columns=COLUMNS | {"email": "string"}, personal={"email": "keep"})
    assert parse_config_json(config_json(config).replace('"personal": {"email": "keep"}', '"personal": {}'))


@pytest.mark.parametrize(
    ("personal", "says"),
    [
        ({"units": "hash"}, "'units' is declared integer; a hash is text: declare it string"),
        ({"sold_on": "hash"}, "is the day or the label of rows"),
        ({"returned": "hash"}, "is the day or the label of rows"),
        ({"nobody": "keep"}, "column 'nobody' is not in data.columns"),
        ({"shop": "encrypt"}, "received 'encrypt'"),
    ],
)
def test_what_cannot_be_hashed_is_said(sales: Callable[..., ModelConfig], personal: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        sales(SOURCE, day="sold_on", personal=personal)

"""The JSON Schema that editors check model files by, with a validator of its own."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from include.config import environment
from include.config.reference import json_schema

SHIPPED = environment.REPOSITORY / "include/models/flight_delay.yaml"


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = json.loads(json_schema())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.fixture
def content() -> dict[str, Any]:
    return copy.deepcopy(yaml.safe_load(SHIPPED.read_text()))


def test_the_shipped_file_names_the_schema_and_keeps_it(
    validator: Draft202012Validator, content: dict[str, Any]
) -> None:
    named = SHIPPED.read_text().splitlines()[0].partition("$schema=")[2]
    assert json.loads((SHIPPED.parent / named).read_text()) == json.loads(json_schema())
    assert list(validator.iter_errors(content)) == []


def test_files_may_be_the_source(validator: Draft202012Validator, content: dict[str, Any]) -> None:
    content["data"]["source"] = {"kind": "files", "path": "data/{day}.csv"}
    assert list(validator.iter_errors(content)) == []


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [("training", "train_dyas", 3), ("training", "train_days", 0), ("data", "source", {"kind": "ftp", "path": "x"})],
)
def test_an_editor_marks_what_lint_would_refuse(
    validator: Draft202012Validator, content: dict[str, Any], section: str, key: str, value: Any
) -> None:
    content[section][key] = value
    assert list(validator.iter_errors(content))

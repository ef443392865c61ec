"""Every snippet of docs/sources.md is one that a model file may hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from include.config import environment
from include.config.schema import ModelConfig

PAGE = (environment.REPOSITORY / "docs/sources.md").read_text()
SNIPPETS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
USUAL: dict[str, Any] = {
    "source": {"kind": "python", "module": "flights"},
    "day": "sold_on",
    "key": ["email"],
    "label": "returned",
    "columns": {"sold_on": "date", "email": "string", "hotline": "string", "units": "integer", "returned": "integer"},
}


def held(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def test_the_page_has_its_snippets() -> None:
    assert len(SNIPPETS) == 7


@pytest.mark.parametrize("text", SNIPPETS)
def test_a_snippet_is_a_model_files(sales: Callable[..., ModelConfig], text: str) -> None:
    content = yaml.safe_load(text)
    given = content.pop("data")
    data = given if "key" in given else {**USUAL, "personal": {"email": "keep", "hotline": "keep"}, **given}
    numeric = [name for name, kind in data["columns"].items() if kind == "integer" and name != data["label"]]
    config = sales(data.pop("source"), sections={"features": {"numeric": numeric}, **content}, **data)
    assert config.data.source.place
    for name, value in given.items():
        assert name in ("source", "columns") or getattr(config.data, name) == held(value), name

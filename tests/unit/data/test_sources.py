from __future__ import annotations

import sys
from datetime import date
from types import ModuleType

import pytest

from include.config.schema import ModelConfig, PythonSource
from include.data.sources import flights, read_source
from include.errors import PermanentError

DAY = date(2013, 5, 1)


def with_module(config: ModelConfig, module: str) -> ModelConfig:
    source = PythonSource(kind="python", module=module)
    return config.model_copy(update={"data": config.data.model_copy(update={"source": source})})


def test_the_declared_module_is_read(flight_delay: ModelConfig) -> None:
    assert read_source(flight_delay, DAY, DAY).equals(flights.read(DAY, DAY))


def test_a_module_that_does_not_exist_names_the_file_to_create(flight_delay: ModelConfig) -> None:
    with pytest.raises(PermanentError, match=r"'trains' has no file include/data/sources/trains\.py; create it"):
        read_source(with_module(flight_delay, "trains"), DAY, DAY)


def test_a_module_without_read_is_named(flight_delay: ModelConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "include.data.sources.empty", ModuleType("empty"))
    with pytest.raises(PermanentError, match=r"empty\.py has no function read"):
        read_source(with_module(flight_delay, "empty"), DAY, DAY)

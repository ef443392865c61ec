"""The model whose releases the gates judge."""

from __future__ import annotations

import pytest

from include.config.schema import ModelConfig
from tests.unit.parcels import parcels


@pytest.fixture(scope="session")
def config() -> ModelConfig:
    return parcels()

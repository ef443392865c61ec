from __future__ import annotations

from datetime import date

import pytest
from mlflow import MlflowClient

from include.config.schema import ModelConfig
from include.contracts import DayRange
from include.errors import PermanentError
from include.scoring import loader
from tests.unit.served import AS_OF, MODEL


def test_a_version_says_what_it_was_trained_with(served: ModelConfig) -> None:
    found = loader.training(MODEL, 1)
    assert found.config == served and found.as_of == AS_OF and found.data_version >= 0
    assert found.train == DayRange(start=date(2024, 2, 6), end=date(2024, 2, 17))
    assert found.validation == DayRange(start=date(2024, 2, 18), end=date(2024, 2, 21))
    after = {day: found.precedes(date(2024, 2, day)) for day in (5, 6, 17, 21, 22)}
    assert after == {5: False, 6: False, 17: False, 21: False, 22: True}


def test_a_process_loads_a_version_once(served: ModelConfig) -> None:
    assert loader.load(MODEL, 1) is loader.load(MODEL, 1)
    assert loader.load(MODEL, 1) is not loader.load(MODEL, 2)


def test_a_version_without_its_tags_names_the_tag_and_the_next_command(served: ModelConfig) -> None:
    MlflowClient().delete_model_version_tag(MODEL, "1", "nightshift.window_train")
    with pytest.raises(PermanentError, match=r"parcels version 1.*window_train.*nightshift repair parcels"):
        loader.training(MODEL, 1)

"""A registered version ready to score: its pipeline, and the configuration and days that it was trained with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from include.config import environment
from include.contracts import DayRange
from include.errors import PermanentError
from include.tracking import artifacts, registry

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from include.config.schema import ModelConfig

KEPT_IN_MEMORY = 4
"""Pipelines that one process holds: champion and challenger, before and after a release."""
RECORDS_KEPT = 256
"""Records of trainings that one process holds; they are small, and the status of many models asks for each again."""


@dataclass(frozen=True)
class Training:
    """What a version was trained with. `config` is the model file of then: its features are what the pipeline takes.

    `train` was fitted on and `validation` chosen on; `data_version` is the validated table's version of that night.
    """

    version: int
    config: ModelConfig
    as_of: date
    data_version: int
    train: DayRange
    validation: DayRange

    def precedes(self, day: date) -> bool:
        """Whether `day` is after all that the version was fitted and chosen on: its scores there do not flatter it."""
        return day > self.validation.end


def load(model: str, version: int) -> Pipeline:
    """The fitted pipeline of a version, from the registry's copy; versions never change, so a process loads it once."""
    return _load(environment.tracking_uri(), model, version)


def training(model: str, version: int) -> Training:
    """What the registry recorded of a version's training. Raises PermanentError when a tag is missing or unreadable."""
    return _training(environment.tracking_uri(), model, version)


@lru_cache(maxsize=KEPT_IN_MEMORY)
def _load(tracking_uri: str, model: str, version: int) -> Pipeline:
    return registry.load_pipeline(model, version)


@lru_cache(maxsize=RECORDS_KEPT)
def _training(tracking_uri: str, model: str, version: int) -> Training:
    tags = registry.version_info(model, version).tags
    try:
        return Training(
            version=version,
            config=artifacts.load_config(tags["parent_run_id"]),
            as_of=date.fromisoformat(tags["as_of"]),
            data_version=int(tags["data_version"]),
            train=_days(tags["window_train"]),
            validation=_days(tags["window_validation"]),
        )
    except PermanentError as error:
        raise PermanentError(
            f"{model} version {version}: what it was trained with is gone from MLflow ({str(error).splitlines()[0]}). "
            f"Next: ./nightshift repair {model}"
        ) from error
    except (KeyError, ValueError) as error:
        raise PermanentError(
            f"{model} version {version}: its tags in the registry do not say what it was trained with "
            f"({type(error).__name__}: {error}). Versions are registered by {model}__retrain alone. "
            f"Next: ./nightshift repair {model}"
        ) from error


def _days(text: str) -> DayRange:
    start, _, end = text.partition("..")
    return DayRange(start=date.fromisoformat(start), end=date.fromisoformat(end))

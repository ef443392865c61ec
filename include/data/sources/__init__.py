"""Where a model's rows come from. A source answers `read(start, end)` with raw rows; it validates nothing."""

from __future__ import annotations

import importlib
from datetime import date
from typing import TYPE_CHECKING

from include.config.schema import FilesSource
from include.data import files
from include.errors import PermanentError

if TYPE_CHECKING:
    import pandas as pd

    from include.config.schema import ModelConfig, Source


def read_source(config: ModelConfig, start: date, end: date) -> pd.DataFrame:
    """Read the raw rows of the days from `start` to `end`, both included.

    Raises PermanentError where the source's module, its `read` or its files do not exist or cannot be read.
    """
    return _read(config, "source", config.data.source, start, end)


def read_labels(config: ModelConfig, start: date, end: date) -> pd.DataFrame:
    """Read what is known by now of the labels of the days from `start` to `end`: day, key columns and label, raw.

    From `data.labels`, or from the rows' own source. A row whose label is not known is left out or has none.
    """
    source, which = (config.data.labels, "labels") if config.data.labels else (config.data.source, "source")
    return _read(config, which, source, start, end)


def _read(config: ModelConfig, which: str, source: Source, start: date, end: date) -> pd.DataFrame:
    if isinstance(source, FilesSource):
        return files.read(config, which, source, start, end)
    return _call(config, which, source.module, start, end)


def _call(config: ModelConfig, which: str, name: str, start: date, end: date) -> pd.DataFrame:
    module_name = f"include.data.sources.{name}"
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name:
            raise
        raise PermanentError(
            f"include/models/{config.name}.yaml: data.{which}.module: {name!r} has no file "
            f"include/data/sources/{name}.py; create it with a function read(start, end)"
        ) from None
    read = getattr(module, "read", None)
    if read is None:
        raise PermanentError(f"include/data/sources/{name}.py has no function read(start, end)")
    frame: pd.DataFrame = read(start, end)
    return frame

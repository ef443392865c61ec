"""Where a model's rows come from. A source answers `read(start, end)` with raw rows; it validates nothing."""

from __future__ import annotations

import importlib
from datetime import date
from typing import TYPE_CHECKING

from include.errors import PermanentError

if TYPE_CHECKING:
    import pandas as pd

    from include.config.schema import ModelConfig


def read_source(config: ModelConfig, start: date, end: date) -> pd.DataFrame:
    """Read the raw rows of the days from `start` to `end`, both included.

    Raises PermanentError where the source's module or its `read` does not exist.
    """
    module_name = f"include.data.sources.{config.data.source.module}"
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name:
            raise
        raise PermanentError(
            f"include/models/{config.name}.yaml: data.source.module: {config.data.source.module!r} has no file "
            f"include/data/sources/{config.data.source.module}.py; create it with a function read(start, end)"
        ) from None
    read = getattr(module, "read", None)
    if read is None:
        raise PermanentError(f"include/data/sources/{config.data.source.module}.py has no function read(start, end)")
    frame: pd.DataFrame = read(start, end)
    return frame

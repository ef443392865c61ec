"""Columns between a source's names and a model file's (`data.named`): asked by the one, given by the other. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.config.naming import PREFIX
from include.errors import PermanentError

if TYPE_CHECKING:
    import pandas as pd

    from include.config.schema import ModelConfig


def use_source_names(config: ModelConfig) -> ModelConfig:
    """The configuration that the readers of a source get: its columns by the source's own names."""
    data = config.data
    if not data.named:
        return config
    columns = {name: kind for name, kind in data.columns.items() if name not in data.named}
    columns |= {data.named[name]: kind for name, kind in data.columns.items() if name in data.named}
    # The source's column of that name is another than our day.
    hidden = data.day not in data.named and data.day in data.named.values()
    changed = {
        "columns": columns,
        "day": f"{PREFIX}{data.day}" if hidden else data.in_source(data.day),
        "time": data.in_source(data.time) if data.time else None,
        "key": tuple(map(data.in_source, data.key)),
        "label": data.in_source(data.label),
        "optional": tuple(map(data.in_source, data.optional)),
    }
    return config.model_copy(update={"data": data.model_copy(update=changed)})


def rename_to_declared(config: ModelConfig, which: str, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows by the model file's names. Raises PermanentError where the source has a column of such a name too."""
    given = {theirs: ours for ours, theirs in config.data.named.items() if theirs in rows.columns}
    for theirs, ours in given.items():
        if ours in rows.columns and ours not in given:
            raise PermanentError(
                f"include/models/{config.name}.yaml: data.named.{ours}: the {which} has both {theirs!r} and {ours!r}; "
                f"give {theirs!r} a name that no column of it has"
            )
    return rows.rename(columns=given) if given else rows

"""Data sets of many files: a folder, a glob, and what folders named `key=value` say of the rows in them."""

from __future__ import annotations

from datetime import date
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote

import numpy as np

from include.data.values import convert

if TYPE_CHECKING:
    import pandas as pd
    from fsspec import AbstractFileSystem

ENDINGS = {"parquet": (".parquet", ".pq"), "jsonl": (".jsonl", ".ndjson"), "csv": (".csv", ".tsv", ".txt")}
NULL = "__HIVE_DEFAULT_PARTITION__"
"""What Hive, Spark and their kin name the folder of the rows without a value."""


def files_below(filesystem: AbstractFileSystem, folder: str, kind: str | None) -> list[str]:
    """The files of that kind in a folder and the folders in it, but for those that are hidden (`_SUCCESS`, `.crc`)."""
    inside = [
        path
        for path in filesystem.find(folder)
        if not any(part.startswith(("_", ".")) for part in PurePosixPath(path[len(folder) :]).parts)
    ]
    endings = ENDINGS.get(kind or "", ())
    return [path for path in inside if _ending(path).endswith(endings)] if endings else inside


def _ending(path: str) -> str:
    return path.lower().removesuffix(".gz")


def values_of(path: str) -> dict[str, str | None]:
    """What the folders of a path say of all rows in it: `lake/sold_on=2026-03-01/part.parquet` a day, as text."""
    folders = PurePosixPath(path.replace("\\", "/")).parts[:-1]
    found = (folder.partition("=") for folder in folders if "=" in folder)
    return {unquote(key): None if value == NULL else unquote(value) for key, _, value in found if key}


def with_values(rows: pd.DataFrame, path: str) -> pd.DataFrame:
    """The rows of a file with the values of its folders; a column that the file itself has stays as it is."""
    import pandas as pd

    told = {name: value for name, value in values_of(path).items() if name not in rows.columns}
    columns = {name: pd.Series([value] * len(rows), index=rows.index, dtype="str") for name, value in told.items()}
    return rows.assign(**columns) if columns else rows


def of_days(paths: list[str], column: str, start: date, end: date, zone: str) -> list[str]:
    """The paths but for those whose folders say that all their rows are of other days."""
    import pandas as pd

    said = pd.Series([values_of(path).get(column) for path in paths], dtype=object)
    days = convert(said, "date", zone)[0]
    other = np.array([day is not None and not start <= day <= end for day in days], dtype=bool)
    return [path for path, outside in zip(paths, other, strict=True) if not outside]

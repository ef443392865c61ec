"""Files that say of what type their values are: Parquet by its Arrow columns, JSON lines by Python's own numbers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from include.data.columns import from_arrow, from_objects
from include.data.json_files import as_lines
from include.data.packed import read_bytes

if TYPE_CHECKING:
    import pandas as pd


def read_typed(path: str, kind: str) -> pd.DataFrame:
    """The rows of a file of kind `parquet`, `jsonl` or `json`. Raises as `read_parquet` and `read_json_lines` do."""
    if kind == "parquet":
        return read_parquet(path)
    content = read_bytes(path)
    return read_json_lines(as_lines(content) if kind == "json" else content)


def read_parquet(path: str) -> pd.DataFrame:
    """The file's columns, each value as it is: no whole number becomes a float.

    Raises ValueError (pyarrow.ArrowInvalid) where it is no Parquet file, OSError where the storage fails.
    """
    import fsspec
    from pyarrow import parquet

    with fsspec.open(path, "rb") as file:
        # One file, and not the data set that its folder may be.
        return frame_of(parquet.ParquetFile(file).read())


def frame_of(table: pa.Table) -> pd.DataFrame:
    """An Arrow table as a frame whose columns lose nothing."""
    import pandas as pd

    if table.num_columns == 0:
        return pd.DataFrame(index=pd.RangeIndex(table.num_rows))
    columns = [from_arrow(column) for column in table.columns]
    frame = pd.concat(columns, axis=1, keys=range(len(columns)))
    frame.columns = pd.Index([str(name) for name in table.column_names])
    return frame


def read_json_lines(content: bytes) -> pd.DataFrame:
    """The objects of JSON lines, one a row, a key that one lacks missing there; numbers as they are written.

    Raises ValueError, which names the line, for one that is no object.
    """
    import pandas as pd

    lines = content.removeprefix(b"\xef\xbb\xbf").splitlines()
    rows = [_row(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    names = dict.fromkeys(name for row in rows for name in row)
    return pd.DataFrame(
        {name: from_objects([row.get(name) for row in rows]) for name in names}, index=pd.RangeIndex(len(rows))
    )


def _row(number: int, line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ValueError(f"line {number} is no JSON ({error})") from None
    if not isinstance(row, dict):
        raise ValueError(f'line {number} is no object, such as {{"shop": "a"}}, but {str(row)[:40]!r}')
    return row

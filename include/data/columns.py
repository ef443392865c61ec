"""Columns from stores and drivers as pandas columns that lose nothing: a whole number never becomes a float. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from include.data.scalars import INT64, WHOLE_FLOATS


def plain(values: pd.Series) -> pd.Series:
    """The column without dtypes that only say how it is stored: Arrow's, categories, sparse ones."""
    dtype = values.dtype
    if isinstance(dtype, pd.ArrowDtype):
        found = from_arrow(pa.chunked_array(values.array.__arrow_array__()))
        return pd.Series(found.array, index=values.index, name=values.name)
    if isinstance(dtype, pd.CategoricalDtype):
        categories = plain(pd.Series(values.cat.categories)).convert_dtypes(
            convert_string=False, convert_boolean=False, convert_floating=False
        )
        # Of codes, -1 is a missing value: no category stands there.
        found = categories.reindex(values.cat.codes.to_numpy())
        return pd.Series(found.array, index=values.index, name=values.name)
    if isinstance(dtype, pd.SparseDtype):
        return pd.Series(np.asarray(values), index=values.index, name=values.name)
    return values


def from_arrow(values: pa.ChunkedArray) -> pd.Series:
    """An Arrow column: numbers in pandas' dtypes, moments in their unit and zone, all else objects."""
    kind = values.type
    if isinstance(kind, pa.DictionaryType):
        return from_arrow(values.cast(kind.value_type))
    if pa.types.is_boolean(kind):
        return values.to_pandas(types_mapper=lambda _: pd.BooleanDtype())
    if pa.types.is_integer(kind):
        dtype = pd.UInt64Dtype() if kind == pa.uint64() else pd.Int64Dtype()
        return values.cast(pa.uint64() if kind == pa.uint64() else pa.int64()).to_pandas(types_mapper=lambda _: dtype)
    if pa.types.is_decimal(kind):
        return _decimals(values)
    if pa.types.is_floating(kind):
        return values.cast(pa.float64()).to_pandas()
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return values.cast(pa.large_string()).to_pandas()
    if pa.types.is_timestamp(kind) or pa.types.is_duration(kind):
        return values.to_pandas()
    if isinstance(kind, pa.ExtensionType) and not isinstance(kind, pa.UuidType):
        return from_arrow(pa.chunked_array([chunk.storage for chunk in values.chunks], kind.storage_type))
    return pd.Series(_objects(values), dtype=object)


def _objects(values: pa.ChunkedArray) -> list[Any]:
    try:
        return values.to_pylist()
    except (ValueError, OverflowError):  # one date beyond the year 9999 would take the column with it
        return [_object(value) for value in values]


def _object(value: pa.Scalar) -> Any:
    try:
        return value.as_py()
    except (ValueError, OverflowError):
        return f"a {value.type} that no calendar of ours holds"


def _decimals(values: pa.ChunkedArray) -> pd.Series:
    """Decimals without a fraction in their type are whole numbers; others stay decimals, in which no digit is lost."""
    if values.type.scale <= 0:
        try:
            return values.cast(pa.int64()).to_pandas(types_mapper=lambda _: pd.Int64Dtype())
        except pa.ArrowInvalid:  # beyond int64
            pass
    return pd.Series(values.to_pylist(), dtype=object)


def from_objects(values: Sequence[Any]) -> pd.Series:
    """Python's own objects in the dtype of their class where they are of one, else as objects.

    Left to pandas, whole numbers with a gap among them would come back as 1.0, and large ones as others.
    """
    classes = set(map(type, values)) - {type(None)}
    if memoryview in classes:  # a driver's bytes
        values = [bytes(value) if type(value) is memoryview else value for value in values]
    if classes == {bool}:
        return pd.Series(values, dtype="boolean")
    if classes == {float}:
        return pd.Series(values, dtype="float64")
    if classes and classes <= {int, float}:
        whole = [value for value in values if type(value) is int]
        if classes == {int} and all(-INT64 <= value < INT64 for value in whole):
            return pd.Series(values, dtype="Int64")
        if classes != {int} and all(-WHOLE_FLOATS <= value <= WHOLE_FLOATS for value in whole):
            return pd.Series(values, dtype="float64")
    if classes == {str}:
        try:
            return pa.chunked_array([pa.array(values, pa.large_string())]).to_pandas()
        except UnicodeEncodeError:  # a lone surrogate
            pass
    return pd.Series(values, dtype=object)


def stacked(parts: Sequence[pd.Series]) -> pd.Series:
    """Parts of one column one below the other; of parts with different dtypes, the values as they are."""
    dtypes = {part.dtype for part in parts if len(part)}
    if len(dtypes) <= 1:
        return pd.concat([part for part in parts if len(part)] or list(parts[:1]), ignore_index=True)
    there = [None if missing else value for part in parts for value, missing in zip(part, part.isna(), strict=True)]
    return from_objects(there)


def stacked_frames(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Frames one below the other, by the columns' names; a column that one lacks is missing there."""
    if len(frames) == 1:
        return frames[0].reset_index(drop=True)
    names = list(dict.fromkeys(name for frame in frames for name in frame.columns))
    return pd.DataFrame(
        {name: stacked([frame[name] if name in frame else _missing(len(frame)) for frame in frames]) for name in names},
        index=pd.RangeIndex(sum(map(len, frames))),
    )


def _missing(count: int) -> pd.Series:
    return pd.Series(np.full(count, None, dtype=object))

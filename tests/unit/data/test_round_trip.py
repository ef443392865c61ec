"""What is drafted from a store and ingested from it is what the store holds: generated frames, each type with gaps."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from include.authoring.reading import read_file, read_query
from include.config.schema import ModelConfig
from include.data import tables
from include.validation.ingest import ingest
from tests.unit.data.generated_frames import STORES, generated

FRAMES = int(os.environ.get("NIGHTSHIFT_EXAMPLES", "15"))


def same(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return left == right and math.copysign(1, left) == math.copysign(1, right)
    return type(left) is type(right) and bool(left == right)


def as_drafted(value: Any, kind: str) -> Any:
    """Whole floats with gaps are drafted as integers, and a mixture as numbers: the same quantities."""
    if value is None:
        return None
    return float(value) if kind == "number" else int(value) if kind == "integer" else value


@pytest.mark.parametrize("seed", range((FRAMES + len(STORES) - 1) // len(STORES)))
@pytest.mark.parametrize("store", list(STORES))
def test_every_value_of_a_drafted_column_is_stored_as_the_source_has_it(
    store: str, seed: int, sales: Callable[..., ModelConfig], state: Path, tmp_path: Path
) -> None:
    frame = generated(store, seed, tmp_path)
    drafted = read_query(frame.query, frame.place, None) if frame.query else read_file(frame.place)
    assert set(frame.stored) <= set(drafted.kinds), "a column that was left out"
    config = sales(
        drafted.source,
        zone=frame.zone,
        day="sold_on",
        key=["row_id"],
        columns=drafted.kinds,
        sections={"features": {"numeric": [name for name, kind in drafted.kinds.items() if kind == "number"][:1]}},
    )
    result = ingest(config, frame.days[0], frame.days[-1])
    assert [(day.rows, day.validated, day.quarantined) for day in result.days] == [(10, 10, 0)] * 4, result.failures
    rows = tables.read_arrow("sales", "validated")
    assert rows is not None
    keys = rows["row_id"].to_pylist()
    for name, wanted in frame.stored.items():
        kind = drafted.kinds[name]
        found = dict(zip(keys, rows[name].to_pylist(), strict=True))
        expected = {key: as_drafted(value, kind) for key, value in wanted.items()}
        wrong = {key: (value, found[key]) for key, value in expected.items() if not same(value, found[key])}
        assert not wrong, f"{name}, drafted as {kind}: {list(wrong.items())[:3]}"

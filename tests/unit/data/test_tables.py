from __future__ import annotations

import multiprocessing
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from include.data import tables

SCHEMA = tables.schema_for({"key": "string", "value": "number"})


def rows(*values: float) -> pd.DataFrame:
    return pd.DataFrame({"key": [f"k{index}" for index in range(len(values))], "value": list(values)})


def stored(version: int | None = None) -> dict[str, list[float]]:
    frame = tables.read("model", "t", ["day", "value"], version=version)
    return {day: sorted(part["value"]) for day, part in frame.groupby("day")}


def test_a_day_is_replaced_whole_and_the_former_version_stays_readable(state: Path) -> None:
    first = tables.replace_partition("model", "t", rows(1, 2, 3), {"day": "2013-01-01"}, SCHEMA)
    tables.replace_partition("model", "t", rows(9), {"day": "2013-01-02"}, SCHEMA)
    second = tables.replace_partition("model", "t", rows(4), {"day": "2013-01-01"}, SCHEMA)
    assert stored() == {"2013-01-01": [4], "2013-01-02": [9]}
    assert stored(first) == {"2013-01-01": [1, 2, 3]}
    assert tables.table_version("model", "t") == second > first


def test_an_empty_frame_empties_its_partition_only(state: Path) -> None:
    tables.replace_partition("model", "t", rows(1), {"day": "2013-01-01"}, SCHEMA)
    tables.replace_partition("model", "t", rows(2), {"day": "2013-01-02"}, SCHEMA)
    tables.replace_partition("model", "t", rows(), {"day": "2013-01-01"}, SCHEMA)
    assert stored() == {"2013-01-02": [2]}


def test_many_days_are_one_commit(state: Path) -> None:
    tables.replace_partition("model", "t", rows(7), {"day": "2013-01-05"}, SCHEMA)
    before = tables.table_version("model", "t")
    days = [date(2013, 1, 1), date(2013, 1, 2)]
    version = tables.replace_days("model", "t", rows(1, 2), pd.Series(days), days, SCHEMA)
    assert version == before + 1
    assert stored() == {"2013-01-01": [1], "2013-01-02": [2], "2013-01-05": [7]}


def test_two_partition_columns_keep_roles_apart(state: Path) -> None:
    for role, value in (("champion", 1.0), ("challenger", 2.0), ("champion", 3.0)):
        tables.replace_partition("model", "p", rows(value), {"day": "2013-01-01", "role": role}, SCHEMA)
    found = tables.read("model", "p", ["role", "value"], where={"role": "champion"})
    assert found["value"].tolist() == [3.0]
    assert len(tables.read("model", "p")) == 2


def test_days_are_pruned_and_a_missing_table_reads_empty(state: Path) -> None:
    assert list(tables.read("model", "nowhere", ["a", "b"]).columns) == ["a", "b"]
    assert tables.table_version("model", "nowhere") is None
    for day in (1, 2, 3, 4):
        tables.replace_partition("model", "t", rows(day), {"day": f"2013-01-0{day}"}, SCHEMA)
    found = tables.read("model", "t", ["value"], days=(date(2013, 1, 2), date(2013, 1, 3)))
    assert sorted(found["value"]) == [2, 3]


def test_a_snapshot_changes_only_when_its_own_day_is_replaced(state: Path) -> None:
    tables.replace_partition("model", "t", rows(1), {"day": "2013-01-01"}, SCHEMA)
    tables.replace_partition("model", "t", rows(1), {"day": "2013-01-02"}, SCHEMA)
    before = tables.partition_snapshots("model", "t")
    tables.replace_partition("model", "t", rows(2), {"day": "2013-01-02"}, SCHEMA)
    after = tables.partition_snapshots("model", "t")
    assert after["2013-01-01"] == before["2013-01-01"]
    assert after["2013-01-02"] != before["2013-01-02"]


def write_day(state: str, day: int) -> None:
    import os

    os.environ["NIGHTSHIFT_STATE"] = state
    tables.replace_partition("model", "t", rows(day), {"day": f"2013-01-{day:02d}"}, SCHEMA)


def test_concurrent_writers_of_different_days_all_succeed_even_creating_the_table(state: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_day, args=(str(state), day)) for day in range(1, 7)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 6
    assert stored() == {f"2013-01-{day:02d}": [day] for day in range(1, 7)}


def test_rows_of_a_wrong_type_leave_the_table_as_it_was(state: Path) -> None:
    tables.replace_partition("model", "t", rows(1), {"day": "2013-01-01"}, SCHEMA)
    with pytest.raises((pa.ArrowInvalid, pa.ArrowTypeError)):
        bad = pd.DataFrame({"key": ["k"], "value": ["text"]})
        tables.replace_partition("model", "t", bad, {"day": "2013-01-01"}, SCHEMA)
    assert stored() == {"2013-01-01": [1]}

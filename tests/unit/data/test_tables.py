from __future__ import annotations

import itertools
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from include.data import tables
from include.errors import PermanentError

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


def test_many_days_of_one_role_are_one_commit_and_leave_the_other_role(state: Path) -> None:
    days = [date(2013, 1, 1), date(2013, 1, 2)]
    given = (pd.Series(days), days, SCHEMA)
    tables.replace_days("model", "p", rows(1, 2), *given, within={"role": "champion"})
    before = tables.replace_days("model", "p", rows(3, 4), *given, within={"role": "challenger"})
    assert tables.replace_days("model", "p", rows(5, 6), *given, within={"role": "champion"}) == before + 1
    found = {role: sorted(part["value"]) for role, part in tables.read("model", "p").groupby("role")}
    assert found == {"champion": [5, 6], "challenger": [3, 4]}


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


def together(writers: int, write: Callable[[int], int]) -> list[int]:
    """Versions that `write(1)` .. `write(writers)` return when they start at the same moment."""
    barrier = threading.Barrier(writers)

    def run(number: int) -> int:
        barrier.wait()
        return write(number)

    with ThreadPoolExecutor(writers) as pool:
        return list(pool.map(run, range(1, writers + 1)))


def write_day(day: int) -> int:
    return tables.replace_partition("model", "t", rows(day), {"day": f"2013-01-{day:02d}"}, SCHEMA)


def write_days(state: str, first: int, ready: Any) -> None:
    os.environ["NIGHTSHIFT_STATE"] = state
    ready.wait()
    together(4, lambda number: write_day(first + number))


@pytest.mark.parametrize("trial", range(5))
def test_concurrent_writers_all_succeed_even_creating_the_table(state: Path, trial: int) -> None:
    versions = together(8, write_day)
    assert len(set(versions)) == 8
    assert stored() == {f"2013-01-{day:02d}": [day] for day in range(1, 9)}
    for day, version in enumerate(versions, start=1):
        assert stored(version)[f"2013-01-{day:02d}"] == [day]


def test_two_processes_that_create_the_table_at_once_lose_no_day(state: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(2)
    writers = [context.Process(target=write_days, args=(str(state), first, ready)) for first in (0, 4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert stored() == {f"2013-01-{day:02d}": [day] for day in range(1, 9)}


@pytest.mark.parametrize("exists", [False, True])
def test_concurrent_writers_of_one_day_leave_the_rows_of_one(state: Path, exists: bool) -> None:
    """A task and the zombie of its first try: rows of both together would count every flight twice."""
    day = "2013-01-01" if exists else "2013-01-09"
    tables.replace_partition("model", "t", rows(0), {"day": day}, SCHEMA)
    together(
        6, lambda number: tables.replace_partition("model", "t", rows(number, number), {"day": "2013-01-01"}, SCHEMA)
    )
    left = stored()["2013-01-01"]
    assert len(left) == 2
    assert len(set(left)) == 1


def write_for_ever(state: str) -> None:
    os.environ["NIGHTSHIFT_STATE"] = state
    for number in itertools.count(1):
        tables.replace_partition("model", "t", rows(*[number] * 5000), {"day": "2013-01-01"}, SCHEMA)


def test_a_writer_that_is_killed_leaves_a_whole_version_and_a_writable_table(state: Path) -> None:
    writer = multiprocessing.get_context("spawn").Process(target=write_for_ever, args=(str(state),))
    writer.start()
    deadline = time.monotonic() + 60
    while (tables.table_version("model", "t") or 0) < 3:
        assert writer.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    writer.kill()
    writer.join()
    left = stored()["2013-01-01"]
    assert len(left) == 5000
    assert set(left) <= {float(tables.table_version("model", "t") or 0)}
    tables.replace_partition("model", "t", rows(7), {"day": "2013-01-01"}, SCHEMA)
    assert stored() == {"2013-01-01": [7]}


def test_what_a_writer_left_behind_before_its_commit_is_not_seen(state: Path) -> None:
    """Killed between the data and the commit: the file is there, no version names it."""
    tables.replace_partition("model", "t", rows(1), {"day": "2013-01-01"}, SCHEMA)
    folder = Path(tables.table_uri("model", "t"))
    (data,) = folder.glob("day=2013-01-01/*.parquet")
    data.with_name("part-00000-orphan.parquet").write_bytes(data.read_bytes())
    (folder / "_delta_log" / "_commit_orphan.json.tmp").write_text("{half a li")
    before = tables.partition_snapshots("model", "t")
    assert stored() == {"2013-01-01": [1]}
    write_day(2)
    assert stored() == {"2013-01-01": [1], "2013-01-02": [2]}
    assert tables.partition_snapshots("model", "t")["2013-01-01"] == before["2013-01-01"]


def test_a_version_is_kept_for_ever_through_checkpoints_and_vacuum(state: Path) -> None:
    for value in (1, 2, 3):
        tables.replace_partition("model", "t", rows(value), {"day": "2013-01-01"}, SCHEMA)
    uri = tables.table_uri("model", "t")
    long_ago = time.time() - 5 * 365 * 86_400
    for file in Path(uri).rglob("*"):
        os.utime(file, (long_ago, long_ago))
    opened = DeltaTable(uri)
    opened.create_checkpoint()
    opened.cleanup_metadata()
    with pytest.raises(DeltaError, match="retention"):
        opened.vacuum(retention_hours=24 * 365, dry_run=False)  # a year is far above Delta's own default
    assert stored(1) == {"2013-01-01": [1]}
    assert stored(2) == {"2013-01-01": [2]}


def test_a_version_that_never_was_is_a_permanent_error(state: Path) -> None:
    write_day(1)
    with pytest.raises(PermanentError, match="no version 99; versions are 0 to 1"):
        tables.read("model", "t", version=99)


def test_a_new_column_is_null_in_older_days_and_unknown_to_older_versions(state: Path) -> None:
    before = write_day(1)
    wider = tables.schema_for({"key": "string", "value": "number"}, {"note": "string"})
    tables.replace_partition("model", "t", rows(2).assign(note="x"), {"day": "2013-01-02"}, wider)
    found = tables.read("model", "t", ["day", "note"]).sort_values("day")
    assert found["note"].isna().tolist() == [True, False]
    with pytest.raises(PermanentError, match=rf"version {before} has no column note"):
        tables.read("model", "t", ["note"], version=before)


def test_rows_that_do_not_fit_the_table_are_a_permanent_error(state: Path) -> None:
    """A retry would fail the same way every time."""
    write_day(1)
    other = tables.schema_for({"key": "string", "value": "string"})
    with pytest.raises(PermanentError, match="do not fit the table"):
        tables.replace_partition("model", "t", rows(1).assign(value="text"), {"day": "2013-01-01"}, other)
    assert stored() == {"2013-01-01": [1]}


def test_a_row_of_a_day_that_is_not_replaced_is_refused_by_name(state: Path) -> None:
    days = pd.Series([date(2013, 1, 1), date(2013, 1, 7)])
    with pytest.raises(PermanentError, match=r"day 2013-01-07 .*to replace are 2013-01-01"):
        tables.replace_days("model", "t", rows(1, 2), days, [date(2013, 1, 1)], SCHEMA)
    assert tables.table_version("model", "t") is None


def test_no_days_to_replace_change_nothing(state: Path) -> None:
    version = write_day(1)
    assert tables.replace_days("model", "t", rows(), pd.Series([], dtype=object), [], SCHEMA) == version
    assert stored() == {"2013-01-01": [1]}


def test_appended_rows_add_up(state: Path) -> None:
    assert tables.append("model", "a", rows(1), SCHEMA) == 1
    together(4, lambda number: tables.append("model", "a", rows(number * 10), SCHEMA))
    assert sorted(tables.read("model", "a")["value"]) == [1, 10, 20, 30, 40]


def test_dates_are_stored_as_dates_and_local_times_without_a_zone(state: Path) -> None:
    schema = tables.schema_for({"on": "date", "at": "timestamp"})
    assert schema.field("on").type == pa.date32()
    frame = pd.DataFrame({"on": [date(2013, 3, 1)], "at": [pd.Timestamp(2013, 3, 10, 2, 30)]})
    tables.replace_partition("model", "d", frame, {"day": "2013-03-01"}, schema)
    row = tables.read("model", "d").iloc[0]
    assert (row["on"], row["at"]) == (date(2013, 3, 1), pd.Timestamp(2013, 3, 10, 2, 30))


def test_rows_of_a_wrong_type_leave_the_table_as_it_was(state: Path) -> None:
    tables.replace_partition("model", "t", rows(1), {"day": "2013-01-01"}, SCHEMA)
    with pytest.raises((pa.ArrowInvalid, pa.ArrowTypeError)):
        bad = pd.DataFrame({"key": ["k"], "value": ["text"]})
        tables.replace_partition("model", "t", bad, {"day": "2013-01-01"}, SCHEMA)
    assert stored() == {"2013-01-01": [1]}

"""Tables that are read whole each night, from real files and through the real tables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from include.config.schema import ModelConfig
from include.data import tables
from include.data.windows import read_rows, training_windows
from include.errors import PermanentError
from include.validation.ingest import ingest
from include.validation.labels import refresh_labels, unmatured_days

NIGHT = date(2024, 3, 2)
DAY = NIGHT - timedelta(days=1)
Sales = Callable[..., ModelConfig]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "customers.csv"
    pd.DataFrame({"shop": list("cab"), "units": [1, 2, 3], "price": 1.5, "returned": [0, 1, 0]}).to_csv(
        path, index=False
    )
    return path


@pytest.fixture
def config(state: Path, sales: Sales, file: Path) -> ModelConfig:
    return sales({"kind": "files", "path": str(file)}, keep_snapshots=3)


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def take(config: ModelConfig, night: date) -> date | None:
    """Ingest the night's own day, and return the day that it is the same as."""
    own = night - timedelta(days=1)
    result = ingest(config, own, own, night, today=night)
    assert result.days[0].validated == 3 and not result.days[0].refused
    told = f"{own}: no row differs from the snapshot of {result.days[0].same_as}; written all the same"
    assert (told in result.summary()) == (result.days[0].same_as is not None)
    return result.days[0].same_as


def test_each_night_takes_the_table_whole_and_says_whether_anything_changed(config: ModelConfig, file: Path) -> None:
    assert take(config, NIGHT) is None
    change(file, "c,1,1.5,0\na,2,1.5,1\n", "a,2,1.5,1\nc,1,1.5,0\n")  # another order is no other content
    assert take(config, NIGHT + timedelta(days=1)) == DAY
    change(file, "a,2,1.5,1", "a,2,1.5,0")
    assert take(config, NIGHT + timedelta(days=2)) is None
    assert take(config, NIGHT + timedelta(days=2)) is None  # again: held against the day before, not against itself
    assert sorted(tables.partition_snapshots("sales", "validated")) == ["2024-03-01", "2024-03-02", "2024-03-03"]
    row = tables.read("sales", "validated", where={"day": "2024-03-03"})
    assert sorted(row["row_key"]) == ["a", "b", "c"] and set(row["snapshot_day"]) == {date(2024, 3, 3)}


@pytest.mark.parametrize(
    ("start", "end", "night", "today"),
    [
        (DAY - timedelta(days=1), DAY, NIGHT, NIGHT),
        (DAY - timedelta(days=1), DAY - timedelta(days=1), NIGHT, NIGHT),
        (NIGHT, NIGHT, NIGHT, NIGHT),
        (DAY, DAY, NIGHT, NIGHT + timedelta(days=2)),  # a backfill: the night is long past
        (DAY, DAY, NIGHT, NIGHT - timedelta(days=1)),
        (DAY - timedelta(days=1), DAY, None, None),
    ],
)
def test_todays_table_is_never_filed_under_another_day(
    config: ModelConfig, start: date, end: date, night: date | None, today: date | None
) -> None:
    with pytest.raises(PermanentError, match=r"would be filed under a day that it is not of.*source that looks back"):
        ingest(config, start, end, night, today=today)
    assert tables.table_version("sales", "validated") is None and tables.table_version("sales", "ingests") is None


def test_a_task_that_is_retried_after_midnight_still_takes_its_night(config: ModelConfig) -> None:
    assert not ingest(config, DAY, DAY, NIGHT, today=NIGHT + timedelta(days=1)).refused_days
    assert not ingest(config, DAY, DAY).refused_days


def test_a_source_that_looks_back_may_be_asked_for_any_day(state: Path, sales: Sales, file: Path) -> None:
    for step in range(3):
        (file.parent / f"{DAY - timedelta(days=step)}.csv").write_text(file.read_text())
    config = sales({"kind": "files", "path": f"{file.parent}/{{day}}.csv"})
    result = ingest(config, DAY - timedelta(days=2), DAY, NIGHT, today=NIGHT + timedelta(days=90))
    assert [one.validated for one in result.days] == [3, 3, 3]
    rows = read_rows(config, training_windows(config, NIGHT).train, NIGHT)
    assert len(rows) == 3 and rows["returned"].sum() == 1


def test_old_snapshots_leave_the_table_and_stay_in_its_versions(config: ModelConfig, file: Path) -> None:
    """A registered version's run names the table's version, from which it is trained again."""
    take(config, NIGHT)
    version = tables.table_version("sales", "validated")
    before = read_rows(config, training_windows(config, NIGHT).train, NIGHT, version)
    for step in range(1, 6):
        change(file, "b,3", "b,3")
        take(config, NIGHT + timedelta(days=step))
    assert sorted(tables.partition_snapshots("sales", "validated")) == ["2024-03-04", "2024-03-05", "2024-03-06"]
    assert tables.table_version("sales", "validated") == (version or 0) + 5  # one commit a night
    assert read_rows(config, training_windows(config, NIGHT).train, NIGHT).empty
    pd.testing.assert_frame_equal(read_rows(config, training_windows(config, NIGHT).train, NIGHT, version), before)
    assert len(before) == 3


def test_a_refused_night_drops_no_older_one(config: ModelConfig, file: Path) -> None:
    for step in range(3):
        take(config, NIGHT + timedelta(days=step))
    file.write_text("shop,units\na,1\n")
    later = NIGHT + timedelta(days=3)
    assert ingest(config, later - timedelta(days=1), later - timedelta(days=1), later, today=later).refused_days
    assert len(tables.partition_snapshots("sales", "validated")) == 3


def test_labels_come_with_each_night_and_are_not_read_again(config: ModelConfig) -> None:
    take(config, NIGHT)
    version = tables.table_version("sales", "validated")
    result = refresh_labels(config, NIGHT + timedelta(days=5))
    assert result.snapshot and result.days == () and result.table_version == version
    assert result.summary() == ["A snapshot brings its labels along each night: none are read again"]
    assert unmatured_days(config, [NIGHT, DAY], DAY) == frozenset()

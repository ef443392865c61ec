from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from include.authoring.reading import read_file
from include.config.schema import ModelConfig
from include.data.partitions import values_of
from include.data.sources import read_source
from include.validation.runner import validate

DAY, NEXT = date(2024, 3, 1), date(2024, 3, 2)
LARGE = 100000000000000071
Sales = Callable[..., ModelConfig]


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A folder for each day and shop, as Spark writes them; one file has no gaps, which makes its types others."""
    for day in ("2024-03-01", "2024-03-02", "2024-03-03"):
        for shop in ("007", "a b"):
            folder = tmp_path / "lake" / f"sold_on={day}" / f"shop={shop.replace(' ', '%20')}"
            folder.mkdir(parents=True)
            units = [LARGE, None if day == "2024-03-01" else LARGE + 1]
            rows = pa.table({"units": units, "price": [1.5, 2.5], "returned": [0, 1]})
            parquet.write_table(rows, folder / "part-0.snappy.parquet")
            (folder / ".part-0.snappy.parquet.crc").write_bytes(b"no table")
    (tmp_path / "lake" / "_SUCCESS").touch()
    return tmp_path / "lake"


@pytest.mark.parametrize("path", ["", "*/*/*.parquet", "sold_on={day}", "sold_on={day}/*/*.parquet"])
def test_a_partitioned_folder_is_read_as_one_table(sales: Sales, lake: Path, path: str) -> None:
    source = {"kind": "files", "path": str(lake / path), "format": "parquet"}
    config = sales(source, day="sold_on", key=["shop", "price"])
    rows = read_source(config, DAY, NEXT)
    assert sorted(set(rows["shop"])) == ["007", "a b"]
    assert rows["units"].dropna().astype(int).tolist().count(LARGE + 1) == 2, "18 digits beside gaps"
    outcome = validate(config, rows, [DAY, NEXT])
    assert outcome.rows_read == {DAY: 4, NEXT: 4} and set(outcome.accepted["sold_on"]) == {DAY, NEXT}


@pytest.mark.parametrize("path", ["", "*/*/*.parquet"])
def test_folders_of_other_days_are_not_opened(sales: Sales, lake: Path, path: str) -> None:
    for file in (lake / "sold_on=2024-03-03").rglob("*.parquet"):
        file.write_bytes(b"junk")
    source = {"kind": "files", "path": str(lake / path), "format": "parquet"}
    assert len(read_source(sales(source, day="sold_on"), DAY, NEXT)) == 8


@pytest.mark.parametrize("path", ["", "*/*/*.parquet"])
def test_a_partitioned_folder_is_drafted_with_its_folders_columns(lake: Path, path: str) -> None:
    drafted = read_file(str(lake / path))
    assert drafted.kinds == {
        "units": "integer",
        "price": "number",
        "returned": "integer",
        "sold_on": "date",
        "shop": "string",
    }
    assert len(drafted.rows) == 12 and drafted.source.get("format") == (None if path else "parquet")


def test_rows_are_numbered_by_the_day_over_its_files(sales: Sales, lake: Path) -> None:
    source = {
        "kind": "files",
        "path": str(lake / "sold_on={day}" / "*" / "*.parquet"),
        "format": "parquet",
        "row_number": "row",
    }
    columns = {"sold_on": "date", "row": "integer", "units": "integer", "price": "number", "returned": "integer"}
    rows = read_source(sales(source, day="sold_on", key=["row"], columns=columns), DAY, NEXT)
    assert rows["row"].tolist() == [1, 2, 3, 4] * 2


def test_what_folders_say_is_text_and_may_be_missing() -> None:
    assert values_of("s3://b/lake/day=2024-03-01/shop=a%2Fb/x=__HIVE_DEFAULT_PARTITION__/part=1.parquet") == {
        "day": "2024-03-01",
        "shop": "a/b",
        "x": None,
    }

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from include.config.schema import ModelConfig
from include.data.sources import read_labels, read_source
from include.errors import PermanentError

DAY, NEXT = date(2024, 3, 1), date(2024, 3, 2)
Sales = Callable[..., ModelConfig]
COLUMNS = {"sold_on": "date", "shop": "string", "units": "integer", "price": "number", "returned": "integer"}


def written(folder: Path, table: pd.DataFrame) -> dict[str, str]:
    table.to_csv(folder / "sales.csv", index=False)
    return {"kind": "files", "path": str(folder / "sales.csv")}


def rows() -> pd.DataFrame:
    return pd.DataFrame(
        {"sold_on": [DAY, NEXT], "shop": ["007", "b"], "units": [1, 2], "price": [1.5, 2.5], "returned": [0, 1]}
    )


def test_columns_change_their_names_and_keep_their_values(sales: Sales, tmp_path: Path) -> None:
    source = written(tmp_path, rows().rename(columns={"units": "price", "price": "units", "shop": "day"}))
    named = {"units": "price", "price": "units", "shop": "day"}
    config = sales(source, day="sold_on", columns=COLUMNS, named=named)
    for read in (read_source, read_labels):
        found = read(config, NEXT, NEXT)
        assert found["shop"].tolist() == ["b"] and found["units"].astype(int).tolist() == [2]
        assert found["price"].astype(float).tolist() == [2.5]
    assert read_source(config, DAY, DAY)["shop"].tolist() == ["007"], "declared text stays text"


def test_two_columns_for_one_name_are_refused(sales: Sales, tmp_path: Path) -> None:
    source = written(tmp_path, rows().assign(day=[3, 4], source_day=[5, 6]))
    config = sales(source, day="sold_on", columns={**COLUMNS, "source_day": "integer"}, named={"source_day": "day"})
    with pytest.raises(PermanentError, match=r"data\.named\.source_day: the source has both 'day' and 'source_day'"):
        read_source(config, DAY, NEXT)


def test_options_of_a_source_and_its_folders_go_by_its_own_names(sales: Sales, tmp_path: Path) -> None:
    for day in (DAY, NEXT):
        folder = tmp_path / f"snapshot_day={day}"
        folder.mkdir()
        table = rows().assign(day=["01.02.2024", "02.02.2024"]).drop(columns="sold_on")
        table.to_csv(folder / "part.csv", index=False)
    source = {"kind": "files", "path": str(tmp_path / "*/*.csv"), "date_format": {"day": "%d.%m.%Y"}}
    named = {"ordered": "day", "sold_on": "snapshot_day"}
    config = sales(source, day="sold_on", columns={**COLUMNS, "ordered": "date"}, named=named)
    found = read_source(config, NEXT, NEXT)
    assert found["ordered"].astype(str).tolist() == ["2024-02-01", "2024-02-02"]
    assert set(found["sold_on"].astype(str)) == {str(NEXT)} and len(found) == 2


def test_a_snapshots_own_day_is_no_folder_of_the_source(sales: Sales, tmp_path: Path) -> None:
    for day, part in zip((DAY, NEXT), (rows().iloc[:1], rows().iloc[1:]), strict=True):
        folder = tmp_path / f"snapshot_day={day}"
        folder.mkdir()
        part.drop(columns="sold_on").to_csv(folder / "part.csv", index=False)
    source = {"kind": "files", "path": str(tmp_path / "*/*.csv")}
    columns = {name: kind for name, kind in COLUMNS.items() if name != "sold_on"}
    config = sales(source, columns={**columns, "told": "date"}, named={"told": "snapshot_day"})
    found = read_source(config, date(2024, 5, 1), date(2024, 5, 1))
    assert found["told"].tolist() == [str(DAY), str(NEXT)], "a snapshot is read whole"
    assert set(found["snapshot_day"]) == {date(2024, 5, 1)}


def test_a_source_without_rows_has_none_under_any_name(sales: Sales, tmp_path: Path) -> None:
    source = {"kind": "files", "path": str(tmp_path / "{day}.csv")}
    columns = {name: kind for name, kind in COLUMNS.items() if name != "sold_on"}
    config = sales(source, time="at", columns={**columns, "at": "timestamp"}, named={"at": "day"})
    assert read_source(config, DAY, NEXT).empty

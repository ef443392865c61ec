from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from include.config.schema import FilesSource, ModelConfig
from include.data.sources import read_labels, read_source
from include.data.values import Unreadable
from include.errors import PermanentError

FIRST, LAST = date(2024, 3, 1), date(2024, 3, 3)
ROWS = pd.DataFrame(
    {
        "flight_date": ["2024-03-01", "2024-03-02", "2024-03-02", "2024-03-04", "soon"],
        "carrier": ["007", "NA", "EV", "EV", "EV"],
        "distance": [100.5, None, 300.0, 400.0, 500.0],
    }
)
INSIDE = ["2024-03-01", "2024-03-02", "2024-03-02", "soon"]


def declared(config: ModelConfig, path: Any, **more: Any) -> ModelConfig:
    source = FilesSource(kind="files", path=str(path), **more)
    return config.model_copy(update={"data": config.data.model_copy(update={"source": source})})


def write(rows: pd.DataFrame, path: Path) -> None:
    if path.suffix == ".parquet":
        rows.to_parquet(path)
    elif ".jsonl" in path.name:
        rows.to_json(path, orient="records", lines=True)
    else:
        rows.to_csv(path, index=False)


@pytest.mark.parametrize("name", ["sales.csv", "sales.parquet", "sales.jsonl", "sales.csv.gz", "sales.jsonl.gz"])
def test_rows_of_the_days_are_read_and_those_without_a_day_are_not_lost(
    flight_delay: ModelConfig, tmp_path: Path, name: str
) -> None:
    write(ROWS, tmp_path / name)
    rows = read_source(declared(flight_delay, tmp_path / name), FIRST, LAST)
    assert rows["flight_date"].tolist() == INSIDE
    assert rows["carrier"].tolist()[:2] == ["007", "NA"]
    assert rows["distance"].isna().tolist() == [False, True, False, False]


def test_a_file_a_day_reads_no_other_and_a_day_without_one_has_no_rows(
    flight_delay: ModelConfig, tmp_path: Path
) -> None:
    for day in ("2024-03-01", "2024-03-04"):
        write(ROWS[ROWS["flight_date"] == day], tmp_path / f"{day}.csv")
    (tmp_path / "2024-03-02.csv").write_bytes(b"\xff\xfe not a table of that day")
    found = declared(flight_delay, tmp_path / "{day}.csv")
    assert read_source(found, FIRST, FIRST)["carrier"].tolist() == ["007"]
    assert read_source(found, date(2024, 3, 3), date(2024, 3, 3)).empty
    with pytest.raises(PermanentError, match=r"2024-03-02\.csv: line 1 is no utf-8: byte 0xff"):
        read_source(found, FIRST, LAST)


def test_a_globs_files_are_read_together_in_order(flight_delay: ModelConfig, tmp_path: Path) -> None:
    write(ROWS.iloc[2:], tmp_path / "b.csv")
    write(ROWS.iloc[:2], tmp_path / "a.csv")
    rows = read_source(declared(flight_delay, tmp_path / "*.csv"), FIRST, LAST)
    assert rows["carrier"].tolist()[0] == "007" and rows["flight_date"].tolist() == INSIDE


def test_labels_may_lie_in_files_of_their_own(flight_delay: ModelConfig, tmp_path: Path) -> None:
    write(ROWS.assign(disrupted=1), tmp_path / "labels.parquet")
    labels = FilesSource(kind="files", path=str(tmp_path / "labels.parquet"))
    config = flight_delay.model_copy(update={"data": flight_delay.data.model_copy(update={"labels": labels})})
    assert read_labels(config, FIRST, LAST)["disrupted"].sum() == 4


def test_an_empty_file_has_no_rows(flight_delay: ModelConfig, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    assert read_source(declared(flight_delay, tmp_path / "empty.csv"), FIRST, LAST).empty


def test_a_file_that_is_not_there_names_the_path_and_what_to_do(flight_delay: ModelConfig) -> None:
    with pytest.raises(
        PermanentError, match=r"data\.source\.path: no file matches 'data/none\.csv'.*Put the files there"
    ):
        read_source(declared(flight_delay, "data/none.csv"), FIRST, LAST)


def test_an_address_of_an_unknown_kind_names_those_that_are_known(flight_delay: ModelConfig) -> None:
    with pytest.raises(PermanentError, match=r"carrier-pigeon.*Known to this environment: .*file"):
        read_source(declared(flight_delay, "carrier-pigeon://loft/sales.csv"), FIRST, LAST)


def test_a_file_of_another_kind_than_declared_is_named(flight_delay: ModelConfig, tmp_path: Path) -> None:
    with gzip.open(tmp_path / "sales.parquet", "wb") as file:
        file.write(b"no parquet")
    with pytest.raises(PermanentError, match=r"sales\.parquet cannot be read as parquet.*data\.source\.format"):
        read_source(declared(flight_delay, tmp_path / "sales.parquet"), FIRST, LAST)


def test_an_ending_that_says_nothing_asks_for_the_format(tmp_path: Path, flight_delay: ModelConfig) -> None:
    with pytest.raises(ValidationError, match=r"name them \.csv, \.parquet, \.jsonl or \.json, or give"):
        FilesSource(kind="files", path="data/sales.txt")
    write(ROWS, tmp_path / "sales.txt")
    assert len(read_source(declared(flight_delay, tmp_path / "sales.txt", format="csv"), FIRST, LAST)) == 4


def test_a_line_that_is_no_row_is_a_fault_of_its_own_and_takes_no_other_with_it(
    flight_delay: ModelConfig, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text(
        "flight_date,carrier,distance\n2024-03-01,AA,1\n2024-03-02,UA\n2024-03-03,EV,3\n"
    )
    rows = read_source(declared(flight_delay, tmp_path / "rows.csv"), FIRST, LAST)
    assert rows["carrier"].isna().tolist() == [False, True, False]
    assert rows["flight_date"][1] == "line 3: 2 fields, where the header has 3"
    assert isinstance(rows["flight_date"][1], Unreadable)


def test_a_days_file_without_a_column_that_others_have_is_a_fault_of_its_rows(
    flight_delay: ModelConfig, tmp_path: Path
) -> None:
    write(ROWS.iloc[:1], tmp_path / "2024-03-01.csv")
    write(ROWS.iloc[1:3].drop(columns="distance"), tmp_path / "2024-03-02.csv")
    rows = read_source(declared(flight_delay, tmp_path / "{day}.csv"), FIRST, LAST)
    assert [isinstance(value, Unreadable) for value in rows["distance"]] == [False, True, True]


def test_a_file_with_none_of_the_declared_columns_names_its_header(flight_delay: ModelConfig, tmp_path: Path) -> None:
    ROWS.to_csv(tmp_path / "rows.csv", index=False, sep=";")
    with pytest.raises(PermanentError, match=r"but flight_date;carrier;distance.*separator \(now ','\)"):
        read_source(declared(flight_delay, tmp_path / "rows.csv"), FIRST, LAST)


def test_an_array_of_objects_is_read_as_json_lines_are(flight_delay: ModelConfig, tmp_path: Path) -> None:
    ROWS.to_json(tmp_path / "rows.json", orient="records")
    assert read_source(declared(flight_delay, tmp_path / "rows.json"), FIRST, LAST)["carrier"].tolist()[0] == "007"
    with pytest.raises(ValidationError, match="is a workbook"):
        FilesSource(kind="files", path="data/sales.xlsx")

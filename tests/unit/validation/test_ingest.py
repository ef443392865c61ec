from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from include.config.schema import ModelConfig
from include.contracts import IngestResult
from include.data import tables
from include.data.sources import flights
from include.errors import DataRefused, PermanentError
from include.validation.ingest import ingest

DAY, NEXT = date(2013, 3, 1), date(2013, 3, 2)
MODEL = "flight_delay"


@pytest.fixture
def delivered(monkeypatch: pytest.MonkeyPatch, two_days: pd.DataFrame) -> pd.DataFrame:
    """What the source delivers from now on: change it in place. Only the answer of the source is replaced."""

    def read(start: date, end: date) -> pd.DataFrame:
        days = two_days["flight_date"]
        return two_days[(days >= start) & (days <= end)].reset_index(drop=True)

    monkeypatch.setattr(flights, "read", read)
    return two_days


def stored(table: str, columns: list[str], version: int | None = None) -> pd.DataFrame:
    frame = tables.read(MODEL, table, ["day", *columns], version=version)
    return frame.sort_values(["day", *columns], ignore_index=True)


def test_good_days_are_written_with_their_keys(state: Path, flight_delay: ModelConfig, day: pd.DataFrame) -> None:
    result = ingest(flight_delay, DAY, NEXT)
    assert [(one.day, one.rows, one.validated, one.quarantined, one.refused) for one in result.days] == [
        (DAY, 958, 958, 0, False),
        (NEXT, 765, 765, 0, False),
    ]
    assert result.table_version == tables.table_version(MODEL, "validated")
    whole = tables.read(MODEL, "validated", where={"day": "2013-03-01"})
    assert set(whole.columns) == {*flight_delay.data.columns, "day", "row_key"}
    assert whole["row_key"].is_unique
    assert whole["distance"].sum() == day["distance"].sum()
    assert IngestResult.from_json(result.to_json()) == result


def test_the_page_is_kept_where_links_look_for_it(state: Path, flight_delay: ModelConfig) -> None:
    one, two = ingest(flight_delay, DAY, DAY), ingest(flight_delay, DAY, NEXT)
    assert one.report == "flight_delay/validation/2013-03-01.html"
    assert two.report == "flight_delay/validation/2013-03-01_2013-03-02.html"
    folder = state / "reports" / "flight_delay" / "validation"
    assert sorted(path.name for path in folder.iterdir()) == ["2013-03-01.html", "2013-03-01_2013-03-02.html"]
    assert "958 rows read" in (folder / "2013-03-01.html").read_text()


def test_a_range_takes_one_commit_of_each_table(state: Path, flight_delay: ModelConfig) -> None:
    ingest(flight_delay, DAY, DAY)
    before = {name: tables.table_version(MODEL, name) for name in ("validated", "quarantine")}
    ingest(flight_delay, DAY, NEXT)
    after = {name: tables.table_version(MODEL, name) for name in ("validated", "quarantine")}
    assert after == {name: (version or 0) + 1 for name, version in before.items()}


def test_a_refused_day_keeps_its_former_partition(
    state: Path, flight_delay: ModelConfig, delivered: pd.DataFrame
) -> None:
    ingest(flight_delay, DAY, NEXT)
    before = stored("validated", ["row_key", "temp"])
    snapshots = tables.partition_snapshots(MODEL, "validated")
    delivered.loc[delivered["flight_date"] == DAY, "origin"] = "ABQ"
    delivered.loc[delivered["flight_date"] == NEXT, "temp"] = 1.0
    result = ingest(flight_delay, DAY, NEXT)
    assert [one.refused for one in result.days] == [True, False]
    assert [one.validated for one in result.days] == [0, 765]
    assert result.days[0].reasons[0].startswith("100.0% of its rows")
    after = stored("validated", ["row_key", "temp"])
    pd.testing.assert_frame_equal(after[after["day"] == "2013-03-01"], before[before["day"] == "2013-03-01"])
    assert (after[after["day"] == "2013-03-02"]["temp"] == 1.0).all()
    assert tables.partition_snapshots(MODEL, "validated")["2013-03-01"] == snapshots["2013-03-01"]
    aside = stored("quarantine", ["row_key", "rules", "row"])
    assert aside["day"].tolist() == ["2013-03-01"] * 958


def test_a_repeat_leaves_the_same_rows(state: Path, flight_delay: ModelConfig, delivered: pd.DataFrame) -> None:
    delivered.loc[[0, 1, 1000], "origin"] = "ABQ"
    columns = ["row_key", "rules", "row"]
    first = ingest(flight_delay, DAY, NEXT)
    tables_before = stored("validated", ["row_key", "temp"]), stored("quarantine", columns)
    again = ingest(flight_delay, DAY, NEXT)
    assert again.days == first.days
    assert again.failures == first.failures
    pd.testing.assert_frame_equal(stored("validated", ["row_key", "temp"]), tables_before[0])
    pd.testing.assert_frame_equal(stored("quarantine", columns), tables_before[1])
    assert len(tables_before[1]) == 3


def test_a_day_that_comes_clean_leaves_quarantine(
    state: Path, flight_delay: ModelConfig, delivered: pd.DataFrame
) -> None:
    good = delivered["origin"].copy()
    delivered.loc[[0, 1000], "origin"] = "ABQ"
    ingest(flight_delay, DAY, NEXT)
    delivered["origin"] = good
    ingest(flight_delay, DAY, DAY)
    assert stored("quarantine", ["rules"])["day"].tolist() == ["2013-03-02"]


def test_history_and_nights_give_the_same_tables(
    state: Path, flight_delay: ModelConfig, delivered: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivered.loc[::97, "origin"] = "ABQ"
    columns = ["row_key", "rules", "row"]
    ingest(flight_delay, DAY, NEXT)
    at_once = stored("validated", ["row_key"]), stored("quarantine", columns)
    monkeypatch.setenv("NIGHTSHIFT_STATE", str(state / "other"))
    for day in (DAY, NEXT):
        ingest(flight_delay, day, day)
    pd.testing.assert_frame_equal(stored("validated", ["row_key"]), at_once[0])
    pd.testing.assert_frame_equal(stored("quarantine", columns), at_once[1])


def test_the_first_day_of_all_may_be_refused(state: Path, flight_delay: ModelConfig, delivered: pd.DataFrame) -> None:
    delivered.drop(index=delivered.index[10:], inplace=True)
    result = ingest(flight_delay, DAY, DAY)
    assert result.days[0].refused
    assert tables.read(MODEL, "validated", ["row_key"]).empty


def test_an_end_before_the_start_is_an_error(state: Path, flight_delay: ModelConfig) -> None:
    with pytest.raises(PermanentError, match="end 2013-03-01 is before start 2013-03-02"):
        ingest(flight_delay, NEXT, DAY)


def test_a_key_without_the_day_in_it_comes_again_every_day(state: Path, flight_delay: ModelConfig) -> None:
    data = flight_delay.data.model_copy(update={"key": ("carrier", "flight", "origin", "sched_dep_time")})
    result = ingest(flight_delay.model_copy(update={"data": data}), DAY, NEXT)
    assert [one.quarantined for one in result.days] == [0, 0]


def undated(stored: pd.DataFrame) -> int:
    return int((stored["day"] == "undated").sum())


def test_rows_without_a_day_are_kept_once_however_many_nights_meet_them(
    state: Path, sales: Callable[..., ModelConfig]
) -> None:
    """Each night reads the whole file, the two rows at its end too; they went against whichever day was asked for."""
    path = state / "sales.csv"
    good = "".join(f"2024-03-0{day},shop{shop},1,2.5,{shop % 2}\n" for day in (1, 2) for shop in range(4))
    head = "sold_on,shop,units,price,returned\n"
    path.write_text(f"{head}{good},shop8,1,2.5,0\n03/01/2024,shop9,1,2.5,0\n")
    config = sales({"kind": "files", "path": str(path)}, day="sold_on")
    for day in (date(2024, 3, 1), date(2024, 3, 2), date(2024, 3, 2)):
        result = ingest(config, day, day)
        assert not result.refused_days and result.undated == 2
        assert (result.days[0].rows, result.days[0].validated, result.days[0].quarantined) == (4, 4, 0)
    assert undated(tables.read("sales", "quarantine")) == 2
    path.write_text(f"{head}{good}2024-03-03,shop8,1,2.5,0\n03/01/2024,shop9,1,2.5,0\n")
    ingest(config, date(2024, 3, 3), date(2024, 3, 3))
    assert undated(tables.read("sales", "quarantine")) == 1, "a row that has a day by now is no longer kept"


def test_a_file_of_days_that_cannot_be_read_is_refused_by_one_of_them(
    state: Path, sales: Callable[..., ModelConfig]
) -> None:
    path = state / "sales.csv"
    path.write_text(
        "sold_on,shop,units,price,returned\n2024-03-01,a,1,2.5,0\n03/02/2024,b,1,2.5,1\n03/03/2024,c,1,2.5,1\n"
    )
    config = sales({"kind": "files", "path": str(path)}, day="sold_on")
    with pytest.raises(DataRefused, match=r"2 of 3 rows of .*sold_on holds '03/02/2024', '03/03/2024'.*ISO 8601"):
        ingest(config, date(2024, 3, 1), date(2024, 3, 1))


def test_undated_rows_of_a_source_that_is_asked_for_days_stay(state: Path, sales: Callable[..., ModelConfig]) -> None:
    for day in (1, 2):
        (state / f"2024-03-0{day}.csv").write_text(
            f"sold_on,shop,units,price,returned\n2024-03-0{day},a,1,2.5,0\n,b{day},1,2.5,1\n"
        )
    config = sales({"kind": "files", "path": str(state / "{day}.csv")}, day="sold_on")
    for day in (1, 2, 2):
        ingest(config, date(2024, 3, day), date(2024, 3, day))
    stored = tables.read("sales", "quarantine")
    assert sorted(json.loads(row)["shop"] for row in stored.loc[stored["day"] == "undated", "row"]) == ["b1", "b2"]

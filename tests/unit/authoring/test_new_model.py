from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from include.authoring.checks import faults_of
from include.authoring.new_model import Wanted, new_model
from include.cli import app
from include.config.loader import load_model
from include.config.schema import FilesSource, ModelConfig
from include.data.packages import rdataset
from include.data.sources import read_source
from include.data.text_values import USUAL_MISSING
from include.data.values import infer_type
from include.errors import NightshiftError


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("NIGHTSHIFT_MODELS", str(folder))
    return folder


def drafted(path: Path, target: str, name: str = "drafted", **more: Any) -> ModelConfig:
    written, _ = new_model(Wanted(name, target, str(path), **more))
    assert faults_of([written]) == {written: []}
    return load_model(written)


def shop(rows: int = 400) -> pd.DataFrame:
    """Orders of forty days with every kind of column that a stranger's table has."""
    random = np.random.default_rng(0)
    days = pd.Timestamp("2024-03-01") + pd.to_timedelta(np.sort(random.integers(0, 40, rows)), unit="D")
    price = random.gamma(3, 20, rows).round(2)
    late = random.random(rows) < 0.2 + 0.3 * (price > 70)
    return pd.DataFrame(
        {
            "Order ID": [f"A-{number:06d}" for number in range(rows)],
            "ordered on": days.strftime("%Y-%m-%d"),
            "Price (EUR)": price,
            "zip": [f"{number:05d}" for number in random.integers(0, 30, rows)],
            "items": random.integers(1, 9, rows),
            "express": random.choice(["true", "false"], rows),
            "shop": "north",
            "note": [f"please ring twice, the bell of flat {number} is soft" for number in range(rows)],
            "refunded": np.where(late, "1", "0"),
            "late": np.where(late, "yes", "no"),
        }
    )


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2", "NA"], "integer"),
        (["007", "1"], "string"),
        (["1.5", "", "2"], "number"),
        (["1e400", "x"], "string"),
        (["TRUE", "false"], "boolean"),
        (["2024-02-29", "2024-03-01"], "date"),
        (["2023-02-29", "2024-03-01"], "string"),
        (["2024-03-01 12:00:00", "2024-03-01T13:00"], "timestamp"),
        (["31.12.2024"], "string"),
        (["NA", "ZA"], "string"),
        (["", "NA"], "string"),
        (["99999999999999999999"], "string"),
        (["100000000000000071", "NA"], "integer"),
        (["1.5", "Infinity"], "number"),
        (["Infinity", "inf"], "string"),
        (["+49151", "+49152"], "string"),
        (["2024-03-01 12:00:00Z", "2024-03-01T13:00+01:00"], "timestamp"),
        (["2024-03-01 00:00:00", "2024-03-02T00:00Z"], "date"),
        ([" 12", "13 "], "integer"),
    ],
)
def test_a_type_is_taken_only_where_every_value_comes_back_as_it_was(values: list[str], kind: str) -> None:
    column = pd.Series(values, dtype=object)
    assert (infer_type(column.mask(column.isin(USUAL_MISSING), None), untyped=True) or "string") == kind


def test_a_strangers_table_becomes_a_model_that_can_be_read_again(tmp_path: Path) -> None:
    shop().to_csv(tmp_path / "orders.csv", index=False)
    config = drafted(tmp_path / "orders.csv", "late", time="ordered on")
    assert config.task == "binary" and config.data.classes == ("no", "yes")
    assert config.data.day == "ordered on" and config.data.key == ("Order ID",)
    assert config.data.columns["zip"] == "string", "00123 is no number"
    dates = {"ordered on_day_of_week", "ordered on_month"}
    assert set(config.features.names) == {"Price (EUR)", "zip", "items", "express", *dates}
    assert config.data.known_afterwards == ("refunded",), "it gives the label away"
    days = (pd.Timestamp("2024-03-05").date(), pd.Timestamp("2024-03-06").date())
    assert len(read_source(config, *days)) == shop()["ordered on"].isin([str(day) for day in days]).sum()


@pytest.mark.parametrize(
    ("separator", "decimal", "encoding", "packed"),
    [
        (",", ".", "utf-8", False),
        (";", ",", "utf-8", False),
        ("\t", ".", "cp1252", False),
        (",", ".", "utf-8-sig", True),
    ],
)
def test_files_are_read_as_their_country_writes_them(
    separator: str, decimal: str, encoding: str, packed: bool, tmp_path: Path
) -> None:
    table = shop().rename(columns={"shop": "größe"}).assign(größe=["klein", "groß"] * 200)
    text = table.to_csv(index=False, sep=separator, decimal=decimal).encode(encoding)
    path = tmp_path / ("t.csv.gz" if packed else "t.csv")
    path.write_bytes(gzip.compress(text) if packed else text)
    config = drafted(path, "late")
    assert config.data.columns["Price (EUR)"] == "number" and config.data.columns["größe"] == "string"
    rows = read_source(config, pd.Timestamp("2024-05-01").date(), pd.Timestamp("2024-05-01").date())
    assert list(rows["größe"].unique()) == ["klein", "groß"]
    assert rows["Price (EUR)"].astype(float).sum() == pytest.approx(table["Price (EUR)"].sum())


@pytest.mark.parametrize(
    ("item", "target", "time", "task"),
    [
        ("modeldata/wa_churn", "churn", None, "binary"),
        ("modeldata/Chicago", "ridership", "date", "regression"),
        ("ggplot2/diamonds", "cut", None, "multiclass"),
        ("modeldata/taxi", "tip", None, "binary"),
    ],
)
def test_real_tables_need_no_preparation(
    item: str, target: str, time: str | None, task: str, tmp_path: Path, models: Path
) -> None:
    path = tmp_path / "table.csv"
    rdataset(item, "the test").head(3000).to_csv(path, index=False)
    assert drafted(path, target, time=time).task == task


@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
def test_typed_files_keep_their_types(ending: str, tmp_path: Path) -> None:
    path, table = tmp_path / f"t.{ending}", shop()
    if ending == "parquet":
        table.to_parquet(path)
    else:
        table.to_json(path, orient="records", lines=True)
    columns = drafted(path, "late", time="ordered on").data.columns
    assert columns["zip"] == "string" and columns["items"] == "integer" and columns["ordered on"] == "date"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"name": "My Model"}, "'my_model'"),
        ({"target": "lat"}, "did you mean 'late'?"),
        ({"target": "shop"}, "nothing to learn"),
        ({"time": "zip"}, "no date (2026-01-31)"),
        ({"key": ("zip",)}, "rows twice"),
        ({"time": "half"}, "--time 'half' holds 'early'"),
        ({"origin": "nowhere.csv"}, "no such file"),
        ({"origin": "empty.csv"}, "the file is empty"),
        ({"origin": "header.csv"}, "no row"),
        ({"origin": "image.csv"}, "NUL bytes"),
        ({"origin": "ragged.csv"}, "line 3: 3 fields, where the header has 2"),
        ({"origin": "torn.parquet"}, "cannot be read as parquet"),
        ({"origin": None}, "give one of --from"),
        ({"name": "taken"}, "--force"),
        ({"task": "regression", "target": "zip"}, "a regression predicts"),
    ],
)
def test_what_cannot_be_drafted_is_told_and_nothing_is_written(
    wanted: dict[str, Any], expected: str, tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shop().assign(half=["2024-03-01", "early"] * 200).to_csv("orders.csv", index=False)
    Path("empty.csv").touch()
    Path("header.csv").write_text("a,b\n")
    Path("image.csv").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00")
    Path("ragged.csv").write_text("a,b\n1,2\n3,4,5\n")
    Path("torn.parquet").write_bytes(b"PAR1 and no more")
    (models / "taken.yaml").write_text("name: taken\n")
    with pytest.raises(NightshiftError) as caught:
        new_model(Wanted(**({"name": "drafted", "target": "late", "origin": "orders.csv"} | wanted)))
    assert expected in str(caught.value), str(caught.value)
    assert [path.name for path in models.iterdir()] == ["taken.yaml"]


def test_the_command_says_what_it_assumed(tmp_path: Path, models: Path) -> None:
    shop().drop(columns="Order ID").to_csv(tmp_path / "orders.csv", index=False)
    asked = ["new-model", "orders", "--from", str(tmp_path / "orders.csv"), "--target", "late", "--owner", "sales"]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0, result.output
    for said in ("row_number", "late = 'yes'", "shop is no feature: the same in every row", "refunded is left out"):
        assert said in result.output
    assert load_model(models / "orders.yaml").owner == "sales"


def test_peoples_own_data_is_left_out_or_hashed(tmp_path: Path) -> None:
    table = shop().assign(email=[f"anna.{number}@example.org" for number in range(400)], contact="+44 20 7946 0958")
    table.to_csv(tmp_path / "orders.csv", index=False)
    config = drafted(tmp_path / "orders.csv", "late")
    assert not {"email", "contact"} & set(config.data.columns)
    hashed = drafted(tmp_path / "orders.csv", "late", name="hashed", key=("email",))
    assert hashed.data.personal == {"email": "hash"} and hashed.data.key == ("email",)


def test_the_command_asks_all_it_cannot_know_and_takes_the_answers(tmp_path: Path, models: Path) -> None:
    table = shop().astype({"Price (EUR)": str})
    table.loc[7, "Price (EUR)"] = "on request"
    table["late"] = [f"{word} " if row % 9 == 0 else word for row, word in enumerate(table["late"])]
    table.to_csv(tmp_path / "orders.csv", index=False)
    command = ["new-model", "orders", "--from", str(tmp_path / "orders.csv"), "--target", "late"]
    asked = CliRunner().invoke(app, command)
    assert asked.exit_code == 1 and not list(models.iterdir())
    for said in ("2 faults", "'on request' (line 9)", "--missing 'on request'", "--fold late"):
        assert said in asked.output, asked.output
    answered = CliRunner().invoke(app, [*command, "--missing", "on request", "--fold", "late"])
    assert answered.exit_code == 0, answered.output
    source = load_model(models / "orders.yaml").data.source
    assert isinstance(source, FilesSource) and source.missing == ("on request",) and source.fold == ("late",)
    assert load_model(models / "orders.yaml").data.classes == ("no", "yes")

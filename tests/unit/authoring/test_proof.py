from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml

from include.authoring.new_model import Wanted, new_model
from include.authoring.proof import loosen

TEXT = """name: é, ü and 注
validation:
  rules:
    - {expect: A, args: {column: ä}, on_failure: refuse_day}  # a note
    - {expect: B, args: {column: b}}
    - expect: C
      args: {column: c}
    - {expect: D, on_failure: quarantine_row}
"""


def test_only_the_rules_that_fail_are_loosened_and_their_lines_are_named() -> None:
    text, lines = loosen(TEXT, [0, 1, 2])
    before, after = yaml.safe_load(TEXT), yaml.safe_load(text)
    assert [rule.get("on_failure") for rule in after["validation"]["rules"]] == [
        "warn",
        "warn",
        "warn",
        "quarantine_row",
    ]
    assert [rule["expect"] for rule in after["validation"]["rules"]] == ["A", "B", "C", "D"]
    assert before["name"] == after["name"] and "# a note" in text
    assert lines == [4, 5, 6]


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("NIGHTSHIFT_MODELS", str(folder))
    return folder


def drafted(tmp_path: Path, rows: pd.DataFrame) -> tuple[Path, str]:
    rows.to_csv(tmp_path / "sold.csv", index=False)
    path, found = new_model(Wanted("sold", "late", str(tmp_path / "sold.csv"), time="day"))
    return path, "\n".join(found.notes)


def sold(days: int, a_day: int) -> pd.DataFrame:
    rows = range(days * a_day)
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta([row // a_day for row in rows], unit="D")
    return pd.DataFrame(
        {
            "day": day.strftime("%Y-%m-%d"),
            "order": [f"o{row}" for row in rows],
            "price": [1.5 + row % 7 for row in rows],
            "late": [(row * row) % 3 % 2 for row in rows],
        }
    )


def test_a_good_table_has_nothing_held_against_it(tmp_path: Path, models: Path) -> None:
    _, told = drafted(tmp_path, sold(60, 20))
    assert "no night can train" not in told and "a night would not take" not in told and "fails on" not in told

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import wasserstein_distance

from include.contracts import DriftFinding
from include.drift import columns, evidently_pages
from include.monitoring import performance_page
from tests.unit.served import CONFIG
from tests.unit.tasks import CONFIGS

LOADED_FROM_OUTSIDE = re.compile(r"<(?:script|link|img|iframe)[^>]+(?:src|href)\s*=\s*[\"']?(?:https?:)?//", re.I)


def sample(rows: int, seed: int, shift: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "weight": rng.normal(size=rows),
            "queue": rng.normal(shift, size=rows),
            "depot": rng.choice(["north", "</script><b>south"], rows),
            "shift": 1,
            "depot_rate_3d": 0.5,
        }
    )
    return columns.typed(CONFIG, frame, rng.random(rows))


@pytest.fixture(scope="module")
def night() -> tuple[columns.Plan, pd.DataFrame, pd.DataFrame]:
    reference, current = sample(600, 1), sample(200, 2, shift=1.0)
    current.loc[::2, "weight"] = np.nan
    return columns.plan(CONFIG, reference, current), reference, current


def finding(column: str, **told: object) -> DriftFinding:
    usual: dict[str, object] = {"measure": "distance", "over": "night", "value": 0.05, "usual": 0.1, "p": 0.6}
    usual |= {"effect": -0.05, "floor": 0.1, "q": 0.9, "sentence": f"{column}: distance 0.05"}
    return DriftFinding.model_validate({"column": column, **usual, **told})


FINDINGS = [
    finding("queue", value=1.02, usual=0.11, p=1e-9, q=2e-8, effect=0.91, alarm=True, sentence="queue: distance 1.02"),
    finding("weight", measure="missing", value=0.5, usual=0.01, p=1e-7, q=1e-6, effect=0.49, floor=0.05, alarm=True),
    *(finding(column) for column in ("depot", "shift", "depot_rate_3d", columns.SCORE)),
    finding("weight", measure="outside", value=0.001, usual=0.002, p=0.4),
    finding("weight", p=0.01, q=None, expected=True),
]


@pytest.fixture(scope="module")
def page(night: tuple[columns.Plan, pd.DataFrame, pd.DataFrame]) -> tuple[dict[str, float], str, dict[str, object]]:
    return evidently_pages.drift_page(night[0], FINDINGS, *night[1:], "A <night>", ["a note"])


def test_distances_are_evidentlys(
    night: tuple[columns.Plan, pd.DataFrame, pd.DataFrame], page: tuple[dict[str, float], str, dict[str, object]]
) -> None:
    _, reference, current = night
    distances, _, values = page
    assert set(distances) == {*CONFIG.features.names, columns.SCORE}
    expected = wasserstein_distance(reference["queue"], current["queue"]) / reference["queue"].std(ddof=0)
    assert distances["queue"] == pytest.approx(expected)
    assert distances["shift"] == distances["depot_rate_3d"] == 0.0  # constant columns do not crash
    assert values["alarms"] == ["queue: distance 1.02", "weight: distance 0.05"]


def test_the_verdicts_table_comes_before_evidentlys_figures(
    page: tuple[dict[str, float], str, dict[str, object]],
) -> None:
    html = page[1]
    assert html.index("95 % of ordinary days") < html.index("Wasserstein distance (normed)")
    lines = evidently_pages._lines(FINDINGS)
    assert [line[0] for line in lines[:2]] == ["queue", "weight"] and [line[-1] for line in lines[:2]] == ["ALARM"] * 2
    assert lines[1][1:5] == ["share missing", "tonight", "50.0%", "1.0%"]
    assert lines[-1][0] == "weight" and lines[-1][-1] == "expected to move"
    assert len(lines) == len(FINDINGS) - 1  # an ordinary share is not worth a line


def test_the_page_opens_without_internet_and_stays_below_five_megabytes(
    page: tuple[dict[str, float], str, dict[str, object]],
) -> None:
    html = page[1]
    assert len(html.encode()) < 5_000_000
    assert not LOADED_FROM_OUTSIDE.search(html)
    assert "url(http" not in html and "url(//" not in html


def test_data_cannot_end_the_pages_script(page: tuple[dict[str, float], str, dict[str, object]]) -> None:
    html = page[1]
    assert "</script><b>south" not in html and "‹/script>‹b>south" in html.encode().decode("unicode_escape", "ignore")
    assert "A <night>" not in html


def test_the_values_are_plain_json_with_the_missing_shares(
    page: tuple[dict[str, float], str, dict[str, object]],
) -> None:
    values = json.loads(evidently_pages.as_json(page[2]))
    weight = next(column for column in values["columns"] if column["column"] == "weight")
    assert weight["missing_current"] == 0.5 and weight["method"] == "wasserstein"
    assert len(values["findings"]) == len(FINDINGS)
    assert values["notes"] == ["a note"]


def test_the_performance_page_is_self_contained_too() -> None:
    rng = np.random.default_rng(0)
    score = rng.random(200)
    rows = pd.DataFrame({"label": (rng.random(200) < score).astype(float), "score": score})
    html = performance_page.performance_page(CONFIG, rows, "Performance", [])
    assert "Roc Auc" in html or "ROC" in html
    assert len(html.encode()) < 5_000_000 and not LOADED_FROM_OUTSIDE.search(html)


def test_a_class_without_a_row_and_too_many_values_are_drawn_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evidently fails on probabilities of a class that no row has, and draws every row of a regression."""
    rng = np.random.default_rng(0)
    chances = rng.dirichlet(np.ones(3), 60)
    rows = pd.DataFrame({"label": rng.integers(0, 2, 60).astype(float), "probabilities": list(chances), "score": 0.5})
    html = performance_page.performance_page(CONFIGS["colours"], rows, "Performance", [])
    assert "No row of blue" in html and "<b>red" not in html
    monkeypatch.setitem(performance_page.MOST_ROWS, "regression", 50)
    values = pd.DataFrame({"label": rng.normal(size=60), "score": rng.normal(size=60)})
    assert "Evidently draws 50 of these 60 rows" in performance_page.performance_page(
        CONFIGS["meters"], values, "P", []
    )


def test_files_are_replaced_whole_and_leave_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "model" / "night"
    evidently_pages.keep(folder, {"a.html": "old", "b.json": "{}"})
    evidently_pages.keep(folder, {"a.html": "new"})
    assert {file.name: file.read_text() for file in folder.iterdir()} == {"a.html": "new"}


def test_what_is_not_a_number_is_null_in_json() -> None:
    assert json.loads(evidently_pages.as_json({"a": float("nan"), "b": (1.5, float("inf"))})) == {
        "a": None,
        "b": [1.5, None],
    }

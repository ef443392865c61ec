from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import wasserstein_distance

from include.monitoring import drift, reports
from tests.unit.served import CONFIG

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
    return drift.typed(CONFIG, frame, rng.random(rows))


@pytest.fixture(scope="module")
def night() -> tuple[drift.Plan, pd.DataFrame, pd.DataFrame]:
    reference, current = sample(600, 1), sample(200, 2, shift=1.0)
    current.loc[::2, "weight"] = np.nan
    return drift.plan(CONFIG, reference, current), reference, current


@pytest.fixture(scope="module")
def page(night: tuple[drift.Plan, pd.DataFrame, pd.DataFrame]) -> tuple[dict[str, float], str, dict[str, object]]:
    return reports.drift_page(*night, "A <night>", ["a note"])


def test_distances_are_evidentlys_and_only_what_moved_is_called_drifted(
    night: tuple[drift.Plan, pd.DataFrame, pd.DataFrame], page: tuple[dict[str, float], str, dict[str, object]]
) -> None:
    plan, reference, current = night
    distances, _, values = page
    assert set(distances) == {*CONFIG.features.names, drift.SCORE}
    expected = wasserstein_distance(reference["queue"], current["queue"]) / reference["queue"].std(ddof=0)
    assert distances["queue"] == pytest.approx(expected)
    assert distances["shift"] == distances["depot_rate_3d"] == 0.0  # constant columns neither crash nor drift
    assert drift.drifted(plan.comparisons, distances) == ("queue",) == tuple(values["drifted_columns"])


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
    values = json.loads(reports.as_json(page[2]))
    weight = next(column for column in values["columns"] if column["column"] == "weight")
    assert weight["missing_current"] == 0.5 and weight["method"] == "wasserstein" and weight["drifted"] is False
    assert values["notes"] == ["a note"]


def test_the_performance_page_is_self_contained_too() -> None:
    rng = np.random.default_rng(0)
    score = rng.random(200)
    rows = pd.DataFrame({"label": (rng.random(200) < score).astype(float), "score": score})
    html = reports.performance_page(rows, "Performance", [])
    assert "Roc Auc" in html or "ROC" in html
    assert len(html.encode()) < 5_000_000 and not LOADED_FROM_OUTSIDE.search(html)


def test_files_are_replaced_whole_and_leave_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "model" / "night"
    reports.keep(folder, {"a.html": "old", "b.json": "{}"})
    reports.keep(folder, {"a.html": "new"})
    assert {file.name: file.read_text() for file in folder.iterdir()} == {"a.html": "new"}


def test_what_is_not_a_number_is_null_in_json() -> None:
    assert json.loads(reports.as_json({"a": float("nan"), "b": (1.5, float("inf"))})) == {"a": None, "b": [1.5, None]}

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from include.contracts import DriftFinding
from include.drift import columns as drift
from tests.unit.served import CONFIG


def features(rows: int, **columns: object) -> pd.DataFrame:
    rng = np.random.default_rng(rows)
    usual: dict[str, object] = {
        "weight": rng.normal(size=rows),
        "queue": rng.normal(size=rows),
        "depot": rng.choice(["north", "south"], rows),
        "shift": rng.integers(0, 3, rows),
        "depot_rate_3d": rng.random(rows),
    }
    return pd.DataFrame({**usual, **columns})


def typed(rows: int, **columns: object) -> pd.DataFrame:
    return drift.typed(CONFIG, features(rows, **columns), np.linspace(0, 1, rows))


def test_features_and_score_are_planned_by_their_kind() -> None:
    plan = drift.plan(CONFIG, typed(500), typed(200))
    assert {found.column: found.method for found in plan.comparisons} == {
        "weight": "wasserstein",
        "queue": "wasserstein",
        "depot_rate_3d": "wasserstein",
        "depot": "jensenshannon",
        "shift": "jensenshannon",
        drift.SCORE: "wasserstein",
    }
    assert not plan.left_out
    assert {found.column: found.kind for found in plan.comparisons} == drift.kinds(CONFIG)


def test_an_empty_column_is_reported_and_left_out() -> None:
    plan = drift.plan(CONFIG, typed(500), typed(200, weight=np.nan, queue=[1.0] * 5 + [np.nan] * 195))
    assert {found.column for found in plan.comparisons} == {"depot_rate_3d", "depot", "shift", drift.SCORE}
    assert plan.left_out["weight"].startswith("weight is missing in every row of the night's rows")
    assert plan.left_out["queue"].startswith("queue has only 5 values in the night's rows")
    assert "the reference" in drift.plan(CONFIG, typed(500, depot=None), typed(200)).left_out["depot"]


def test_missing_shares_are_told_for_both_sides() -> None:
    half = np.where(np.arange(200) % 2, np.nan, 1.0)
    weight = next(
        c for c in drift.plan(CONFIG, typed(500), typed(200, weight=half)).comparisons if c.column == "weight"
    )
    assert (weight.missing_reference, weight.missing_current) == (0.0, 0.5)


def test_categories_are_the_same_text_whatever_type_the_table_gave() -> None:
    whole, floating = typed(4, shift=[0, 1, 2, 1]), typed(4, shift=[0.0, 1.0, np.nan, 1.0])
    assert list(whole["shift"]) == ["0", "1", "2", "1"]
    assert list(floating["shift"].dropna()) == ["0", "1", "1"]
    assert "<" not in "".join(typed(2, depot=["</script><script>", "a<b"])["depot"])


def test_infinite_values_count_as_missing() -> None:
    assert typed(3, weight=[1.0, np.inf, -np.inf])["weight"].isna().tolist() == [False, True, True]


def test_evidently_draws_what_ordinary_days_keep_and_the_floor_as_threshold() -> None:
    plan = drift.plan(CONFIG, typed(500), typed(200))
    night = DriftFinding(
        column="weight",
        measure="distance",
        over="night",
        value=0.4,
        usual=0.2,
        p=0.5,
        effect=0.2,
        floor=0.1,
        sentence="",
    )
    others = [
        night.model_copy(update={"over": "recent", "usual": 9.0}),
        night.model_copy(update={"measure": "missing"}),
    ]
    found = drift.thresholds(plan, [others[0], night, others[1]])
    assert found["weight"] == pytest.approx(0.3) and found["queue"] == drift.EFFECT

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

from include.monitoring import drift
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


@pytest.mark.parametrize("draw", ["normal", "rain"])
@pytest.mark.parametrize("rows", [50, 200, 1000])
def test_the_noise_of_wasserstein_is_what_samples_of_one_distribution_show(rows: int, draw: str) -> None:
    rng = np.random.default_rng(5)

    def sample(count: int) -> np.ndarray:
        values = rng.normal(size=count)
        return values if draw == "normal" else np.where(values > 1.3, np.exp(values), 0.0)

    reference = sample(5000)
    seen = [wasserstein_distance(reference, sample(rows)) / reference.std() for _ in range(60)]
    assert np.mean(seen) == pytest.approx(drift.wasserstein_noise(reference, rows), rel=0.25)


@pytest.mark.parametrize(("categories", "rows"), [(3, 200), (100, 900), (100, 100), (400, 100)])
def test_the_noise_of_jensen_shannon_is_what_samples_of_one_distribution_show(categories: int, rows: int) -> None:
    rng = np.random.default_rng(5)
    shares = rng.dirichlet(np.full(categories, 0.7))
    names = np.arange(categories).astype(str)

    def counts(sample: np.ndarray) -> np.ndarray:
        return np.array([np.mean(sample == name) for name in names])

    pairs = [(rng.choice(names, 5000, p=shares), rng.choice(names, rows, p=shares)) for _ in range(100)]
    seen = np.mean([jensenshannon(counts(before), counts(now)) ** 2 for before, now in pairs])
    noise = [drift.divergence_noise(pd.Series(before), pd.Series(now)).mean() for before, now in pairs[:10]]
    assert seen == pytest.approx(np.mean(noise), rel=0.25)


def test_without_drift_nothing_passes_its_threshold_at_any_number_of_rows() -> None:
    """Evidently's own 0.1 calls most nights of 100 rows drifted, and a hundred categories on 99 % of nights."""
    rng = np.random.default_rng(1)
    shares = rng.dirichlet(np.full(100, 0.7))
    alarms = plain = 0
    for rows in (100, 100, 100, 900, 900, 900):
        reference, night = rng.normal(size=5000), rng.normal(size=rows)
        distance = wasserstein_distance(reference, night) / reference.std()
        alarms += distance >= drift.threshold("numeric", pd.Series(reference), pd.Series(night))
        before, now = rng.choice(100, 5000, p=shares), rng.choice(100, rows, p=shares)
        found = jensenshannon(np.bincount(before, minlength=100), np.bincount(now, minlength=100))
        alarms += found >= drift.threshold("categorical", pd.Series(before), pd.Series(now))
        plain += (distance >= drift.EFFECT) + (found >= drift.EFFECT)
    assert alarms == 0 and plain >= 4


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
    assert not plan.left_out and all(found.threshold > drift.EFFECT for found in plan.comparisons)


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


def test_the_farthest_beyond_its_threshold_comes_first_and_the_score_is_no_feature() -> None:
    plan = drift.plan(CONFIG, typed(500), typed(200))
    distances = {"weight": 0.9, "queue": 0.01, "depot": 5.0, "shift": 0.0, "depot_rate_3d": 0.0, drift.SCORE: 9.0}
    assert drift.drifted(plan.comparisons, distances) == ("depot", "weight")

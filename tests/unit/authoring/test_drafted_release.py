"""What a draft demands of a first release: skill by a metric in which a model can show it, and no bound of a season."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from include.authoring.new_model import Wanted, new_model
from include.config.loader import load_model
from include.config.schema import ModelConfig


def drafted(folder: Path, monkeypatch: pytest.MonkeyPatch, label: np.ndarray, days: int = 40) -> ModelConfig:
    """A draft of 400 rows with a number that has to do with the label."""
    (folder / "models").mkdir()
    monkeypatch.setenv("NIGHTSHIFT_MODELS", str(folder / "models"))
    random = np.random.default_rng(0)
    moments = pd.Timestamp("2024-03-01") + pd.to_timedelta(np.sort(np.arange(400) % days), unit="D")
    table = pd.DataFrame({"id": [f"A-{number:05d}" for number in range(400)], "on": moments.strftime("%Y-%m-%d")})
    table["size"] = random.normal(10, 2, 400).round(3)
    table.assign(label=label).to_csv(folder / "table.csv", index=False)
    path, _ = new_model(Wanted("drafted", "label", str(folder / "table.csv"), time="on"))
    return load_model(path)


RANDOM = np.random.default_rng(1)
RAIN = np.where(RANDOM.random(400) < 0.4, RANDOM.gamma(2, 5, 400).round(2), 0.0)


@pytest.mark.parametrize(
    ("label", "metric", "loss"),
    [
        (RANDOM.choice(["no", "yes"], 400), "roc_auc", None),
        (RANDOM.choice(["a", "b", "c"], 400), "log_loss", None),
        (RANDOM.normal(50, 5, 400).round(3), "mean_absolute_error", "absolute_error"),
        (RAIN, "root_mean_squared_error", None),
    ],
    ids=["two classes", "three classes", "values", "mostly nothing"],
)
def test_candidates_compete_and_are_fitted_by_what_the_first_release_is_judged_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, label: np.ndarray, metric: str, loss: str | None
) -> None:
    config = drafted(tmp_path, monkeypatch, label)
    assert config.release.thresholds == ()
    assert (config.training.select_by, config.release.against_champion.metric) == (metric, metric)
    assert config.training.candidates[1].params.get("loss") == loss


def test_a_short_history_keeps_the_days_that_a_judgement_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = drafted(tmp_path, monkeypatch, RANDOM.choice(["no", "yes"], 400), days=10)
    assert config.training.holdout_days == 3

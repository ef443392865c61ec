"""A night is a pair of figures on the same rows; which rows make a night is told by their numbers alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from include.evidence.paired_difference import EvidenceError
from include.evidence.paired_nights import MIN_OF_A_CLASS, paired_nights


def rows(sizes: list[int], seed: int = 0, rate: float = 0.4) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    days = [f"2024-03-{day:02d}" for day in range(1, len(sizes) + 1)]
    frame = pd.DataFrame({"day": np.repeat(days, sizes), "row_key": [str(key) for key in range(sum(sizes))]})
    frame["label"] = (rng.random(len(frame)) < rate).astype(float)
    for name in ("champion", "challenger"):
        frame[name] = np.clip(rng.normal(0.4 + 0.2 * frame["label"], 0.2), 0.01, 0.99)
    return frame


@pytest.mark.parametrize(
    ("metric", "function", "sign"), [("roc_auc", sk.roc_auc_score, 1), ("log_loss", sk.log_loss, -1)]
)
def test_a_night_is_the_difference_of_two_figures_signed_so_that_better_is_above_0(metric, function, sign):
    given = rows([200, 150])
    nights, waiting = paired_nights(metric, given, 100)
    assert (len(nights), waiting) == (2, 0)
    for night, (day, of_day) in zip(nights, given.groupby("day"), strict=True):
        assert (str(night.first), str(night.last), night.rows) == (day, day, len(of_day))
        theirs, ours = (function(of_day["label"], of_day[name]) for name in ("champion", "challenger"))
        assert night.difference == pytest.approx(sign * (ours - theirs), abs=1e-12)


def test_small_nights_are_put_together_and_the_last_ones_wait():
    nights, waiting = paired_nights("roc_auc", rows([120, 60, 50, 130, 99]), 100)
    assert [(night.first.day, night.last.day, night.rows) for night in nights] == [
        (1, 1, 120),
        (2, 3, 110),
        (4, 4, 130),
    ]
    assert waiting == 99


def test_a_night_of_one_class_waits_for_the_next_and_a_regression_does_not():
    given = rows([120, 120])
    first = given["day"] == "2024-03-01"
    given.loc[first, "label"] = 0.0
    given.loc[given.index[: MIN_OF_A_CLASS - 1], "label"] = 1.0
    nights, _ = paired_nights("brier_score", given, 100)
    assert [(night.first.day, night.last.day) for night in nights] == [(1, 2)]
    nights, _ = paired_nights("mean_absolute_error", given, 100)
    assert len(nights) == 2


def test_the_scores_do_not_choose_the_nights():
    given = rows([120, 60, 50, 130])
    swapped = given.assign(champion=given["challenger"], challenger=given["champion"])
    first, second = (paired_nights("roc_auc", one, 100)[0] for one in (given, swapped))
    assert [night.difference for night in first] == [-night.difference for night in second]


def test_scores_that_do_not_suit_the_metric_are_named():
    given = rows([120]).assign(challenger=3.0)
    with pytest.raises(EvidenceError, match="not a probability"):
        paired_nights("log_loss", given, 100)
    assert paired_nights("roc_auc", given.iloc[:0], 100) == ([], 0)


def of_classes(sizes: list[int], rare: float = 0.3) -> pd.DataFrame:
    """Three classes, the last with the share `rare`; scores are lists of probabilities."""
    rng = np.random.default_rng(2)
    frame = rows(sizes)
    frame["label"] = rng.choice(3, len(frame), p=[(1 - rare) / 2, (1 - rare) / 2, rare]).astype(float)
    for name, skill in (("champion", 1.0), ("challenger", 2.0)):
        odds = rng.normal(size=(len(frame), 3)) + skill * np.equal.outer(frame["label"].to_numpy(), np.arange(3))
        frame[name] = list(np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True))
    return frame


def test_nights_of_three_classes_are_paired_on_their_probabilities():
    given = of_classes([150, 200])
    nights, waiting = paired_nights("log_loss", given, 100)
    assert (len(nights), waiting) == (2, 0)
    for night, (_, of_day) in zip(nights, given.groupby("day"), strict=True):
        theirs, ours = (
            sk.log_loss(of_day["label"], np.stack(of_day[name]), labels=[0, 1, 2])
            for name in ("champion", "challenger")
        )
        assert night.difference == pytest.approx(theirs - ours, abs=1e-12) and night.difference > 0


def test_a_rare_class_is_waited_for_only_where_it_is_ranked_by_itself():
    given = of_classes([120] * 6, rare=0.03)
    assert len(paired_nights("log_loss", given, 100)[0]) == 6
    ranked, waiting = paired_nights("roc_auc_ovr", given, 100)
    assert 1 <= len(ranked) < 4 and sum(night.rows for night in ranked) + waiting == len(given)


def test_a_quantile_is_paired_by_its_own_loss():
    given = rows([150]).assign(label=lambda frame: frame["label"] * 3)
    [night] = paired_nights("mean_pinball_loss", given, 100, quantile=0.9)[0]
    theirs, ours = (sk.mean_pinball_loss(given["label"], given[name], alpha=0.9) for name in ("champion", "challenger"))
    assert night.difference == pytest.approx(theirs - ours)

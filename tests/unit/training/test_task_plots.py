"""Pictures of classes and of values say what the rows say."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.figure import Figure

from include.training.class_plots import class_figures
from include.training.figures import evaluation_figures
from include.training.value_plots import coverage_bins, value_figures
from tests.unit.training.tasks import config_of

RANDOM = np.random.default_rng(3)
CODES = RANDOM.integers(0, 3, 400)
SHARES = RANDOM.dirichlet([1, 1, 1], 400) * 0.5 + 0.5 * np.eye(3)[CODES]
VALUES = RANDOM.normal(100, 20, 400)
PREDICTED = VALUES + RANDOM.normal(0, 5, 400)


def png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80)
    return buffer.getvalue()


def test_each_task_has_its_own_pictures() -> None:
    quantile = config_of("regression", training={"quantile": 0.9})
    for config, labels, scores, names in (
        (config_of("binary"), CODES % 2, SHARES[:, 0], ["roc.png", "calibration.png", "confusion.png"]),
        (config_of("multiclass"), CODES, SHARES, ["roc.png", "confusion.png"]),
        (config_of("regression"), VALUES, PREDICTED, ["predicted.png", "residuals.png"]),
        (quantile, VALUES, PREDICTED, ["predicted.png", "residuals.png", "coverage.png"]),
    ):
        for models in ({"one": scores}, {"one": scores, "other": scores[::-1]}):
            figures = evaluation_figures(config, labels, models)
            assert list(figures) == names
            assert all(png(figure).startswith(b"\x89PNG") for figure in figures.values())


def test_a_confusion_matrix_names_the_classes_and_counts_the_most_probable() -> None:
    scores = np.array([[0.5, 0.4, 0.1], [0.2, 0.5, 0.3], [0.5, 0.4, 0.1], [0.1, 0.1, 0.8]])
    axes = class_figures(np.array([0, 1, 1, 2]), {"m": scores}, ("low", "middle", "high"))["confusion.png"].axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["low", "middle", "high"]
    counts = [int(text.get_text().split("\n")[0]) for text in axes.texts]
    assert counts == [1, 0, 0, 1, 1, 0, 0, 0, 1]


def test_a_class_without_a_row_has_no_curve_and_no_fault() -> None:
    there = CODES != 1
    figures = class_figures(CODES[there], {"m": SHARES[there]}, ("low", "middle", "high"))
    legend = figures["roc.png"].axes[0].get_legend()
    assert legend is not None
    assert sorted(text.get_text().split(" ")[0] for text in legend.get_texts()) == ["high", "low"]
    assert png(figures["confusion.png"])


def test_of_forty_classes_the_most_frequent_can_still_be_read() -> None:
    codes = np.minimum(RANDOM.geometric(0.1, 600) - 1, 39)
    scores = RANDOM.dirichlet(np.ones(40), 600)
    figures = class_figures(codes, {"m": scores}, [f"class {n}" for n in range(40)])
    names = [text.get_text() for text in figures["confusion.png"].axes[0].get_yticklabels()]
    assert len(names) == 16 and names[-1] == "others"
    assert sum(int(text.get_text().split("\n")[0]) for text in figures["confusion.png"].axes[0].texts) == 600


def test_coverage_is_the_share_of_values_at_or_below_their_quantile() -> None:
    _, held, counts = coverage_bins(VALUES, np.full(400, np.quantile(VALUES, 0.9)))
    assert (held.tolist(), counts.tolist()) == ([pytest.approx(0.9)], [400])
    means, held, counts = coverage_bins(VALUES, PREDICTED)
    assert counts.tolist() == [40] * 10 and (np.diff(means) > 0).all()
    assert (held * counts).sum() == pytest.approx((VALUES <= PREDICTED).sum())
    legend = value_figures(VALUES, {"m": PREDICTED}, 0.9)["coverage.png"].axes[0].get_legend()
    assert legend is not None and f"{(VALUES <= PREDICTED).mean():.1%}" in legend.get_texts()[1].get_text()

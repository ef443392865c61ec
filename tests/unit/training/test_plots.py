from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure

from include.config import environment
from include.training.plots import calibration_bins, evaluation_figures

RANDOM = np.random.default_rng(3)
SCORE = RANDOM.uniform(0.05, 0.6, 1000)
Y = (RANDOM.uniform(size=1000) < SCORE).astype(int)
CHAMPION = np.clip(SCORE + RANDOM.normal(0, 0.1, 1000), 0, 1)


def png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80)
    return buffer.getvalue()


@pytest.mark.parametrize("models", [{"forest": SCORE}, {"version 4": SCORE, "champion version 2": CHAMPION}])
def test_three_pictures_are_drawn_with_every_model_named(models: dict[str, np.ndarray]) -> None:
    figures = evaluation_figures(Y, models)
    assert list(figures) == ["roc.png", "calibration.png", "confusion.png"]
    for name, figure in figures.items():
        assert png(figure).startswith(b"\x89PNG")
        legend = figure.axes[0].get_legend()
        texts = [text.get_text() for text in legend.get_texts()] if legend else [a.get_title() for a in figure.axes]
        for model in models:
            assert any(text.startswith(model) for text in texts), (name, texts)
        assert all(axes.get_ylabel() for axes in figure.axes)
        assert figure.axes[-1].get_xlabel()


def test_the_confusion_matrix_counts_rows_at_one_half() -> None:
    figure = evaluation_figures(np.array([0, 0, 0, 1]), {"m": np.array([0.2, 0.5, 0.3, 0.9])})["confusion.png"]
    cells = [text.get_text() for text in figure.axes[0].texts]
    assert cells == ["2\n66.7%", "1\n33.3%", "0\n0.0%", "1\n100.0%"]


def test_the_legend_gives_the_area_under_the_curve() -> None:
    figure = evaluation_figures(np.array([0, 0, 1, 1]), {"m": np.array([0.1, 0.6, 0.4, 0.9])})["roc.png"]
    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["m (0.750)"]


def test_bins_hold_equally_many_rows_and_every_row_once() -> None:
    predicted, observed, counts = calibration_bins(Y, SCORE)
    assert counts.tolist() == [100] * 10
    assert (np.diff(predicted) > 0).all()
    assert (observed * counts).sum() == pytest.approx(Y.sum())
    assert np.abs(predicted - observed).max() < 0.2  # scores that are the true probabilities


def test_equal_scores_share_a_bin() -> None:
    predicted, observed, counts = calibration_bins(np.array([1, 0, 0, 0]), np.full(4, 0.3))
    assert (predicted.tolist(), observed.tolist(), counts.tolist()) == ([pytest.approx(0.3)], [0.25], [4])
    tied = np.repeat([0.1, 0.2, 0.9], [700, 200, 100])
    assert sorted(calibration_bins(Y, tied)[2].tolist()) == [100, 200, 700]


def test_a_constant_score_can_be_drawn() -> None:
    for figure in evaluation_figures(Y, {"dummy": np.full(len(Y), 0.0)}).values():
        assert png(figure)


@pytest.mark.parametrize("models", [{}, {"a": SCORE, "b": SCORE, "c": SCORE}])
def test_one_or_two_models_fit_a_picture(models: dict[str, np.ndarray]) -> None:
    with pytest.raises(ValueError, match=f"{len(models)} models given"):
        evaluation_figures(Y, models)


def test_pyplot_is_never_loaded() -> None:
    """It keeps every figure open and wants a display."""
    code = (
        "import sys; from include.training.plots import evaluation_figures as draw; "
        "[f.savefig('/dev/null', format='png') for f in draw([0, 1], {'m': [.1, .9]}).values()]; "
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=environment.REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"

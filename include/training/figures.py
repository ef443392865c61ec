"""The pictures of an evaluation, by the model's task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.data.labels import class_names
from include.training import class_plots, plots, value_plots

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from matplotlib.figure import Figure

    from include.config.schema import ModelConfig


def evaluation_figures(config: ModelConfig, y_true: np.ndarray, scores: Mapping[str, np.ndarray]) -> dict[str, Figure]:
    """Figures by file name, of labels (n,) and what one or two models, by the names shown, said of the rows."""
    if config.task == "multiclass":
        return class_plots.class_figures(y_true, scores, class_names(config))
    if config.task == "regression":
        return value_plots.value_figures(y_true, scores, config.training.quantile)
    return plots.evaluation_figures(y_true, scores, class_names(config))

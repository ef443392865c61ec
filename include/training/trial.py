"""One candidate fitted and measured, with nothing written anywhere: what a night's task and a reproduction share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from include.contracts import DayRange
from include.data import splits, windows
from include.errors import PermanentError
from include.evidence.baselines import constants
from include.evidence.metrics import evaluate
from include.tracking import naming
from include.training.fit import fit, in_words, predict_scores
from include.training.resources import measured

if TYPE_CHECKING:
    from datetime import date

    import numpy as np
    import pandas as pd
    from sklearn.pipeline import Pipeline

    from include.config.schema import Candidate, ModelConfig
    from include.contracts import Resources, Windows
    from include.training.search import Searched


@dataclass(frozen=True)
class Trial:
    """A fitted pipeline, the rows of its two splits, their metrics, and what the fit took.

    `left_out` names the features that had no value in any training row; `searched` is what a search found, and `notes`
    say what was not done as the model file asks for it.
    """

    pipeline: Pipeline
    train: pd.DataFrame
    validation: pd.DataFrame
    metrics: dict[str, float]
    resources: Resources
    left_out: tuple[str, ...]
    searched: Searched | None = None
    notes: tuple[str, ...] = ()


def run(
    config: ModelConfig, candidate: Candidate, frozen: Windows, as_of: date, data_version: int, threads: int
) -> Trial:
    """Fit on the train split and measure on both; the holdout's rows are not read, or a snapshot's are left out."""
    seen = DayRange(start=frozen.train.start, end=frozen.validation.end)
    rows = windows.read_rows(config, seen, as_of, data_version)
    train = splits.of_days(config, rows, frozen.train, "train")
    validation = splits.of_days(config, rows, frozen.validation, "validation")
    return on_rows(config, candidate, train, validation, threads)


def on_rows(
    config: ModelConfig,
    candidate: Candidate,
    train: pd.DataFrame,
    validation: pd.DataFrame,
    threads: int,
    measure: tuple[Literal["validation", "train"], ...] = ("validation", "train"),
) -> Trial:
    """Fit on the rows of the train split and measure on those of the splits named in `measure`."""
    with measured() as spent:
        fitted = fit(config, candidate, train, threads)
    # MLflow's comparison opens on the metric that was logged first, and validation is what candidates compete on.
    metrics: dict[str, float] = {}
    parts = {"validation": validation, "train": train}
    for split in measure:
        part = parts[split]
        with in_words(config, candidate, part, "measured on"):
            scores = predict_scores(fitted.pipeline, part, config)
        computed = evaluate(config, part[config.data.label].to_numpy(), scores)
        metrics.update({naming.metric(split, metric): value for metric, value in computed.items()})
    same_for_all = constants(config, train[config.data.label].to_numpy())
    metrics.update({naming.metric("train", name): value for name, value in same_for_all.items()})
    metrics.update(fitted.searched.figures if fitted.searched else {})
    return Trial(
        fitted.pipeline, train, validation, metrics, spent.resources, fitted.left_out, fitted.searched, fitted.notes
    )


def score_holdout(
    config: ModelConfig, pipeline: Pipeline, frozen: Windows, as_of: date, data_version: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Labels (n,), the pipeline's scores (n,) or (n, k), and the number of days with rows."""
    rows = windows.read_rows(config, frozen.holdout, as_of, data_version)
    holdout = splits.of_days(config, rows, frozen.holdout, "holdout")
    scores = predict_scores(pipeline, holdout, config)
    return holdout[config.data.label].to_numpy(), scores, holdout[config.data.day].nunique()


def candidate_named(config: ModelConfig, name: str) -> tuple[int, Candidate]:
    """The candidate and its place in the list. Raises PermanentError where the configuration has none of that name."""
    for index, candidate in enumerate(config.training.candidates):
        if candidate.name == name:
            return index, candidate
    known = ", ".join(candidate.name for candidate in config.training.candidates)
    raise PermanentError(
        f"{config.name}: training.candidates has no {name!r} in the configuration that this run was opened with "
        f"(it has {known}). The model file was edited since: clear the run from open_run on."
    )

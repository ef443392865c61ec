"""Look for a candidate's better parameters, by cross-validation on its training rows alone. Pure, seeded.

`random` is scikit-learn's RandomizedSearchCV (Bergstra and Bengio 2012, JMLR 13), `halving` its HalvingRandomSearchCV
with factor 3 (Jamieson and Talwalkar 2016, AISTATS), whose rounds fit on growing samples of each fold's rows.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - HalvingRandomSearchCV exists only after it
from sklearn.model_selection import HalvingRandomSearchCV, RandomizedSearchCV

from include.config.training import Range
from include.data.computed_features import without
from include.errors import PermanentError
from include.evidence.metrics import compute, greater_is_better
from include.training import early_stopping
from include.training.estimators import build_pipeline
from include.training.folds import folds_of
from include.training.predict import on_one_thread, predict_scores

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from include.config.schema import Candidate, ModelConfig, Search
    from include.training.folds import Fold

HALVING_FACTOR = 3
STEP = "estimator__"


@dataclass(frozen=True)
class Searched:
    """What a search found: parameters, their mean score over the folds in the metric's own unit, and every trial.

    `trials` has a line for each setting (for `halving` for each in each round): its parameters, score, spread over the
    folds, rank and seconds a fit; for `halving` the round and the rows of a fit too.
    """

    params: dict[str, Any]
    metric: str
    score: float
    folds: int
    trials: pd.DataFrame

    @property
    def figures(self) -> dict[str, float]:
        return {
            "search_trials": float((self.trials["round"] == 0).sum() if "round" in self.trials else len(self.trials)),
            "search_folds": float(self.folds),
            f"search_best_{self.metric}": self.score,
        }


def search(
    config: ModelConfig, candidate: Candidate, train: pd.DataFrame, weights: np.ndarray | None, threads: int
) -> Searched:
    """Try `candidate.search` and return the best setting; every fit takes at most `threads` threads.

    Parameters
    ----------
    train : the train split's rows, with features, label and day
    weights : (n,) of `weights.row_weights`, by which trials are fitted and never measured

    Raises PermanentError where the rows allow no fold, or no setting could be measured.
    """
    if candidate.search is None:
        raise ValueError(f"candidate {candidate.name} has no search")
    folds = folds_of(config, train, candidate.search.folds)
    seen = _without_empty(config, train, folds)
    label = train[config.data.label]
    target = label if config.task == "regression" else label.astype(int)
    pipeline = build_pipeline(seen, candidate, threads)
    for fitted, _ in folds:
        early_stopping.settle(pipeline, target.iloc[fitted])
    found = _searcher(config, candidate.search, pipeline, _Scorer(seen), folds)
    weighted = {} if weights is None else {f"{STEP}sample_weight": weights}
    told, best = "", np.nan
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")  # of a setting that cannot be fitted or measured: it is told below
        try:
            found.fit(train[list(seen.features.names)], target, **weighted)
            best = float(found.cv_results_["mean_test_score"][found.best_index_])
        except ValueError as error:  # so scikit-learn says that every fit failed
            told = str(error).strip().splitlines()[-1]
    if not np.isfinite(best):
        told = told or next((str(one.message).strip().splitlines()[-1] for one in heard), "")
        raise PermanentError(
            f"{config.name}: candidate {candidate.name}: no setting of its search could be measured by "
            f"{config.training.select_by} in {len(folds)} folds{f' ({told})' if told else ''}. "
            "Next: ./nightshift lint, search.method random instead of halving, or more train_days"
        )
    sign = 1.0 if greater_is_better(config.training.select_by) else -1.0
    params = {name.removeprefix(STEP): plain(value) for name, value in found.best_params_.items()}
    return Searched(params, config.training.select_by, sign * best, len(folds), _trials(found.cv_results_, sign))


def drawn_from(choice: Range | tuple[Any, ...]) -> Any:
    """What scikit-learn draws a parameter from: a list, or a distribution with `rvs`."""
    if not isinstance(choice, Range):
        return list(choice)
    low, high = choice.low, choice.high
    if isinstance(low, int) and isinstance(high, int):
        return _WholeLog(low, high) if choice.log else stats.randint(low, high + 1)
    return stats.loguniform(low, high) if choice.log else stats.uniform(low, high - low)


def plain(value: Any) -> Any:
    """Python's own number for NumPy's, as a model file would have it."""
    return value.item() if isinstance(value, np.generic) else value


@dataclass(frozen=True)
class _WholeLog:
    """Whole numbers from `low` to `high`, both included, of which orders of magnitude are equally likely."""

    low: int
    high: int

    def rvs(self, random_state: Any = None) -> int:
        drawn = stats.loguniform(self.low - 0.5, self.high + 0.5).rvs(random_state=random_state)
        return int(np.clip(np.rint(drawn), self.low, self.high))


class _Scorer:
    """`training.select_by` of a fitted pipeline, higher being better, as scikit-learn calls it."""

    def __init__(self, config: ModelConfig) -> None:
        self.config = config

    def __call__(self, pipeline: Pipeline, rows: pd.DataFrame, target: pd.Series) -> float:
        config, metric = self.config, self.config.training.select_by
        scores = predict_scores(on_one_thread(pipeline), rows, config)
        found = compute([metric], target.to_numpy(), scores, task=config.task, quantile=config.training.quantile)
        return found[metric] if greater_is_better(metric) else -found[metric]


def _searcher(
    config: ModelConfig, asked: Search, pipeline: Pipeline, scorer: _Scorer, folds: list[Fold]
) -> RandomizedSearchCV | HalvingRandomSearchCV:
    drawn = {f"{STEP}{name}": drawn_from(choice) for name, choice in asked.params.items()}
    shared = {
        "scoring": scorer,
        "cv": folds,
        "refit": False,
        "random_state": config.training.seed,
        "error_score": np.nan,
    }
    if asked.method == "random":
        return RandomizedSearchCV(pipeline, drawn, n_iter=asked.trials, **shared)
    return HalvingRandomSearchCV(
        pipeline, drawn, n_candidates=asked.trials, factor=HALVING_FACTOR, min_resources="exhaust", **shared
    )


def _without_empty(config: ModelConfig, train: pd.DataFrame, folds: list[Fold]) -> ModelConfig:
    """Without the features that have no value in some fold's fitted rows, such as one newer than its days."""
    features = train[list(config.features.names)]
    empty = {str(name) for fitted, _ in folds for name in features.columns[features.iloc[fitted].isna().all()]}
    return without(config, tuple(sorted(empty)))


def _trials(results: Mapping[str, Any], sign: float) -> pd.DataFrame:
    """A line for each trial, the best first; parameters as JSON values, so that true and null can be told from text."""
    params = pd.DataFrame(
        [
            {name.removeprefix(STEP): json.dumps(plain(value)) for name, value in one.items()}
            for one in results["params"]
        ]
    )
    rounds = {
        name: results[source] for name, source in (("round", "iter"), ("rows", "n_resources")) if source in results
    }
    table = params.assign(
        **rounds,
        score=sign * np.asarray(results["mean_test_score"]),
        score_std=results["std_test_score"],
        rank=results["rank_test_score"],
        fit_seconds=np.round(results["mean_fit_time"], 3),
    )
    return table.sort_values("rank", kind="stable", ignore_index=True)

"""Whether an estimator takes the parameters that a model file gives it, searched ones too: for lint."""

from __future__ import annotations

import difflib
import inspect
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils._param_validation import InvalidParameterError

from include.config.estimators import ESTIMATORS, EstimatorSpec
from include.config.schema import Range
from include.config.show import show
from include.training.estimators import estimator_class, parameters_of, quantile_settings, settings_of

if TYPE_CHECKING:
    from include.config.schema import Candidate
    from include.config.section import Task

TRIAL_ROWS = 400
MOST_TRIED = 40
"""Settings of a search that are tried together with the others, at most."""


def candidate_faults(candidate: Candidate, task: Task | None = None, quantile: float | None = None) -> list[str]:
    """Every parameter that the estimator does not have or does not accept, for `./nightshift lint`.

    Where each is accepted by itself, their combination is tried with a fit on a few made-up rows; of a search each
    value of its lists and both ends of its ranges.

    :param task: whose labels are made up; by default the first of the estimator's own
    :param quantile: `training.quantile`, whose parameters a candidate may not set
    """
    spec, path = ESTIMATORS[candidate.estimator], f"training.candidates.{candidate.name}"
    searched = {name: _ends(choice) for name, choice in candidate.search.params.items()} if candidate.search else {}
    asked = [(f"{path}.params.{name}", name, value) for name, value in candidate.params.items()]
    asked += [(f"{path}.search.params.{name}", name, value) for name, ends in searched.items() for value in ends]
    told = [(where, _parameter_fault(spec, name, value, quantile)) for where, name, value in asked]
    faults = list(dict.fromkeys(f"{where}: {message}" for where, message in told if message))
    for where, params in () if faults else _combinations(path, candidate.params, searched):
        if message := _combination_fault(spec, params, task or spec.tasks[0], quantile):
            faults.append(f"{where}: {message}")
    return faults


def _ends(choice: Range | tuple[Any, ...]) -> tuple[Any, ...]:
    return (choice.low, choice.high) if isinstance(choice, Range) else choice


def _combinations(
    path: str, params: Mapping[str, Any], searched: Mapping[str, tuple[Any, ...]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The parameters as they are; of a search the first value of each, and then every other value in turn."""
    first = {**params, **{name: values[0] for name, values in searched.items()}}
    yield (f"{path}.search.params" if searched else f"{path}.params"), first
    others = [(name, value) for name, values in searched.items() for value in values[1:]]
    for name, value in others[:MOST_TRIED]:
        yield f"{path}.search.params.{name}", {**first, name: value}


def _parameter_fault(spec: EstimatorSpec, name: str, value: Any, quantile: float | None) -> str | None:
    """Ask the estimator's own validation, on this parameter alone."""
    found, allowed = estimator_class(spec), parameters_of(spec)
    if name in spec.fixed:
        return f"always {show(spec.fixed[name])} here; remove it"
    if name not in allowed:
        in_order = [one for one in inspect.signature(found).parameters if one in allowed] or allowed
        listed = ", ".join([*in_order, *(one for one in allowed if one not in in_order)])
        return f"{found.__name__} has no such parameter{_near(name, allowed)}; it has {listed}"
    if name in quantile_settings(spec, quantile):
        return f"training.quantile gives {name} {show(quantile_settings(spec, quantile)[name])}; remove it"
    if name == "random_state" and value is None:
        return "null would fit another model each time; remove it (training.seed is taken), or give a number"
    if name == "n_jobs":
        return "threads are given by the environment variable NIGHTSHIFT_THREADS; remove n_jobs"
    made = found(**{name: value})
    if hasattr(made, "_parameter_constraints"):  # scikit-learn's own; other packages say it when they fit
        try:
            made._validate_params()
        except InvalidParameterError as error:
            return str(error)
    return None


def _combination_fault(
    spec: EstimatorSpec, params: Mapping[str, Any], task: Task, quantile: float | None
) -> str | None:
    """Fit on rows that any estimator can learn; some parameters exclude each other, which only `fit` finds."""
    settings = settings_of(spec, params, threads=1, seed=0, quantile=quantile)
    settings |= {name: min(settings[name], 2) for name in ("n_estimators", "max_iter") if settings.get(name)}
    X = np.arange(2 * TRIAL_ROWS, dtype=float).reshape(TRIAL_ROWS, 2)
    rows = np.arange(TRIAL_ROWS)
    target = {"binary": rows % 2, "multiclass": rows % 3, "regression": rows.astype(float)}[task]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # two iterations do not converge, and need not
            estimator_class(spec)(**settings).fit(X, target)
    except Exception as error:  # whatever an estimator raises is why it cannot be fitted
        return " ".join(str(error).split()) or type(error).__name__
    return None


def _near(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""

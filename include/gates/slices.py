"""Whether every value of a column is served alike: the gap between its rows and all the others, against a bound.

The gap's upper confidence limit is judged, at 95 % over all values of the column together (Bonferroni). Values with
too few rows are put before a person: they pass no gate in silence, and refuse none by chance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from include.contracts import GateResult, SliceResult
from include.evidence.paired_difference import EvidenceError, slice_gap
from include.gates.inputs import WORDS, HoldoutScores, dependence, refused, score_fault

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.config.schema import ModelConfig, Slice

ERROR = 0.05
MISSING = "(missing)"
NAMED = 5
"""Values that a sentence names before it counts the rest."""


def slice_gates(config: ModelConfig, holdout: HoldoutScores) -> tuple[list[GateResult], tuple[SliceResult, ...]]:
    """One gate for each declared slice column, and a result for each of its values."""
    gates: list[GateResult] = []
    results: list[SliceResult] = []
    for declared in config.release.slices:
        gate, found = _judge(config, declared, holdout)
        gates.append(gate)
        results += found
    return gates, tuple(results)


def _judge(config: ModelConfig, declared: Slice, holdout: HoldoutScores) -> tuple[GateResult, list[SliceResult]]:
    name = f"slice_{declared.column}_{declared.metric}"
    fault = score_fault(holdout.challenger, holdout.challenger_fault, config.task)
    if fault:
        sentence = f"Slices of {declared.column} cannot be judged: the challenger {fault}."
        return refused(name, declared.max_gap, sentence), []
    if declared.column not in holdout.columns:
        return refused(name, declared.max_gap, f"The holdout rows have no column {declared.column}."), []
    values = names_of(holdout.columns[declared.column])
    found, counts = np.unique(values, return_counts=True)
    large = int((counts >= declared.min_rows).sum())
    confidence = 1 - ERROR / max(1, large)
    results = [
        _slice(config, declared, holdout, str(value), values == value, int(rows), confidence)
        for value, rows in zip(found, counts, strict=True)
    ]
    return _gate(name, declared, results), results


def names_of(column: NDArray[Any]) -> NDArray[np.str_]:
    """The column's values as text (n,), with one name for whatever is missing."""
    series = pd.Series(column)
    return series.astype(object).where(series.notna(), MISSING).astype(str).to_numpy(dtype=str)


def _slice(
    config: ModelConfig,
    declared: Slice,
    holdout: HoldoutScores,
    value: str,
    inside: NDArray[np.bool_],
    rows: int,
    confidence: float,
) -> SliceResult:
    shared: dict[str, Any] = {
        "column": declared.column,
        "value": value,
        "metric": declared.metric,
        "rows": rows,
        "bound": declared.max_gap,
        "protected": declared.column in config.data.protected,
    }
    unknown = {"inside": None, "outside": None, "gap": None, "high": None}
    if rows < declared.min_rows:
        return SliceResult(**shared, **unknown, why_not=f"{rows:,} rows, fewer than {declared.min_rows:,}")
    try:
        gap = slice_gap(
            declared.metric,
            holdout.y,
            np.asarray(holdout.challenger),
            inside,
            confidence=confidence,
            **dependence(config, holdout),
        )
    except EvidenceError as error:
        return SliceResult(**shared, **unknown, why_not=str(error))
    return SliceResult(**shared, inside=gap.inside, outside=gap.outside, gap=gap.gap, high=gap.high)


def _gate(name: str, declared: Slice, results: list[SliceResult]) -> GateResult:
    judged = [result for result in results if result.served != "not judged"]
    left = [result for result in results if result.served == "not judged"]
    word, bound = WORDS[declared.metric], declared.max_gap
    asks = f" A person has to look at {_listed(left)}." if left else ""
    if not judged:
        sentence = f"No value of {declared.column} has enough rows to judge its {word}.{asks}"
        return GateResult(name=name, passed=True, value=None, bound=bound, sentence=sentence, ask_person=True)
    worst = max(judged, key=lambda result: float(result.high or 0.0))
    beyond = [result for result in judged if result.served != "alike"]
    surely = [result for result in beyond if result.served == "worse"]
    if not beyond:
        words = f"All {len(judged)} values of {declared.column} with enough rows are served alike"
    elif surely:
        words = f"{declared.column} {', '.join(result.value for result in surely[:NAMED])} is served worse"
    else:
        words = f"Insufficient evidence that every value of {declared.column} is served alike"
    sentence = (
        f"{words}: the largest gap in {word} is {worst.value}'s, {worst.gap:+.4f} ({worst.inside:.4f} against "
        f"{worst.outside:.4f} elsewhere, {worst.rows:,} rows), with 95 % confidence at most {worst.high:.4f}; "
        f"allowed is {bound:g}.{asks}"
    )
    return GateResult(
        name=name,
        passed=not beyond,
        value=worst.gap,
        bound=bound,
        sentence=sentence,
        judged=worst.high,
        margin=bound - float(worst.high or 0.0),
        ask_person=bool(left),
    )


def _listed(left: list[SliceResult]) -> str:
    named = "; ".join(f"{result.value} ({result.why_not})" for result in left[:NAMED])
    more = f" and {len(left) - NAMED} more" if len(left) > NAMED else ""
    return f"{len(left)} value{'' if len(left) == 1 else 's'} that could not be judged: {named}{more}"

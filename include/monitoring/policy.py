"""When a night asks for retraining: on harm, which is a metric on matured labels, never on movement alone. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from include.config.schema import RetrainRequest


@dataclass(frozen=True)
class PolicyDecision:
    """Whether to ask for retraining, and the sentence that says why or why not."""

    request_retrain: bool
    reason: str


def decide(rule: RetrainRequest | None, performance: Mapping[str, float], rows: int) -> PolicyDecision:
    """Ask for retraining when the live metric passes its bound on enough rows.

    Too few rows, or a metric that could not be computed, never ask: they are no evidence of harm.

    :param performance: the champion's metrics on matured labels
    :param rows: rows that they were computed on
    """
    if rule is None:
        return PolicyDecision(False, "No retraining on harm: the model file has no monitoring.retrain_request.")
    if rows < rule.min_rows:
        return PolicyDecision(
            False,
            f"Insufficient evidence to judge the live {rule.metric}: {rows:,} labelled rows of the last {rule.nights} "
            f"matured nights, {rule.min_rows:,} needed.",
        )
    value = performance.get(rule.metric)
    if value is None or not math.isfinite(value):
        return PolicyDecision(False, f"The live {rule.metric} could not be computed on {rows:,} rows.")
    if rule.min is not None:
        passed, bound = value < rule.min, f"minimum {rule.min:g}"
    else:
        passed, bound = rule.max is not None and value > rule.max, f"maximum {rule.max:g}"
    found = f"live {rule.metric} {value:.4f} on {rows:,} rows of the last {rule.nights} matured nights"
    if passed:
        return PolicyDecision(True, f"Retraining asked for: {found} passes its {bound}.")
    return PolicyDecision(False, f"No retraining needed: {found} keeps its {bound}.")

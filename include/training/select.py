"""Choose one candidate on validation data. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from include.contracts import CandidateResult, Selection
from include.errors import PermanentError
from include.evidence.metrics import greater_is_better

if TYPE_CHECKING:
    from include.config.schema import ModelConfig


def select(config: ModelConfig, results: Sequence[CandidateResult]) -> Selection:
    """Return the best by `training.select_by` on the validation split; of equals, the one listed first.

    Raises PermanentError where no candidate has a usable figure.
    """
    metric = f"validation_{config.training.select_by}"
    sign = 1 if greater_is_better(config.training.select_by) else -1
    usable = [result for result in results if math.isfinite(result.metrics.get(metric, math.nan))]
    if not usable:
        names = ", ".join(result.name for result in results) or "none"
        raise PermanentError(f"{config.name}: no candidate has a finite {metric} (trained: {names}); see their logs")
    ranked = sorted(usable, key=lambda result: (-sign * result.metrics[metric], result.index))
    best = ranked[0]
    reason = f"{best.name} has the best {metric}, {best.metrics[metric]:.4f}"
    if len(ranked) > 1:
        reason += f"; next is {ranked[1].name} with {ranked[1].metrics[metric]:.4f}"
    if dropped := [result.name for result in results if result not in usable]:
        reason += f"; left out for want of a finite figure: {', '.join(dropped)}"
    return Selection(
        chosen=best,
        metric=metric,
        ranking=tuple((result.name, result.metrics[metric]) for result in ranked),
        reason=reason + ".",
    )

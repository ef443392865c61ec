"""evaluate_holdout: judge the chosen candidate once, on the untouched later rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nightshift.operators.base import NightshiftOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class EvaluateHoldout(NightshiftOperator):
    """Return the holdout metrics beside those of a constant prediction."""

    template_fields: Sequence[str] = ("run_context", "selection")

    def __init__(self, *, run_context: Any, selection: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_context = run_context
        self.selection = selection

    def run(self, context: Context) -> dict[str, Any]:
        from include.contracts import RunContext, Selection
        from include.training.jobs import evaluate_holdout

        frozen = RunContext.from_json(self.run_context)
        selection = Selection.from_json(self.selection)
        holdout = evaluate_holdout(frozen, selection)
        self.link_to_run(frozen.experiment_id, selection.chosen.mlflow_run_id)
        self.log.info("%s rows of %s days: %s", f"{holdout.rows:,}", holdout.days, holdout.metrics)
        return holdout.to_json()

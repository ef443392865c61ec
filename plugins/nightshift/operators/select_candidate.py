"""select_candidate: choose one candidate on validation data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nightshift.operators.base import NightshiftOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class SelectCandidate(NightshiftOperator):
    """Return the chosen candidate and why; the holdout is not looked at."""

    template_fields: Sequence[str] = ("run_context", "trained")

    def __init__(self, *, run_context: Any, trained: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_context = run_context
        self.trained = trained

    def run(self, context: Context) -> dict[str, Any]:
        from include.training.jobs import select_candidate

        from include.contracts import CandidateResult, RunContext

        frozen = RunContext.from_json(self.run_context)
        results = [CandidateResult.from_json(result) for result in self.trained]
        selection = select_candidate(frozen, results)
        self.link_to_run(frozen.experiment_id, selection.chosen.mlflow_run_id)
        self.log.info(selection.reason)
        return selection.to_json()

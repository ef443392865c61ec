"""select_candidate: choose one candidate on validation data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nightshift.links import MlflowLink
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
        from include.contracts import CandidateResult, RunContext
        from include.tracking.naming import compare_url
        from include.training.jobs import select_candidate

        frozen = RunContext.from_json(self.run_context)
        results = [CandidateResult.from_json(result) for result in self.trained]
        selection = select_candidate(frozen, results)
        compared = [result.mlflow_run_id for result in results]
        self.link_urls[MlflowLink.name] = compare_url(self.ui_url, frozen.experiment_id, compared)
        self.log.info(selection.reason)
        return selection.to_json()

"""train_candidate: fit one candidate on the train split and measure it on the validation split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nightshift.operators.base import NightshiftOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class TrainCandidate(NightshiftOperator):
    """Mapped over the candidates' names, so that they train side by side."""

    template_fields: Sequence[str] = ("run_context", "candidate")

    def __init__(self, *, run_context: Any, candidate: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_context = run_context
        self.candidate = candidate

    def run(self, context: Context) -> dict[str, Any]:
        from include.contracts import RunContext
        from include.training.jobs import train_candidate

        context["candidate"] = self.candidate  # type: ignore[typeddict-unknown-key]  # names the mapped task in the UI
        frozen = RunContext.from_json(self.run_context)
        trained = train_candidate(frozen, self.candidate)
        self.link_to_run(frozen.experiment_id, trained.mlflow_run_id)
        self.log.info("%s fitted in %.1f s: %s", trained.name, trained.fit_seconds, trained.metrics)
        return trained.to_json()

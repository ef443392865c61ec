"""validate_data: check the training window as a whole before anything is fitted on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nightshift.operators.base import NightshiftOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class ValidateData(NightshiftOperator):
    """Return the names of the candidates that may be trained on the window; bad data blocks all of them.

    The list comes from the frozen configuration, and the training tasks are mapped over it, so that a model file
    edited meanwhile cannot mix into this run.
    """

    template_fields: Sequence[str] = ("run_context",)

    def __init__(self, *, run_context: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_context = run_context

    def run(self, context: Context) -> list[str]:
        from include.contracts import RunContext
        from include.tracking.runs import load_config
        from include.validation.window import validate_window

        frozen = RunContext.from_json(self.run_context)
        config = load_config(frozen.mlflow_run_id)
        for failure in validate_window(config, frozen):
            self.log.warning("%s: %s", failure.rule, failure.detail)
        self.link_to_run(frozen.experiment_id, frozen.mlflow_run_id)
        return [candidate.name for candidate in config.training.candidates]

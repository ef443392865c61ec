"""register_model: put the chosen candidate into the MLflow registry as a new version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nightshift.links import MlflowLink
from nightshift.operators.base import NightshiftOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class RegisterModel(NightshiftOperator):
    """Return the version and write its model card; a retry finds the version that it registered before."""

    template_fields: Sequence[str] = ("run_context", "selection", "holdout")

    def __init__(self, *, run_context: Any, selection: Any, holdout: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_context = run_context
        self.selection = selection
        self.holdout = holdout

    def run(self, context: Context) -> dict[str, Any]:
        from include.contracts import Holdout, RunContext, Selection
        from include.release import card, trials
        from include.tracking import registry, runs
        from include.tracking.naming import model_version_url

        frozen = RunContext.from_json(self.run_context)
        selection, holdout = Selection.from_json(self.selection), Holdout.from_json(self.holdout)
        config = runs.load_config(frozen.mlflow_run_id)
        registered = registry.register(frozen, selection, holdout, challenge=trials.on_trial(config) is None)
        card.write(config, frozen, registered)
        self.link_urls[MlflowLink.name] = model_version_url(self.ui_url, registered.model, registered.version)
        self.log.info("Registered %s version %s", registered.model, registered.version)
        return registered.to_json()

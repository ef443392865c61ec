"""verify_champion: load what is now served and replay the golden rows of the version that was meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nightshift.links import MlflowLink
from nightshift.operators.base import NightshiftOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class VerifyChampion(NightshiftOperator):
    """Fail where the served model is not the gated one; the asset `<model>.champion` changes only after this.

    What ordinary days of its training window are like is kept with the version, for the nights that are to come.
    """

    template_fields: Sequence[str] = ("event",)

    def __init__(self, *, event: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.event = event

    def run(self, context: Context) -> dict[str, Any]:
        from include.config.loader import find_model
        from include.contracts import ReleaseEvent
        from include.drift.compare_days import keep_null
        from include.release.promotion import verify_champion
        from include.tracking.naming import model_version_url

        event = ReleaseEvent.from_json(self.event)
        verify_champion(event.model, event.version)
        self.link_urls[MlflowLink.name] = model_version_url(self.ui_url, event.model, event.version)
        self.log.info("The served model is version %s and repeats its golden predictions", event.version)
        keep_null(find_model(event.model), event.version)
        return event.to_json()

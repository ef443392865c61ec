"""score_batch: predict the validated days that are not scored yet, or were validated again since."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.bases.operatorlink import BaseOperatorLink

from nightshift.links import MlflowLink
from nightshift.nights import date_param, night_of
from nightshift.operators.base import NightshiftOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class ScoreBatch(NightshiftOperator):
    """Looks at the tables, not at the event that woke it, so a doubled or late event changes nothing."""

    operator_extra_links: Sequence[BaseOperatorLink] = (MlflowLink(),)

    def run(self, context: Context) -> dict[str, Any]:
        from include.config.loader import find_model
        from include.scoring.batch import score
        from include.tracking.naming import model_version_url

        config = find_model(self.model)
        as_of = night_of(context, config.schedule.timezone)
        result = score(config, as_of, date_param(context, "start"), date_param(context, "end"))
        if version := result.versions.get("champion"):
            self.link_urls[MlflowLink.name] = model_version_url(self.ui_url, self.model, version)
        self.log.info("Scored %s rows of %s days", f"{result.rows:,}", len(result.scored_days))
        if result.rows_failed:
            self.log.warning("%s rows could not be scored; the table says why, row by row", result.rows_failed)
        return result.to_json()

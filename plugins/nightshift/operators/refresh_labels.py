"""refresh_labels: read earlier days' labels again, fill in those that came late, replace those that were corrected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from nightshift.nights import date_param, night_of
from nightshift.operators.base import NightshiftOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class RefreshLabels(NightshiftOperator):
    """Stands beside `ingest_day`, not after it: a refused day and a source of labels that fails stop only themselves.

    Skips where the form names days: then those are ingested and nothing else is looked at.
    """

    operator_extra_links = ()

    def run(self, context: Context) -> dict[str, Any]:
        from include.config.loader import find_model
        from include.validation.labels import refresh_labels

        if date_param(context, "start") or date_param(context, "end"):
            raise AirflowSkipException(
                "Days are named by hand: their labels are read with them, others' are left alone"
            )
        config = find_model(self.model)
        result = refresh_labels(config, night_of(context, config.schedule.timezone))
        for line in result.summary():
            self.log.info(line)
        if not result.days and not result.snapshot:
            self.log.info("No label came or changed on the days looked at: %s", result.looked_at or "none are stored")
        return result.to_json()

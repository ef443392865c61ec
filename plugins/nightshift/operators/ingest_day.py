"""ingest_day: read the asked days from the source, validate them, set bad rows aside, write the rest; late labels."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk.bases.operatorlink import BaseOperatorLink

from nightshift.links import ReportLink, report_url
from nightshift.nights import date_param, night_of
from nightshift.operators.base import NightshiftOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class IngestDay(NightshiftOperator):
    """Ingest the day before the run's night and look again at earlier days' labels, or ingest the form's range.

    Fails, without a retry, when a day was refused; the other days of a range are written all the same.
    """

    operator_extra_links: Sequence[BaseOperatorLink] = (ReportLink(),)

    def run(self, context: Context) -> dict[str, Any]:
        from include.config.loader import find_model
        from include.errors import DataRefused
        from include.validation.ingest import ingest
        from include.validation.labels import refresh_labels

        config = find_model(self.model)
        night = night_of(context, config.schedule.timezone)
        named = date_param(context, "start") or date_param(context, "end")
        start = named or night - timedelta(days=1)
        end = date_param(context, "end") or start
        result = ingest(config, start, end, night)
        if named is None:
            labels = refresh_labels(config, night)
            result = result.model_copy(update={"labels": labels, "table_version": labels.table_version})
        for line in result.summary():
            self.log.info(line)
        if result.report:
            self.link_urls[ReportLink.name] = report_url(result.report)
        if refused := result.refused_days:
            raise DataRefused(f"{self.model}: {len(refused)} of {len(result.days)} days refused; see the lines above")
        return result.to_json()

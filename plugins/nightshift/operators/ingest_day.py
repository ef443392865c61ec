"""ingest_day: read the asked days from the source, validate them, set bad rows aside, write the rest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk.bases.operatorlink import BaseOperatorLink
from airflow.sdk.exceptions import AirflowSkipException

from nightshift.links import ReportLink, report_url
from nightshift.nights import date_param, night_of, today_in
from nightshift.operators.base import NightshiftOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.config.schema import ModelConfig


class IngestDay(NightshiftOperator):
    """Ingest the day before the run's night, or the form's range.

    Fails, without a retry, when a day was refused; the other days of a range are written all the same. A history, which
    is several days in one run, fails only where more of it is refused than training can do without.
    """

    operator_extra_links: Sequence[BaseOperatorLink] = (ReportLink(),)

    def run(self, context: Context) -> dict[str, Any]:
        from include.config.loader import find_model
        from include.data.gaps import may_miss
        from include.errors import DataRefused
        from include.validation.ingest import ingest

        config = find_model(self.model)
        night = night_of(context, config.schedule.timezone)
        by_hand = date_param(context, "start") or date_param(context, "end")
        start = by_hand or night - timedelta(days=1)
        end = date_param(context, "end") or start
        result = ingest(config, start, end, night, today=today_in(config.schedule.timezone))
        for line in result.summary():
            self.log.info(line)
        if result.report:
            self.link_urls[ReportLink.name] = report_url(result.report)
        if refused := result.refused_days:
            if not by_hand and not any(one.rows for one in refused):
                self.skip_where_ended(context, config, night)
            said = f"{len(refused)} of {len(result.days)} days refused; see the lines above"
            if len(result.days) == 1 or not may_miss(config, len(refused), len(result.days)):
                raise DataRefused(f"{self.model}: {said}")
            self.log.warning("%s. Training can do without them (training.max_missing_share)", said)
        return result.to_json()

    def skip_where_ended(self, context: Context, config: ModelConfig, night: date) -> None:
        """Skip the night of a source that is a record of the past, told once; nobody is woken for each."""
        from include.alerts.failures import note
        from include.data.source_end import sentence, source_end

        if end := source_end(config, night):
            said = sentence(config, end)
            note(self.model, f"source_end:{end}", said, night, {"Airflow": context["ti"].log_url}, "warning")
            raise AirflowSkipException(said)

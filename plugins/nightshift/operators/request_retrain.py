"""request_retrain: ask for a retrain run where the night's policy says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from nightshift.operators.base import NightshiftOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class RequestRetrain(NightshiftOperator):
    """Its asset `<model>.retrain_requested` starts `<model>__retrain`; skipped, with the reasons, otherwise.

    A night is looked at more than once, and asks once: the run that asks is noted before its event, so that its own
    retry asks all the same and no other run does. Nor does one where a version has been trained as of the night.
    """

    template_fields: Sequence[str] = ("result",)
    operator_extra_links = ()

    def __init__(self, *, result: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.result = result

    def run(self, context: Context) -> list[str]:
        from include.contracts import MonitorResult
        from include.monitoring import requests
        from include.tracking.registry import newest_as_of

        result = MonitorResult.from_json(self.result)
        reasons = result.decision.reasons if result.decision else result.reasons
        if not result.request_retrain:
            raise AirflowSkipException("No retraining asked for. " + " ".join(reasons))
        trained = newest_as_of(self.model)
        if trained is not None and trained >= result.night:
            raise AirflowSkipException(f"Retrained as of {trained} already. " + " ".join(reasons))
        mine = context["dag_run"].run_id
        made = requests.claim(self.model, result.night, mine, reasons)
        if made.airflow_run_id != mine:
            raise AirflowSkipException(
                f"Asked for on the night of {made.night} already, by run {made.airflow_run_id}. " + " ".join(reasons)
            )
        for reason in reasons:
            self.log.info(reason)
        return list(reasons)

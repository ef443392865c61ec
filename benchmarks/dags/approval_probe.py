"""An Airflow DAG that asks a person with the real operator about a decision that was prepared, and trains nothing.

Its run's `conf` holds `run_context` and `decision`, and `kill`: whether the task's process is killed once, between
putting the question and waiting for its answer. Not in the DAGs folder: benchmarks and tests name this one beside it.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from airflow.sdk import DAG, task
from airflow.sdk.exceptions import TaskDeferred
from nightshift.operators.approve_release import ApproveRelease


class KilledOnce(ApproveRelease):
    """Dies on the first try, when the question has been put and nobody waits for the answer yet."""

    def run(self, context: Any) -> Any:
        try:
            return super().run(context)
        except TaskDeferred:
            if context["dag_run"].conf.get("kill") and context["ti"].try_number == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            raise


with DAG(
    "approval_probe",
    schedule=None,
    max_active_runs=50,
    max_active_tasks=50,
    render_template_as_native_obj=True,
    is_paused_upon_creation=False,
):
    asked = KilledOnce(
        task_id="approve_release",
        model="flight_delay",
        run_context="{{ dag_run.conf['run_context'] }}",
        decision="{{ dag_run.conf['decision'] }}",
    )

    @task(task_id="promote_model")
    def promote_model(approval: dict[str, Any]) -> dict[str, Any]:
        """What comes next gets the answer."""
        return approval

    promote_model(asked.output)

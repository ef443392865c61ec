"""An Airflow DAG with Airflow's own approval task, with neither retries nor memory, to compare with."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, TriggerRule, task

with DAG("approval_plain", schedule=None, max_active_runs=50, max_active_tasks=50, is_paused_upon_creation=False):
    asked = ApprovalOperator(
        task_id="approve_release",
        subject="Serve it?",
        defaults="Reject",
        response_timeout=timedelta(hours=1),
        params={"reason": ""},
        retries=0,
    )

    @task(task_id="promote_model", trigger_rule=TriggerRule.ALL_DONE)
    def promote_model(answer: Any) -> Any:
        return answer

    promote_model(asked.output)

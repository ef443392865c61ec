"""Looks for a person's answer in the database, which a task itself may not read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.providers.standard.triggers.hitl import HITLTrigger
from airflow.triggers.base import TriggerEvent

POKE_SECONDS = 15.0
"""How often to look for an answer, or whether the deadline has passed. Most answers resume the task by themselves."""


class StoredAnswer(HITLTrigger):
    """Gives the answer that is stored, or waits for one, but first lets the scheduler see the worker's end.

    The scheduler takes a worker's end for a crash where the task has been queued again by then (apache/airflow issue
    67287), so what resumes a task must come later.

    :param settle_seconds: how long to wait before looking
    """

    def __init__(self, *, settle_seconds: float, poke_interval: float = POKE_SECONDS, **kwargs: Any) -> None:
        super().__init__(poke_interval=poke_interval, **kwargs)
        self.settle_seconds = settle_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        _, arguments = super().serialize()
        return f"{__name__}.{type(self).__name__}", {**arguments, "settle_seconds": self.settle_seconds}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        await asyncio.sleep(self.settle_seconds)
        async for event in super().run():
            yield event

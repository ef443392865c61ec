"""A served model for the monitoring tests."""

from __future__ import annotations

from tests.unit.served import _trained, served, unreleased
from tests.unit.tasks import _of_tasks, of_tasks

__all__ = ["_of_tasks", "_trained", "of_tasks", "served", "unreleased"]

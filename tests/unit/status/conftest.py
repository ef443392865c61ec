"""Served models of every task for the status tests."""

from __future__ import annotations

from tests.unit.tasks import _of_tasks, of_tasks

__all__ = ["_of_tasks", "of_tasks"]

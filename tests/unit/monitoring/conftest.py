"""A served model for the monitoring tests."""

from __future__ import annotations

from tests.unit.served import _trained, served, unreleased

__all__ = ["_trained", "served", "unreleased"]

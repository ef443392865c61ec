"""The section `alerts` of a model file: who is told, by name. Addresses, being secrets, are in NIGHTSHIFT_ALERTS."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from include.config.section import Name, Section


class AlertsConfig(Section):
    """Which of the targets in `NIGHTSHIFT_ALERTS` are told, by their tags; without tags, all of them.

    An alarm that stays open is told again after `remind_after_nights`.
    """

    tags: tuple[Name, ...] = ()
    remind_after_nights: int = Field(default=7, ge=1, le=365)

    @field_validator("tags", mode="before")
    @classmethod
    def _names_only(cls, given: Any) -> Any:
        """An address holds a secret, so it is refused without being shown."""
        if any("://" in str(tag) for tag in (given if isinstance(given, list | tuple) else [given])):
            raise ValueError(
                "an address was received (not shown, as it may hold a secret); allowed are names of targets, such as "
                "ops. Next: put tag and address into the variable NIGHTSHIFT_ALERTS, as ops=slack://..."
            )
        return given

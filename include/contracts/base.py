"""What every contract is: frozen, and refusing what it does not know."""

from __future__ import annotations

from datetime import date
from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Contract(BaseModel):
    """Base: immutable, refuses unknown fields, round-trips through JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types, as XCom stores them."""
        return self.model_dump(mode="json")

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read back what `to_json` wrote; raises pydantic.ValidationError on anything else."""
        return cls.model_validate(value)


class DayRange(Contract):
    """Calendar days from `start` to `end`, both included."""

    start: date
    end: date

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1

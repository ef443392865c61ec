"""Which nights are replayed, which of them train, what rows they need, and where what they leave is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from croniter import croniter

from include.config import environment
from include.config.schema import ModelConfig
from include.contracts import DayRange
from include.data.windows import lookback_days, training_windows
from include.errors import PermanentError
from include.tracking.provenance import lock_hash

SCHEMA = 1
"""Raised whenever what is kept of a night changes, so that older folders are left alone."""
CODE = ("include/training", "include/data", "include/replay/nights.py")
"""What decides how a night's model comes out, beside its configuration and its rows."""


@dataclass(frozen=True)
class Plan:
    """Nights `first` to `last`, both included, under one configuration."""

    config: ModelConfig
    first: date
    last: date

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise PermanentError(
                f"{self.config.name}: --from {self.first} is after --to {self.last}; give the earlier night as --from"
            )

    @property
    def nights(self) -> list[date]:
        return [self.first + timedelta(days=step) for step in range((self.last - self.first).days + 1)]

    @property
    def scheduled(self) -> list[date]:
        """Nights on which `schedule.retrain` fires."""
        before = datetime(self.first.year, self.first.month, self.first.day) - timedelta(minutes=1)
        moments, found = croniter(self.config.schedule.retrain, before), []
        while (night := moments.get_next(datetime).date()) <= self.last:
            found.append(night)
        return list(dict.fromkeys(found))

    @property
    def days(self) -> DayRange:
        """Days whose rows the nights read, from what the first night's rates reach back to."""
        first = training_windows(self.config, self.first).whole.start - timedelta(days=lookback_days(self.config))
        return DayRange(start=first, end=self.last - timedelta(days=1))


def home(model: str) -> Path:
    """Folder of all replays of a model; nothing of it is read by anything but a replay."""
    return environment.state_dir() / "replays" / model


def rows_folder(config: ModelConfig) -> Path:
    """Where a replay keeps rows that it read from the source: another source or other rules, another folder."""
    return home(config.name) / f"rows-{_digest([config.data, config.validation])}"


def nights_folder(config: ModelConfig) -> Path:
    """Where trained nights are kept: only what training depends on names it, so that policies share them."""
    parts = [SCHEMA, config.data, config.features, config.training, lock_hash(), _code_hash()]
    return home(config.name) / f"nights-{_digest(parts)}"


def result_folder(plans: Sequence[Plan], names: Sequence[str]) -> Path:
    """Where the page and the figures of these policies over this stretch go."""
    parts = [[name, plan.config, str(plan.first), str(plan.last)] for name, plan in zip(names, plans, strict=True)]
    return home(plans[0].config.name) / _digest(parts)


def _code_hash() -> str:
    """Digest of the code that trains: nights of an earlier version of it are not taken for this one's."""
    found = hashlib.sha256()
    for place in CODE:
        path = environment.REPOSITORY / place
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            found.update(file.read_bytes())
    return found.hexdigest()


def _digest(parts: Any) -> str:
    def plain(value: Any) -> Any:
        return value.model_dump(mode="json") if hasattr(value, "model_dump") else str(value)

    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=plain).encode()).hexdigest()[:16]

"""Model files that have faults: what is wrong with them, and which version is served meanwhile.

No night runs for such a file, so that no task tells of it. The ledger alone is read: it answers without any service.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from include.config import environment
from include.config.loader import load_model, load_models
from include.errors import ConfigError
from include.release import ledger


@dataclass(frozen=True)
class FaultyFile:
    """A model file with faults, and what the ledger says is served: a version, since when."""

    model: str
    faults: tuple[str, ...]
    champion: int | None
    since: datetime | None

    @property
    def first(self) -> str:
        """The first fault, and how many more there are."""
        more = len(self.faults) - 1
        return self.faults[0] + (f" (and {more} more fault{'s' if more > 1 else ''})" if more else "")

    @property
    def still_served(self) -> str:
        """What holds while the file is faulty."""
        if self.champion is None:
            return "No version was released yet, and no night runs until the file is mended"
        since = f" since {self.since:%Y-%m-%d %H:%M} UTC" if self.since else ""
        return f"Version {self.champion} is still served{since}; no night trains, scores or watches until it is mended"

    @property
    def next(self) -> str:
        """The command that shows every fault with its line."""
        return f"./nightshift lint {self.model}"


def faulty_files() -> list[FaultyFile]:
    """Every model file with faults, by name."""
    return [_faulty(error) for error in load_models()[1]]


def fault_of(model: str) -> FaultyFile | None:
    """The faults of one model's file as it is now; None where it has none."""
    try:
        load_model(environment.models_dir() / f"{model}.yaml")
    except ConfigError as error:
        return _faulty(error)
    return None


def _faulty(error: ConfigError) -> FaultyFile:
    model = Path(error.path).stem
    version, since = ledger.champion(ledger.history(model))
    return FaultyFile(model, tuple(error.faults), version, since)

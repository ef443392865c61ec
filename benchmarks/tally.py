"""What a run of kills and races counted and found, and how it is told."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass, field

STAGES = (
    "before the intention",
    "after the intention",
    "after previous_champion moved",
    "after champion moved",
    "after the outcome",
)
BETWEEN = STAGES[1:4]
MENDING = ("the task's retry", "repair, then the retry", "the next night's run")


@dataclass
class Tally:
    """What was tried and found. `faults` says in sentences what must not happen."""

    kills: dict[str, Counter[str]] = field(default_factory=lambda: {"promote": Counter(), "rollback": Counter()})
    mended: Counter[str] = field(default_factory=Counter)
    finished_first: int = 0
    moved_after_death: int = 0
    races: Counter[str] = field(default_factory=Counter)
    overlapping: int = 0
    freed_seconds: list[float] = field(default_factory=list)
    looks: int = 0
    faults: list[str] = field(default_factory=list)

    def between(self, kind: str) -> int:
        """Kills between the first write and the last."""
        return sum(self.kills[kind][stage] for stage in BETWEEN)

    def lines(self) -> list[str]:
        """The report."""
        said = []
        for kind, found in self.kills.items():
            said.append(f"{kind}: {self.between(kind)} killed between first and last write, {found.total()} in all")
            said += [f"  {found[stage]:4d}  {stage}" for stage in STAGES]
        said.append(f"finished before the kill came: {self.finished_first}")
        said.append(f"alias moved by a request whose sender was dead: {self.moved_after_death}")
        said.append("mended by " + ", ".join(f"{way}: {self.mended[way]}" for way in MENDING))
        said += [f"race, {name}: {count}" for name, count in sorted(self.races.items())]
        said.append(f"races of two in which both were under way at once: {self.overlapping}")
        if self.freed_seconds:
            waited = [1000 * seconds for seconds in self.freed_seconds]
            said.append(
                f"lock of a killed process taken over after: median {statistics.median(waited):.0f} ms, "
                f"longest {max(waited):.0f} ms of {len(waited)}"
            )
        said.append(f"the watcher asked {self.looks} times who is champion")
        return [*said, f"faults: {len(self.faults)}", *(f"  {fault}" for fault in self.faults)]

"""What must hold after every trial: the ledger tells what the database has seen, and nothing is lost."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from itertools import pairwise

from benchmarks.registry import MODEL, Registry
from include.contracts import ReleaseEvent
from include.errors import NightshiftError
from include.release import ledger
from include.tracking import registry

LOOK_SECONDS = 0.2

LETTERS = {"intended": "i", "refused": "r", "promoted": "p", "rolled_back": "b"}
CLOSED = re.compile(r"(i[rpb]|r)+")
"""Events of one release: each intention has one outcome right after it; only a refusal stands alone."""


class Watcher(threading.Thread):
    """Asks MLflow who is champion, as scoring would, and keeps each answer that differs from the one before."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen: list[int | None] = []
        self.looks = 0
        self.failed: list[str] = []
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(LOOK_SECONDS):
            try:
                champion = registry.champion_version(MODEL)
            except NightshiftError as error:
                self.failed.append(f"the watcher was not answered: {error}")
                continue
            self.looks += 1
            if not self.seen or self.seen[-1] != champion:
                self.seen.append(champion)

    def faults(self, world: Registry) -> list[str]:
        """Stop, and say what it saw that the database did not."""
        self.ended.set()
        self.join()
        agrees = is_part(self.seen, champions(world))
        return [*self.failed, *([] if agrees else [f"the watcher saw {self.seen}"])]


def faults(world: Registry) -> list[str]:
    """What contradicts one champion at every instant, a consistent ledger, or the keeping of every version."""
    history = ledger.history(MODEL)
    return [*_faults_of_moves(world, history), *_faults_of_lines(history), *_faults_of_versions(world)]


def champions(world: Registry) -> list[int | None]:
    """Every version that was served, in order, as the database saw it."""
    return [after for _, _, after in _moves(world)]


def is_part(seen: Sequence[int | None], of: Sequence[int | None]) -> bool:
    """Whether `seen` is `of` with some left out, in the same order."""
    rest = iter(of)
    return all(version in rest for version in seen)


def _moves(world: Registry) -> list[tuple[str, int | None, int]]:
    query = "SELECT what, before, after FROM alias_moves WHERE alias = 'champion' ORDER BY number"
    return [(what, before, after) for what, before, after in world.query(query)]


def _faults_of_moves(world: Registry, history: list[ReleaseEvent]) -> list[str]:
    """Made once, then only moved, each time from where it was: so there was never none, and never two."""
    moves = _moves(world)
    found = []
    if [what for what, _, _ in moves] != ["INSERT", *["UPDATE"] * (len(moves) - 1)]:
        found.append(f"the champion's alias was made or removed: {moves[-3:]}")
    if any(move[1] != earlier[2] for earlier, move in pairwise(moves)):
        found.append(f"champions do not follow on one another: {moves[-3:]}")
    told = [
        (line.champion_before, line.champion_after) for line in history if line.event in ("promoted", "rolled_back")
    ]
    if told != [(before, after) for _, before, after in moves]:
        found.append(f"the ledger's last moves are {told[-3:]}, the database saw {moves[-3:]}")
    return found


def _faults_of_lines(history: list[ReleaseEvent]) -> list[str]:
    releases: dict[tuple[str, int], str] = {}
    for line in history:
        key = (line.airflow_run_id, line.version)
        releases[key] = releases.get(key, "") + LETTERS[line.event]
    return [
        f"{run}, version {version}: its lines are {said}, each intention needs one outcome"
        for (run, version), said in releases.items()
        if not CLOSED.fullmatch(said)
    ]


def _faults_of_versions(world: Registry) -> list[str]:
    [(kept,)] = world.query("SELECT count(*) FROM model_versions WHERE status = 'READY'")
    [(aliases,)] = world.query("SELECT count(*) FROM registered_model_aliases WHERE alias = 'champion'")
    found = []
    if kept != world.registered:
        found.append(f"{kept} versions are in the registry, {world.registered} were registered")
    if aliases != 1:
        found.append(f"{aliases} champions")
    return found

"""Promotions and rollbacks killed with SIGKILL at random moments, and raced against each other, on the real services.

    python -m benchmarks.promotions                        # 200 kills, 50 races
    python -m benchmarks.promotions --kills 20 --races 5 --seed 7

Starts PostgreSQL and MLflow in a folder of its own, and stops them. A trial runs the real `promote` or `rollback` in a
child process and kills it at a moment drawn evenly from its usual course after the first write, now and then before it.
Counted are the kills that struck between the first write and the last; the others are shown too. A trigger in MLflow's
database keeps every change of an alias, and a watcher asks MLflow all the while who is champion. After each trial the
next run mends what was left, and then the ledger must tell exactly what the database has seen.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import consistency
from benchmarks import registry as services
from benchmarks.children import Child, Done, Job
from benchmarks.consistency import Watcher
from benchmarks.registry import MODEL, Registry
from benchmarks.tally import MENDING, STAGES, Tally
from include.contracts import ReleaseEvent
from include.data import tables
from include.release import ledger, promotion
from include.tracking import naming, registry

HEAD_START_SECONDS = 0.05
NIGHT_SECONDS = 0.5
EARLY = 0.2
"""Share of the kills that are meant to come before the first write."""


class Trials:
    """The trials, one after another, on one registry."""

    def __init__(self, world: Registry, seed: int) -> None:
        self.world = world
        self.random = random.Random(seed)
        self.tally = Tally()
        self.courses: dict[str, list[tuple[float, float]]] = {"promote": [], "rollback": []}
        """Of undisturbed jobs: seconds from the start to the first write, and from there to the end."""
        self.rollbacks = 0

    def promotion(self, champion: int | None = None) -> Job:
        """Promote a new version, gated against `champion`, by default the one of now."""
        version = self.world.add_version()
        context = self.world.context(version)
        against = champion or registry.champion_version(MODEL)
        return Job("promote", context.airflow_run_id, version, against, context)

    def rollback(self, to: int | None = None) -> Job:
        self.rollbacks += 1
        return Job("rollback", f"rollback-{self.rollbacks}", to)

    def job(self, kind: str) -> Job:
        return self.promotion() if kind == "promote" else self.rollback()

    def finish(self, job: Job) -> Done:
        done = Child(job, self.world.variables).go().result()
        if done.event is None:
            raise RuntimeError(f"{job.kind} failed: {done.error}")
        return done

    def calibrate(self, kind: str) -> None:
        """Run a job undisturbed, and keep how long it takes to its first write, and from there to its end."""
        first_write = next_write()
        child = Child(self.job(kind), self.world.variables).go()
        begun = time.perf_counter()
        child.wait_for(first_write)
        written = time.perf_counter()
        if (done := child.result()).event is None:
            raise RuntimeError(f"{kind} failed: {done.error}")
        self.courses[kind].append((written - begun, time.perf_counter() - written))

    def wait(self, kind: str, child: Child, first_write: Path) -> None:
        """Until the moment to kill, drawn evenly from the course after the first write, or now and then before."""
        before, after = (statistics.median(course) for course in zip(*self.courses[kind][-5:], strict=True))
        if self.random.random() < EARLY:
            time.sleep(self.random.uniform(0, before))
        else:
            child.wait_for(first_write)
            time.sleep(self.random.uniform(0, after))

    def kill(self, kind: str) -> None:
        """One trial: start, kill, look, mend, look again."""
        job = self.job(kind)
        before = registry.champion_version(MODEL)
        first_write = next_write()
        child = Child(job, self.world.variables).go()
        self.wait(kind, child, first_write)
        if not child.kill():
            self.tally.finished_first += 1
            return
        stage = self.stage(job, before)
        self.tally.kills[kind][stage] += 1
        self.mend(job, stage)
        self.check(f"{kind} killed {stage}")

    def stage(self, job: Job, before: int | None) -> str:
        """How far the killed job had come, by what it had written."""
        said = [line.event for line in lines_of(job)]
        if not said:
            return STAGES[0]
        if said[-1] != "intended":
            return STAGES[4]
        if registry.champion_version(MODEL) != before:
            return STAGES[3]
        return STAGES[2] if registry.alias_version(MODEL, naming.PREVIOUS_CHAMPION) == before else STAGES[1]

    def mend(self, job: Job, stage: str) -> None:
        """Let the next one find what the killed one left, as a retry, a person or the next night would."""
        way = self.random.choice(MENDING)
        self.tally.mended[way] += 1
        if way == MENDING[1]:
            promotion.repair(MODEL)
        if way == MENDING[2]:
            time.sleep(NIGHT_SECONDS)
            event = self.finish(self.promotion()).event
        else:
            event = self.finish(job).event
        if event is None or event.event == "refused" or registry.champion_version(MODEL) != event.champion_after:
            self.tally.faults.append(f"{job.kind} killed {stage}, then {way}: {event}")
        moved = any("after the alias moved" in line.reason for line in lines_of(job))
        self.tally.moved_after_death += moved and stage in STAGES[:3]

    def race(self) -> None:
        """Two versions gated against the same champion, promoted at the same moment."""
        champion = registry.champion_version(MODEL)
        done = self.at_once([self.promotion(champion), self.promotion(champion)])
        outcome = " and ".join(sorted(event.event for event in done))
        self.tally.races[f"two promotions: {outcome}"] += 1
        if outcome != "promoted and refused":
            self.tally.faults.append(f"race of two promotions: {outcome}")
            return
        won, lost = sorted(done, key=lambda event: event.event)
        if f"changed from version {champion} to version {won.version}" not in lost.reason:
            self.tally.faults.append(f"the race's loser was told: {lost.reason}")
        self.check("race of two promotions")

    def race_with_rollback(self) -> None:
        """A promotion and a rollback at the same moment must end as if one had come after the other."""
        back = registry.alias_version(MODEL, naming.PREVIOUS_CHAMPION)
        done = self.at_once([self.promotion(), self.rollback(to=back)])
        outcome = " and ".join(sorted(event.event for event in done))
        self.tally.races[f"promotion and rollback: {outcome}"] += 1
        if outcome not in ("promoted and rolled_back", "refused and rolled_back"):
            self.tally.faults.append(f"race of promotion and rollback: {outcome}")
        self.check("race of promotion and rollback")

    def race_with_kill(self) -> None:
        """The one that holds the lock is killed while another, gated against the same champion, waits for it."""
        champion = registry.champion_version(MODEL)
        killed, waiting = self.promotion(champion), self.promotion(champion)
        first, second = (Child(job, self.world.variables) for job in (killed, waiting))
        first_write = next_write()
        first.go()
        time.sleep(HEAD_START_SECONDS)
        second.go()
        self.wait("promote", first, first_write)
        first.kill()
        event = second.result().event
        outcome = event.event if event else "failed"
        self.tally.races[f"holder killed, the waiting one: {outcome}"] += 1
        served = registry.champion_version(MODEL)
        if served != (waiting if outcome == "promoted" else killed).version:
            self.tally.faults.append(f"holder killed, the waiting one {outcome}, but version {served} is served")
        promotion.repair(MODEL)  # where the one that was killed had been the one that waited
        self.check("race with a kill")

    def at_once(self, jobs: list[Job]) -> list[ReleaseEvent]:
        """Start the jobs in a random order, as close as two messages are."""
        children = [Child(job, self.world.variables) for job in self.random.sample(jobs, len(jobs))]
        done = [child.result() for child in [child.go() for child in children]]
        self.tally.overlapping += max(one.begun for one in done) < min(one.begun + one.seconds for one in done)
        if failed := [one.error for one in done if one.event is None]:
            raise RuntimeError(f"a race's task failed: {failed}")
        return [one.event for one in done if one.event is not None]

    def lock_of_the_dead(self) -> None:
        """Seconds from the killing of a process that holds the lock to another's having it."""
        holder = Child(Job("hold"), self.world.variables).go()
        holder.held_at()
        waiter = Child(Job("hold"), self.world.variables).go()
        time.sleep(NIGHT_SECONDS)
        if waiter.holds():
            self.tally.faults.append("two processes held one lock")
        killed = time.perf_counter()
        holder.kill()
        self.tally.freed_seconds.append(waiter.held_at() - killed)
        waiter.kill()

    def check(self, after: str) -> None:
        self.tally.faults += [f"{after}: {fault}" for fault in consistency.faults(self.world)]


def lines_of(job: Job) -> list[ReleaseEvent]:
    return [line for line in ledger.history(MODEL) if line.airflow_run_id == job.run_id]


def next_write() -> Path:
    """The file that the ledger's next line makes."""
    version = tables.table_version(MODEL, ledger.TABLE)
    number = 0 if version is None else version + 1
    return Path(tables.table_uri(MODEL, ledger.TABLE), "_delta_log", f"{number:020d}.json")


def run(world: Registry, kills: int, races: int, seed: int, say: Callable[[str], None] = lambda _: None) -> Tally:
    """Kill until `kills` promotions died between first and last write, and a fifth as many rollbacks; then race."""
    trials = Trials(world, seed)
    tally = trials.tally
    trials.finish(trials.promotion())
    watcher = Watcher()
    watcher.start()
    trials.calibrate("promote")
    trials.calibrate("rollback")
    for number in range(1, 10 * kills):
        if tally.between("promote") >= kills and tally.between("rollback") >= kills // 5:
            break
        behind = tally.between("rollback") < tally.between("promote") // 5
        trials.kill("rollback" if behind or tally.between("promote") >= kills else "promote")
        if number % 10 == 0:
            trials.calibrate("promote")
            trials.calibrate("rollback")
            say(f"{number} trials, {tally.between('promote')} promotions killed, {len(tally.faults)} faults")
    for trial, times in (
        (trials.race, races),
        (trials.race_with_rollback, races // 5),
        (trials.race_with_kill, races // 5),
        (trials.lock_of_the_dead, max(races // 5, 1)),
    ):
        for _ in range(times):
            trial()
        say(f"{times} times {trial.__name__}, {len(tally.faults)} faults")
    tally.faults += watcher.faults(world)
    tally.looks = watcher.looks
    return tally


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--kills", type=int, default=200)
    arguments.add_argument("--races", type=int, default=50)
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="nightshift-") as folder:
        Path(folder).chmod(0o711)  # root's PostgreSQL runs as another user
        with services.started(Path(folder)) as world:
            begun = time.monotonic()
            tally = run(world, given.kills, given.races, given.seed, lambda text: print(text, flush=True))
            print("\n".join(tally.lines()))
            print(f"{world.registered} versions, {time.monotonic() - begun:.0f} s")
    raise SystemExit(1 if tally.faults else 0)


if __name__ == "__main__":
    main()

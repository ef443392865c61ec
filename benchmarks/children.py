"""Processes that promote, roll back or hold the lock, and can be killed: forked from one that has imported it all."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal

from benchmarks.registry import MODEL, decision
from include.contracts import ReleaseEvent, RunContext
from include.data.locks import registry_lock
from include.errors import NightshiftError
from include.release.promotion import promote
from include.release.rollback import rollback

ANSWER_SECONDS = 150
REASON = "the benchmark takes it back"


@dataclass(frozen=True)
class Job:
    """What a child does: `version` is the one to promote, gated against `champion`, or the one to roll back to."""

    kind: Literal["promote", "rollback", "hold"]
    run_id: str = ""
    version: int | None = None
    champion: int | None = None
    context: RunContext | None = None

    def do(self) -> ReleaseEvent:
        """The real function, as its task calls it."""
        if self.context is None or self.version is None:
            return rollback(MODEL, self.version, REASON, "benchmark", self.run_id)
        return promote(self.context, decision(self.version, self.champion), "benchmark")


@dataclass(frozen=True)
class Done:
    """How a job ended: its line of the ledger, or why there is none; its start on both clocks, and its seconds."""

    event: ReleaseEvent | None
    error: str
    started_at: float
    begun: float
    seconds: float


class Child:
    """A process with a job: made ready at once, working from `go` on."""

    def __init__(self, job: Job, variables: dict[str, str]) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(job, variables, theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.answer("to be ready")

    def go(self) -> Child:
        self.pipe.send("go")
        return self

    def answer(self, to: str) -> object:
        """What the child says next. Raises RuntimeError where it says nothing."""
        if not self.pipe.poll(ANSWER_SECONDS):
            raise RuntimeError(f"a child took more than {ANSWER_SECONDS} s {to}")
        return self.pipe.recv()

    def wait_for(self, file: Path) -> None:
        """Until the file is there or the child's end; looked for without rest, as moments count."""
        while not file.exists() and self.process.is_alive():
            time.sleep(0.001)

    def result(self) -> Done:
        """Wait for the end of a promotion or rollback."""
        done = self.answer("to finish")
        self.process.join()
        assert isinstance(done, Done)
        return done

    def held_at(self) -> float:
        """Wait until the child holds the lock; the moment on the monotonic clock, which all processes share."""
        moment = self.answer("to hold the lock")
        assert isinstance(moment, float)
        return moment

    def holds(self) -> bool:
        return self.pipe.poll()

    def kill(self) -> bool:
        """End it with SIGKILL; whether that found it at work."""
        self.process.kill()
        self.process.join()
        if self.process.exitcode != -signal.SIGKILL:
            return False
        try:
            return not (self.pipe.poll() and isinstance(self.pipe.recv(), Done))
        except EOFError:
            return True


def _work(job: Job, variables: dict[str, str], pipe: Connection) -> None:
    os.environ.update(variables)
    pipe.send("ready")
    pipe.recv()
    if job.kind == "hold":
        with registry_lock(MODEL):
            pipe.send(time.perf_counter())
            time.sleep(ANSWER_SECONDS)
        return
    started_at, begun = time.time(), time.perf_counter()
    event, error = None, ""
    try:
        event = job.do()
    except NightshiftError as caught:
        error = str(caught)
    pipe.send(Done(event, error, started_at, begun, time.perf_counter() - begun))

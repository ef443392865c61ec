"""Approvals answered the moment that they are asked: none may be lost, and none asked twice.

    python -m benchmarks.approvals                 # 20 of each kind
    python -m benchmarks.approvals --answers 5

Starts Airflow, PostgreSQL and MLflow in a folder of its own, and stops them. Questions are put by the real operator
about a prepared decision, all at once, and answered as soon as the API shows them; then as soon as the page of required
actions would. Airflow's own approval task, without what the operator adds, is asked the same for comparison. Some tasks
are killed when they have asked, some wait while everything is stopped and started, and some get no answer.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks import decisions
from include.config import environment
from include.errors import PermanentError
from include.local import services
from include.local.airflow_api import AirflowApi, DagRun, Question
from include.local.settings import LocalSettings

PROBE, PLAIN = "approval_probe", "approval_plain"
DAGS = Path(__file__).parent / "dags"
LOOK_SECONDS, GIVE_UP_SECONDS, PLAIN_SECONDS = 0.05, 300.0, 90.0
SHORT_HOURS = 0.001


@dataclass
class Batch:
    """What became of some questions that were put at once."""

    asked: int
    lost: dict[str, str] = field(default_factory=dict)
    """Runs whose answer did not arrive, and what came instead."""
    asked_twice: list[str] = field(default_factory=list)
    tries: dict[str, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    """From each answer to the start of the task that comes next."""

    def __str__(self) -> str:
        took = f"{statistics.median(self.seconds):.1f} s (to {max(self.seconds):.1f})" if self.seconds else "-"
        tries = ", ".join(f"{count} in {number}" for number, count in sorted(Counter(self.tries.values()).items()))
        return (
            f"{len(self.lost)} of {self.asked} lost, {len(self.asked_twice)} asked twice; answer to promote_model: "
            f"median {took}; tries: {tries}"
        )


class Probe:
    """Puts questions on a running instance, and answers them."""

    def __init__(self, api: AirflowApi) -> None:
        self.api = api

    def put(self, count: int, dag_id: str = PROBE, conf: Mapping[str, Any] | None = None) -> dict[str, DagRun]:
        """Start `count` runs that each ask one question; by run id."""
        runs = [self.api.trigger(dag_id, dict(conf or {})) for _ in range(count)]
        return {run.run_id: run for run in runs}

    def answer_all(
        self, runs: dict[str, DagRun], when_shown: Collection[str] = (), seconds: float = GIVE_UP_SECONDS
    ) -> Batch:
        """Answer each question as soon as it is there, every fourth with no, and follow every run to its end.

        :param when_shown: runs whose question is answered once Airflow's page shows it, that is, once the task waits
        :param seconds: after which an answer that has not arrived is lost
        """
        batch, given, open_runs = Batch(len(runs)), {}, dict(runs)
        deadline = time.monotonic() + seconds
        while open_runs:
            if time.monotonic() > deadline:
                batch.lost |= dict.fromkeys(open_runs, f"no end within {seconds:.0f} s")
                break
            for question in self._open_questions(runs):
                if question.run_id in given:
                    batch.asked_twice.append(question.run_id)
                elif question.waiting or question.run_id not in when_shown:
                    given[question.run_id] = self._answer(question, "Reject" if len(given) % 4 == 3 else "Approve")
            if len(given) == len(runs):
                self._collect(batch, open_runs, given)
            time.sleep(LOOK_SECONDS)
        return batch

    def wait(self, runs: dict[str, DagRun], seconds: float = GIVE_UP_SECONDS) -> list[dict[str, Any]]:
        """What the runs' questions came to, without anybody's answer."""
        deadline = time.monotonic() + seconds
        while not all(self.api.run(run.dag_id, run.run_id).finished for run in runs.values()):
            if time.monotonic() > deadline:
                raise PermanentError(f"questions without an answer are still open after {seconds:.0f} s")
            time.sleep(1)
        return [self.api.result(run, "promote_model") for run in runs.values()]

    def wait_until_shown(self, runs: dict[str, DagRun]) -> None:
        """Return once Airflow's page shows every question."""
        while sum(question.waiting for question in self._open_questions(runs)) < len(runs):
            time.sleep(LOOK_SECONDS)

    def _open_questions(self, runs: dict[str, DagRun]) -> list[Question]:
        dag_id = next(iter(runs.values())).dag_id
        return [question for question in self.api.questions(dag_id) if question.run_id in runs]

    def _answer(self, question: Question, option: str) -> str:
        self.api.answer(question, option, f"{option} {question.run_id}")
        return option

    def _collect(self, batch: Batch, open_runs: dict[str, DagRun], given: Mapping[str, str]) -> None:
        """Judge the runs that have ended, and take them out of `open_runs`."""
        for run_id, started in list(open_runs.items()):
            run = self.api.run(started.dag_id, run_id)
            if not run.finished:
                continue
            del open_runs[run_id]
            tasks = {task["task_id"]: task for task in self.api.tasks(run)}
            batch.tries[run_id] = tasks["approve_release"]["try_number"]
            if fault := self._fault(run, tasks, given[run_id]):
                batch.lost[run_id] = fault
            elif run.dag_id == PROBE:
                answered = datetime.fromisoformat(self.api.result(run, "promote_model")["answered_at"])
                begun = datetime.fromisoformat(tasks["promote_model"]["start_date"])
                batch.seconds.append((begun - answered).total_seconds())

    def _fault(self, run: DagRun, tasks: dict[str, dict[str, Any]], option: str) -> str:
        """How what came next differs from what was answered, empty where it does not."""
        state = tasks["approve_release"]["state"]
        if state != "success":
            return f"approve_release ended in state {state}"
        if run.dag_id == PLAIN:
            return ""
        got = self.api.result(run, "promote_model")
        if (got["approved"], got["reason"]) != (option == "Approve", f"{option} {run.run_id}"):
            return f"answered {option}, came out as {got}"
        return ""


def extra_dags() -> str:
    """Value of Airflow's setting that makes it read the probes beside the models' DAGs."""
    local = "airflow.dag_processing.bundles.local.LocalDagBundle"
    folders = {"dags-folder": environment.REPOSITORY / "dags", "probes": DAGS}
    return json.dumps(
        [{"name": name, "classpath": local, "kwargs": {"path": str(path)}} for name, path in folders.items()]
    )


def measure(api: AirflowApi, answers: int) -> bool:
    """Print what each kind of question came to; whether none of the operator's was lost or asked twice."""
    probe, long, short = Probe(api), decisions.conf(1), decisions.conf(SHORT_HOURS)
    few = max(2, answers // 5)
    plain = probe.answer_all(probe.put(answers, PLAIN), seconds=PLAIN_SECONDS)
    print(f"Airflow's own task, answered as soon as the API shows it: {plain}", flush=True)
    print("\n".join(f"  {count} {what}" for what, count in Counter(plain.lost.values()).items()), flush=True)
    good = tell("answered as soon as the API shows it", probe.answer_all(probe.put(answers, conf=long)))
    put = probe.put(answers, conf=long)
    good &= tell("answered as soon as the page shows it", probe.answer_all(put, when_shown=put))
    put = probe.put(few, conf={**long, "kill": True})
    batch = probe.answer_all(put, when_shown=list(put)[: few // 2])
    good &= tell("process killed between asking and waiting", batch) and min(batch.tries.values()) > 1
    put = probe.put(few, conf=long)
    probe.wait_until_shown(put)
    services.down(print)
    services.up(print)
    good &= tell("everything stopped and started while they wait", probe.answer_all(put))
    began = time.monotonic()
    silent = probe.wait(probe.put(few, conf=short))
    rejected = sum(not found["approved"] and found["answered_by"].startswith("nobody") for found in silent)
    took = time.monotonic() - began
    print(
        f"no answer within {SHORT_HOURS * 3600:.0f} s: {rejected} of {few} rejected, {took:.0f} s after they were put"
    )
    return good and rejected == few


def tell(name: str, batch: Batch) -> bool:
    """Print a batch; whether nothing was lost or asked twice."""
    print(f"{name}: {batch}", flush=True)
    for run_id, what in batch.lost.items():
        print(f"  {run_id}: {what}", flush=True)
    return not batch.lost and not batch.asked_twice


def start() -> LocalSettings:
    """An instance of this benchmark's own, with the probes beside the models' DAGs."""
    os.environ["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"] = extra_dags()
    settings = services.up(print)
    os.environ["MLFLOW_TRACKING_URI"] = settings.mlflow_url
    return settings


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--answers", type=int, default=20)
    answers = arguments.parse_args().answers
    with tempfile.TemporaryDirectory(prefix="nightshift-approvals-") as folder:
        Path(folder).chmod(0o755)  # root's PostgreSQL runs as another user
        os.environ["NIGHTSHIFT_STATE"] = str(Path(folder, "state"))
        try:
            settings = start()
            api = AirflowApi(settings.airflow_url, environment.USER, settings.secrets.password)
            api.wait_for_dags({PROBE, PLAIN}, print)
            good = measure(api, answers)
        finally:
            services.down(print)
    raise SystemExit(0 if good else 1)


if __name__ == "__main__":
    main()

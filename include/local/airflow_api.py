"""A small client of Airflow's REST API: trigger a DAG, follow it, read why it failed."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from include.config import environment
from include.config.near import near
from include.errors import PermanentError, TransientError

Say = Callable[[str], None]
POLL_SECONDS = 0.5
SILENCE_SECONDS = 60
"""How long a run is followed without an answer: a restarted API server takes about twenty."""
PERSON = "waits for a person"
FINISHED = ("success", "failed")
PAGE = 100
WAITING = ("deferred", "awaiting_input")
"""States in which a task holds no worker, and Airflow's page of required actions shows what it asks."""


@dataclass(frozen=True)
class DagRun:
    """A DAG run as the API last told it."""

    dag_id: str
    run_id: str
    state: str
    seconds: float | None
    ended: datetime | None = None

    @property
    def finished(self) -> bool:
        return self.state in FINISHED


@dataclass(frozen=True)
class Question:
    """What a task asks people in Airflow's page of required actions."""

    dag_id: str
    run_id: str
    task_id: str
    subject: str
    waiting: bool
    """Whether the page shows it: not while the task that asks is only about to wait."""


class AirflowApi:
    """Talks to one Airflow as one user; logs in on the first call and again when the token runs out."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self._login = {"username": user, "password": password}
        self._client = httpx.Client(base_url=url, timeout=30)

    def trigger(self, dag_id: str, conf: dict[str, Any] | None = None) -> DagRun:
        """Start a run. Raises PermanentError where the DAG is not there or paused, or its form refuses `conf`."""
        self._require_startable(dag_id)
        body = {"logical_date": None, "conf": conf or {}}
        return self._run(self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body))

    def _require_startable(self, dag_id: str) -> None:
        known = {dag["dag_id"]: dag["is_paused"] for dag in self._dags(dag_id)}
        model = dag_id.rpartition("__")[0]
        if dag_id not in known:
            hint = near(dag_id, self.dag_ids())
            raise PermanentError(
                f"Airflow has no DAG {dag_id}{hint}: its model file has faults, or was not read yet, "
                f"which takes half a minute. Next: ./nightshift lint {model}"
            )
        if known[dag_id]:
            raise PermanentError(
                f"{dag_id} is paused in Airflow, so a run of it would wait for ever. Next: ./nightshift unpause {model}"
            )

    def run(self, dag_id: str, run_id: str) -> DagRun:
        return self._run(self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}"))

    def runs(self, dag_id: str, limit: int = 20) -> list[DagRun]:
        """The newest runs first."""
        params = {"order_by": "-run_after", "limit": limit}
        return [
            self._run(found) for found in self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns", params=params)["dag_runs"]
        ]

    def newest_finished(self, dag_ids: Collection[str]) -> list[DagRun]:
        """The newest finished run of each of these DAGs that has one."""
        newest: dict[str, DagRun] = {}
        body = {"dag_ids": sorted(dag_ids), "states": list(FINISHED), "order_by": "-end_date", "page_limit": PAGE}
        for found in self._call("POST", "/api/v2/dags/~/dagRuns/list", json=body)["dag_runs"]:
            newest.setdefault(found["dag_id"], self._run(found))
        return list(newest.values())

    def tasks(self, run: DagRun) -> list[dict[str, Any]]:
        """The run's task instances, as the API gives them."""
        path = f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances"
        found: list[dict[str, Any]] = self._call("GET", path, params={"limit": 200})["task_instances"]
        return found

    def result(self, run: DagRun, task_id: str, map_index: int = -1) -> Any:
        """What a task returned."""
        path = f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/{task_id}/xcomEntries/return_value"
        return self._call("GET", path, params={"map_index": map_index, "deserialize": True})["value"]

    def links(self, run: DagRun, task_id: str, map_index: int = -1) -> dict[str, str | None]:
        """The task's buttons."""
        path = f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/{task_id}/links"
        found: dict[str, str | None] = self._call("GET", path, params={"map_index": map_index})["extra_links"]
        return found

    def log_tail(self, task: dict[str, Any], lines: int = 8) -> list[str]:
        """The last lines of a task's log."""
        path = (
            f"/api/v2/dags/{task['dag_id']}/dagRuns/{task['dag_run_id']}/taskInstances/{task['task_id']}"
            f"/logs/{max(1, task['try_number'])}"
        )
        content = self._call("GET", path, params={"map_index": task["map_index"], "full_content": True})["content"]
        return [_line(entry) for entry in content][-lines:]

    def questions(self, dag_id: str = "~") -> list[Question]:
        """Questions without an answer, the newest first; `~` stands for every DAG."""
        params: dict[str, Any] = {"response_received": False, "order_by": "-created_at", "limit": 100}
        found = self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns/~/hitlDetails", params=params)["hitl_details"]
        return [_question(detail["subject"], detail["task_instance"]) for detail in found]

    def answer(self, question: Question, option: str, reason: str) -> None:
        """Answer as this client's user. Raises PermanentError where somebody was quicker."""
        path = (
            f"/api/v2/dags/{question.dag_id}/dagRuns/{question.run_id}/taskInstances/{question.task_id}/-1/hitlDetails"
        )
        self._call("PATCH", path, json={"chosen_options": [option], "params_input": {"reason": reason}})

    def clear(self, run: DagRun, task_id: str) -> None:
        """Have a task of the run, and what comes after it, run again."""
        body = {
            "dry_run": False,
            "dag_run_id": run.run_id,
            "task_ids": [task_id],
            "include_downstream": True,
            "only_failed": False,
            "reset_dag_runs": True,
        }
        self._call("POST", f"/api/v2/dags/{run.dag_id}/clearTaskInstances", json=body)

    def dag_ids(self) -> set[str]:
        """The ids of every DAG that Airflow shows."""
        return {dag["dag_id"] for dag in self._dags()}

    def _dags(self, like: str = "%") -> list[dict[str, Any]]:
        """DAGs whose id holds `like`, page by page: Airflow gives a hundred at most, whatever is asked for."""
        found: list[dict[str, Any]] = []
        while True:
            params: dict[str, Any] = {"limit": PAGE, "offset": len(found), "dag_id_pattern": like}
            page = self._call("GET", "/api/v2/dags", params=params)
            found += page["dags"]
            if not page["dags"] or len(found) >= page["total_entries"]:
                return found

    def unpause(self, dag_id: str) -> None:
        self._call("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": False})

    def delete_dag(self, dag_id: str) -> None:
        """Remove what Airflow recorded of a DAG; one whose file is still there comes back without its history."""
        self._call("DELETE", f"/api/v2/dags/{dag_id}")

    def wait_for_dags(self, dag_ids: set[str], say: Say, seconds: float = 120) -> None:
        """Wait until Airflow has read the DAG files."""
        deadline, told = time.monotonic() + seconds, time.monotonic()
        while missing := dag_ids - self.dag_ids():
            if time.monotonic() > deadline:
                raise PermanentError(
                    f"Airflow does not show {', '.join(sorted(missing))}; see its import errors at {self.url}, "
                    "and: ./nightshift lint"
                )
            if time.monotonic() - told > 5:
                say("waiting for Airflow to read the DAG files")
                told = time.monotonic()
            time.sleep(1)

    def follow(self, run: DagRun, say: Say, trouble: Callable[[], str] = lambda: "") -> DagRun:
        """Wait for the end of a run, saying every eight seconds what runs, and every minute that a person must answer.

        :param trouble: says what keeps the run from going on that Airflow does not know; empty where nothing does
        Raises PermanentError, with the last lines of the failed tasks' logs, when it fails, and TransientError where
        Airflow has been silent for `SILENCE_SECONDS`: a busy machine answers late.
        """
        told, said = time.monotonic(), ""
        answered = told
        while not run.finished:
            time.sleep(POLL_SECONDS)
            try:
                run = self.run(run.dag_id, run.run_id)
                now = "; ".join(filter(None, [self._doing(run), trouble()]))
                answered = time.monotonic()
            except TransientError:
                if time.monotonic() - answered > SILENCE_SECONDS:
                    raise
                continue
            if now != said or time.monotonic() - told > (60 if PERSON in now else 8):
                say(f"{run.dag_id}: {now}")
                told, said = time.monotonic(), now
        if run.state == "failed":
            raise PermanentError("\n".join(filter(None, [self._why(run), trouble()])))
        return run

    def _doing(self, run: DagRun) -> str:
        tasks = self.tasks(run)
        done = sum(task["state"] in ("success", "skipped") for task in tasks)
        running = [_name(task) for task in tasks if task["state"] in ("running", "queued", "up_for_retry")]
        said = f"{done} of {len(tasks)} tasks done" + (f", running {', '.join(running)}" if running else "")
        for task in tasks:
            if task["state"] in WAITING:
                page = f"{self.url}/dags/{run.dag_id}/runs/{run.run_id}/tasks/{task['task_id']}/required_actions"
                command = f"./nightshift approve {run.dag_id.rpartition('__')[0]} --reason WHY [--reject]"
                said += f"; {task['task_id']} {PERSON}: {command}, or {page}"
        return said

    def _why(self, run: DagRun) -> str:
        parts = [f"{run.dag_id} failed: {self.url}/dags/{run.dag_id}/runs/{run.run_id}"]
        for task in self.tasks(run):
            if task["state"] == "failed":
                parts.append(f"--- {_name(task)}\n" + "\n".join(self.log_tail(task)))
        return "\n".join(parts)

    def _run(self, found: dict[str, Any]) -> DagRun:
        ended = datetime.fromisoformat(found["end_date"]) if found.get("end_date") else None
        return DagRun(found["dag_id"], found["dag_run_id"], found["state"], found.get("duration"), ended)

    def _call(self, method: str, path: str, **kwargs: Any) -> Any:
        with self._classed():
            if "Authorization" not in self._client.headers:
                self._log_in()
            answer = self._client.request(method, path, **kwargs)
            if answer.status_code == httpx.codes.UNAUTHORIZED:
                self._log_in()
                answer = self._client.request(method, path, **kwargs)
            answer.raise_for_status()
            return answer.json() if answer.content else None

    def token(self) -> str:
        """A fresh token, for an address of Airflow that is not its API."""
        with self._classed():
            answer = self._client.post("/auth/token", json=self._login)
            answer.raise_for_status()
        return str(answer.json()["access_token"])

    def _log_in(self) -> None:
        self._client.headers["Authorization"] = f"Bearer {self.token()}"

    @contextmanager
    def _classed(self) -> Iterator[None]:
        try:
            yield
        except httpx.HTTPStatusError as error:
            detail = error.response.text[:500]
            kind = TransientError if error.response.is_server_error else PermanentError
            raise kind(f"Airflow at {self.url} answered {error.response.status_code}: {detail}") from error
        except httpx.HTTPError as error:
            raise TransientError(
                f"Airflow at {self.url} does not answer ({error}). Next: {environment.start_command()}"
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise TransientError(
                f"What answers at {self.url} is not Airflow, or not this version of it ({type(error).__name__}). "
                f"Next: stop it, then {environment.start_command()}"
            ) from error


def _name(task: dict[str, Any]) -> str:
    label = task.get("rendered_map_index")
    return f"{task['task_id']}[{label}]" if label else str(task["task_id"])


def _question(subject: str, task: dict[str, Any]) -> Question:
    return Question(task["dag_id"], task["dag_run_id"], task["task_id"], subject, task["state"] in WAITING)


def _line(entry: Any) -> str:
    """A structured log entry as one line; errors carry their last frame's message."""
    if not isinstance(entry, dict):
        return str(entry)
    details = entry.get("error_detail") or []
    causes = "".join(f"\n    {part.get('exc_type')}: {part.get('exc_value')}" for part in details)
    return f"{entry.get('event', '')}{causes}"

"""Start, stop and watch the local services: the Procfile's processes, under honcho, in a session of their own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil

from include.config import environment
from include.errors import PermanentError, TransientError
from include.local import postgres
from include.local.instance import Instance, local, refuse_in_containers
from include.local.settings import LocalSettings, component_environment, load_settings, write_private

Say = Callable[[str], None]
STOP_SECONDS = 20
HEALTHY_SECONDS = 360
"""How long a start may take: half a minute on a usual machine, more than three beside other work on a slow one."""
SESSION_SLACK_SECONDS = 60
COMPONENTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")


def up(say: Say) -> LocalSettings:
    """Start everything and wait until it is healthy; return at once where it runs already.

    Raises TransientError, with the tail of the guilty log, when it does not become healthy.
    """
    refuse_in_containers("up")
    state = environment.state_dir()
    if _honcho(state) is not None:
        settings = load_settings()
        wait_healthy(settings, say)
        return settings
    if left := _end_leftovers(state):
        say(f"ended {left} processes that an earlier start left over")
    settings = load_settings(starting=True)
    variables = os.environ | component_environment(settings)
    if settings.database == "embedded":
        say("starting PostgreSQL")
        postgres.start(settings)
    say("bringing Airflow's database up to date")
    _prepare(settings, variables)
    command = [
        sys.executable,
        "-m",
        "honcho",
        "start",
        "-f",
        str(environment.REPOSITORY / "Procfile"),
        "-e",
        os.devnull,
    ]
    with (settings.state / "logs" / "honcho.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - fixed command
            command,
            env=variables,
            cwd=environment.REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    started = psutil.Process(process.pid).create_time()
    write_private(_pid_file(settings), json.dumps({"pid": process.pid, "started": started}))
    wait_healthy(settings, say)
    return settings


def down(say: Say) -> list[str]:
    """Stop everything, also what a killed honcho left behind; return the names of what was stopped."""
    refuse_in_containers("down")
    state = environment.state_dir()
    if not state.exists():
        return []
    stopped = []
    honcho = _honcho(state)
    if honcho is not None:
        say("stopping the services")
        honcho.send_signal(signal.SIGTERM)
        psutil.wait_procs([honcho], timeout=STOP_SECONDS)
        stopped.append("services")
    if left := _end_leftovers(state):
        stopped.append(f"{left} processes left over")
    if (state / "postgres").exists() and postgres.stop(state):
        stopped.append("PostgreSQL")
    _pid_file_of(state).unlink(missing_ok=True)
    return stopped


def is_running(settings: LocalSettings) -> bool:
    """Whether this instance's honcho is alive."""
    return _honcho(settings.state) is not None


def health(instance: Instance) -> dict[str, str]:
    """State of each component: `healthy`, or what is wrong with it."""
    found = dict.fromkeys((*COMPONENTS, "mlflow"), "not answering")
    with contextlib.suppress(httpx.HTTPError, ValueError, AttributeError):  # another program may answer there
        answer = httpx.get(f"{instance.airflow_url}/api/v2/monitor/health", timeout=5).json()
        found |= {name: str(answer.get(name, {}).get("status") or "starting") for name in COMPONENTS}
    with contextlib.suppress(httpx.HTTPError):
        found["mlflow"] = "healthy" if httpx.get(f"{instance.mlflow_url}/health", timeout=5).is_success else "unwell"
    return found


def wait_healthy(settings: LocalSettings, say: Say) -> None:
    """Wait until every component is healthy, naming those that are not yet."""
    deadline, told = time.monotonic() + HEALTHY_SECONDS, 0.0
    while True:
        waiting = [name for name, state in health(local(settings)).items() if state != "healthy"]
        if not waiting:
            return
        if not is_running(settings) or time.monotonic() > deadline:
            raise TransientError(_diagnosis(settings, waiting))
        if time.monotonic() - told > 5:
            say(f"waiting for {', '.join(waiting)}")
            told = time.monotonic()
        time.sleep(0.5)


def _diagnosis(settings: LocalSettings, waiting: list[str]) -> str:
    logs = {"mlflow": "mlflow", "metadatabase": "api_server"}
    parts = [f"The services did not become healthy; still waiting for {', '.join(waiting)}."]
    for name in ["honcho", *dict.fromkeys(logs.get(item, item) for item in waiting)]:
        log = settings.state / "logs" / f"{name}.log"
        if log.exists():
            parts.append(f"--- {log}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-8:]))
    return "\n".join([*parts, "Next: make down, then make up"])


def _prepare(settings: LocalSettings, variables: dict[str, str]) -> None:
    log = settings.state / "logs" / "prepare.log"
    file = environment.REPOSITORY / "airflow_settings.yaml"
    command = [sys.executable, "-m", "nightshift.prepare", str(file)]
    with log.open("wb") as output:
        done = subprocess.run(  # noqa: S603 - fixed command
            command, env=variables, cwd=environment.REPOSITORY, stdout=output, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise PermanentError(f"Airflow's database could not be prepared:\n{tail}\nThe whole log: {log}")


def _end_leftovers(state: Path) -> int:
    """End this instance's processes that honcho did not, or could not when it was killed; return how many."""
    left = _ours(state)
    for process in left:
        _quietly(process.terminate)
    _, alive = psutil.wait_procs(left, timeout=STOP_SECONDS / 2)
    for process in alive:
        _quietly(process.kill)
    psutil.wait_procs(alive, timeout=STOP_SECONDS / 2)
    return len(left)


def _pid_file(settings: LocalSettings) -> Path:
    return _pid_file_of(settings.state)


def _pid_file_of(state: Path) -> Path:
    return state / "run" / "services.json"


def _honcho(state: Path) -> psutil.Process | None:
    """The honcho that the pid file means: a process of that number that started when it did."""
    try:
        kept = json.loads(_pid_file_of(state).read_text())
        process = psutil.Process(kept["pid"])
        alive = abs(process.create_time() - kept["started"]) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return None
    return process if alive else None


def _ours(state: Path) -> list[psutil.Process]:
    """Processes of the sessions that the Procfile's processes opened, whoever of their parents is dead.

    Not by environment variables: processes that set their title overwrite what others read of those.
    """
    sessions = {}
    for file in (state / "run").glob("*.session"):
        with contextlib.suppress(ValueError):  # a file that a full disk cut names no session
            number, opened = file.read_text().split()
            sessions[int(number)] = float(opened)
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.name() == "postgres":
                continue  # ended in its own way: a killed server would recover at its next start
            since = sessions.get(os.getsid(process.pid))
            # A number is used again only after a session's end, so a process older than it is a stranger.
            if since is not None and process.create_time() > since - SESSION_SLACK_SECONDS:
                found.append(process)
    return found


def _quietly(act: Callable[[], None]) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        act()

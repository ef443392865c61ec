"""A started instance, as a user has one: its command line, its API, its folder."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import psutil

from benchmarks import approvals
from include.config import environment
from include.local.airflow_api import AirflowApi, DagRun

MODEL = "flight_delay"


class Instance:
    """A started instance: its command line, its API, its folder."""

    def __init__(self, state: Path, models: Path) -> None:
        self.state, self.models = state, models
        self.variables = {key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW", "MLFLOW"))}
        self.variables |= {"NIGHTSHIFT_STATE": str(state), "NIGHTSHIFT_MODELS": str(models), "NO_COLOR": "1"}
        self.variables["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"] = approvals.extra_dags()

    def command(self, *arguments: str, code: int = 0) -> str:
        """Run `./nightshift` and return what it printed."""
        command = [str(environment.REPOSITORY / "nightshift"), *arguments]
        done = subprocess.run(command, env=self.variables, capture_output=True, text=True, timeout=400)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + (done.stderr if code else "")

    @property
    def ports(self) -> dict[str, int]:
        return json.loads((self.state / "run/ports.json").read_text())

    @property
    def api(self) -> AirflowApi:
        password = json.loads((self.state / "run/secrets.json").read_text())["password"]
        return AirflowApi(f"http://127.0.0.1:{self.ports['airflow']}", "admin", password)

    def status(self) -> dict[str, Any]:
        return json.loads(self.command("status", "--json"))["models"][0]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `./nightshift` and leave it running."""
        command = [str(environment.REPOSITORY / "nightshift"), *arguments]
        return subprocess.Popen(command, env=self.variables, stdout=subprocess.PIPE, text=True)

    def run(self, suffix: str, **conf: Any) -> DagRun:
        said: list[str] = []
        return self.api.follow(self.api.trigger(f"{MODEL}__{suffix}", conf), said.append)

    def processes(self) -> list[psutil.Process]:
        """Everything alive that the Procfile's processes ever started; and the database."""
        sessions = {int(file.read_text().split()[0]) for file in (self.state / "run").glob("*.session")}
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if os.getsid(process.pid) in sessions or str(self.state / "postgres") in process.cmdline():
                    found.append(process)
        return found

"""A night through the running Airflow against the same functions in one cold script, in turn, on the same services.

    make bench                          # five nights each
    python -m benchmarks.chain --nights 3

A night is retrain, score and monitor of `flight_delay` (about 57,000 training rows): through Airflow from the request
that triggers `__retrain` to the end of the `__monitor` run that the scores woke, and in the script from the start of
the process to its end. The services stay up in between and belong to this benchmark alone.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parents[1]
MODEL = "flight_delay"
POLL_SECONDS = 0.2

os.environ.setdefault("NIGHTSHIFT_STATE", str(ROOT / ".nightshift" / "bench"))

from include.config import environment  # noqa: E402
from include.config.loader import find_model  # noqa: E402
from include.data import windows  # noqa: E402
from include.local import services  # noqa: E402
from include.local.airflow_api import AirflowApi, DagRun  # noqa: E402
from include.local.settings import component_environment  # noqa: E402


def through_airflow(api: AirflowApi, night: date, yesterday: date) -> dict[str, float]:
    """Seconds of each DAG of the chain, and of the whole."""
    started = time.perf_counter()
    wait(api, api.trigger(f"{MODEL}__retrain", {"as_of": night.isoformat()}))
    retrained = time.perf_counter()
    seen = {run.run_id for run in api.runs(f"{MODEL}__monitor")}
    wait(api, api.trigger(f"{MODEL}__score", {"start": yesterday.isoformat()}))
    scored = time.perf_counter()
    while not (woken := [run for run in api.runs(f"{MODEL}__monitor", 5) if run.run_id not in seen]):
        time.sleep(POLL_SECONDS)
    wait(api, woken[0])
    ended = time.perf_counter()
    return {
        "retrain": retrained - started,
        "score": scored - retrained,
        "monitor": ended - scored,
        "total": ended - started,
    }


def wait(api: AirflowApi, run: DagRun) -> None:
    while not run.finished:
        time.sleep(POLL_SECONDS)
        run = api.run(run.dag_id, run.run_id)
    if run.state != "success":
        raise SystemExit(f"{run.dag_id} {run.run_id} ended in state {run.state}; look at {api.url}")


def in_a_script(variables: dict[str, str], night: date, yesterday: date) -> dict[str, float]:
    """Seconds of each part of the plain script, and of its whole process."""
    command = [sys.executable, str(ROOT / "benchmarks" / "plain_night.py"), MODEL, str(night), str(yesterday)]
    started = time.perf_counter()
    done = subprocess.run(command, env=variables, capture_output=True, text=True, cwd=ROOT)
    total = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    return json.loads(done.stdout.splitlines()[-1]) | {"total": total}


def parse_seconds(variables: dict[str, str]) -> float:
    """Seconds that reading the DAG files takes beyond importing Airflow."""
    code = (
        "import sys, time; from airflow.sdk import DAG, AssetOrTimeSchedule, BaseOperator, Param; "
        f"sys.path.insert(0, {str(ROOT / 'dags')!r}); start = time.perf_counter(); import model_dags, model_faults; "
        "print(time.perf_counter() - start)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


def row(name: str, values: list[float]) -> str:
    return f"{name:34} median {statistics.median(values):6.1f} s   from {min(values):6.1f} to {max(values):6.1f} s"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--nights", type=int, default=5)
    nights = arguments.parse_args().nights
    config = find_model(MODEL)
    settings = services.up(print)
    variables = os.environ | component_environment(settings)
    # The script may use every core for each fit, as a script does.
    plain = {key: value for key, value in variables.items() if not key.endswith("_NUM_THREADS")}
    try:
        api = AirflowApi(settings.airflow_url, environment.USER, settings.secrets.password)
        api.wait_for_dags({f"{MODEL}__retrain", f"{MODEL}__monitor"}, print)
        today = datetime.now(ZoneInfo(config.schedule.timezone)).date()
        yesterday = today - timedelta(days=1)
        first = windows.history_days(config, today - timedelta(days=nights)).start
        print(f"loading {first} to {yesterday}, and one night that does not count", flush=True)
        wait(api, api.trigger(f"{MODEL}__ingest", {"start": str(first), "end": str(yesterday)}))
        through_airflow(api, today - timedelta(days=nights), yesterday)
        airflow, script = [], []
        for back in range(nights - 1, -1, -1):
            night = today - timedelta(days=back)
            airflow.append(through_airflow(api, night, yesterday))
            script.append(in_a_script(plain, night, yesterday))
            print(f"{night}: Airflow {airflow[-1]['total']:.1f} s, script {script[-1]['total']:.1f} s", flush=True)
        ratios = [ours["total"] / theirs["total"] for ours, theirs in zip(airflow, script, strict=True)]
        print(f"\n{nights} nights each, in turn, {os.cpu_count()} cores")
        for name, measured in (("Airflow", airflow), ("script", script)):
            for part in measured[0]:
                print(row(f"{name}: {part}", [night[part] for night in measured]))
        print(
            f"Airflow / script, night by night: median {statistics.median(ratios):.2f}, "
            f"from {min(ratios):.2f} to {max(ratios):.2f}"
        )
        parsed = [parse_seconds(variables) for _ in range(3)]
        print(f"reading the DAG files, beyond importing Airflow: median {statistics.median(parsed):.2f} s of 3")
        Path(tempfile.gettempdir(), "nightshift-bench.json").write_text(
            json.dumps({"airflow": airflow, "script": script, "ratios": ratios, "parse": parsed}, indent=1)
        )
    finally:
        services.down(print)


if __name__ == "__main__":
    main()

"""The replay's promises, on flights of April to December 2013: its time, and what the shipped policy is worth.

    python -m benchmarks.replay [--from 2013-04-01 --to 2013-12-31] [--json replay.json]

Starts from an empty folder, so that rows are read from the source and every night is trained. The exit code is 1 where
a promise is not kept: at most 20 minutes on 2 cores alone on the machine, at least 80 % of the gain in mean weekly ROC
AUC that always promoting has over never retraining, at most 20 promotions, none of them to a model whose later truth
was worse by more than the margin.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from include.config import environment

MODEL = "flight_delay"
MINUTES, SHARE, PROMOTIONS = 20.0, 0.8, 20


def main() -> int:
    """Run the command as a person would, then hold what it says against the promises."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="first", default="2013-04-01")
    parser.add_argument("--to", dest="last", default="2013-12-31")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        command = [str(environment.REPOSITORY / "nightshift"), "replay", MODEL, "--data", "source", "--json"]
        command += ["--from", asked.first, "--to", asked.last, "--processes", str(asked.processes)]
        settings = {**os.environ, "NIGHTSHIFT_STATE": folder, "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
        done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
        minutes = (time.perf_counter() - started) / 60
        if done.returncode:
            sys.stderr.write(done.stderr)
            return done.returncode
    (found,) = json.loads(done.stdout)["policies"]
    share, means = found["share_kept"], found["mean_weekly"]
    kept = {
        f"{found['compute']['nights']} nights in {minutes:.1f} minutes (at most {MINUTES:g})": minutes <= MINUTES,
        f"share of the gain kept: {'undefined' if share is None else f'{share:.1%}'} (at least {SHARE:.0%})": (
            share is not None and share >= SHARE
        ),
        f"promotions: {len(found['promotions'])} (at most {PROMOTIONS})": len(found["promotions"]) <= PROMOTIONS,
        f"later worse by more than {found['margin']:g}: {found['worse_later']} (none)": found["worse_later"] == 0,
    }
    print("mean weekly metric: " + ", ".join(f"{name} {value:.4f}" for name, value in means.items()))
    print(f"CPU hours of training: {found['compute']['cpu_seconds'] / 3600:.2f}")
    for promise, is_kept in kept.items():
        print(f"{'kept  ' if is_kept else 'BROKEN'} {promise}")
    if asked.json:
        asked.json.write_text(json.dumps({"minutes": minutes, **found}, indent=1))
    return int(not all(kept.values()))


if __name__ == "__main__":
    sys.exit(main())

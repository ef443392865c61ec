"""A hundred models parse in under five seconds: the DAG processor reads them all each time it looks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from include.config import environment

MOST_SECONDS = 5.0
PARSE = """
import time
import nightshift.factory
from include.config.loader import load_models
started = time.process_time()
models, errors = load_models()
dags = [dag for config in models.values() for dag in nightshift.factory.build_dags(config)]
print(len(models), len(errors), len(dags), time.process_time() - started)
"""


def test_a_hundred_models_parse_in_under_five_seconds(tmp_path: Path) -> None:
    text = (environment.REPOSITORY / "include/models/flight_delay.yaml").read_text()
    for number in range(100):
        name = f"flights_{number:03d}"
        (tmp_path / f"{name}.yaml").write_text(text.replace("name: flight_delay", f"name: {name}", 1))
    variables = os.environ | {"NIGHTSHIFT_MODELS": str(tmp_path), "PYTHONPATH": "plugins:."}
    done = subprocess.run(
        [sys.executable, "-c", PARSE], env=variables, cwd=environment.REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    models, errors, dags, seconds = done.stdout.splitlines()[-1].split()
    assert (models, errors, dags) == ("100", "0", "500")
    assert float(seconds) < MOST_SECONDS

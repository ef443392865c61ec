"""One night of a model as a plain script would do it: the same functions, one after another, in one cold process.

    python benchmarks/plain_night.py flight_delay 2013-06-01 2013-05-31

trains as of the first day and scores the second.
Prints one line of JSON with the seconds of each step. It uses every core for each fit, as a script may.
"""

from __future__ import annotations

import json
import os
import sys
import time

STARTED = time.perf_counter()
os.environ["NIGHTSHIFT_THREADS"] = str(os.cpu_count())
os.environ["OMP_NUM_THREADS"] = str(os.cpu_count())

from datetime import date, timedelta  # noqa: E402

from include.config.loader import find_model  # noqa: E402
from include.monitoring.night import monitor_night  # noqa: E402
from include.release.judge import evaluate_gates  # noqa: E402
from include.release.promotion import promote, verify_champion  # noqa: E402
from include.scoring.batch import score  # noqa: E402
from include.tracking.registry import register  # noqa: E402
from include.training import jobs  # noqa: E402
from include.validation.window import validate_window  # noqa: E402


def main(model: str, night: date, day: date) -> dict[str, float]:
    """Run the night and return the seconds of each part."""
    marks = {"import": time.perf_counter() - STARTED}
    config = find_model(model)
    context = jobs.open_run(config, night, f"plain__{night}__{time.time_ns()}", "")
    validate_window(config, context)
    trained = [jobs.train_candidate(context, candidate.name) for candidate in config.training.candidates]
    marks["train"] = time.perf_counter() - STARTED - sum(marks.values())
    selection = jobs.select_candidate(context, trained)
    holdout = jobs.evaluate_holdout(context, selection)
    registered = register(context, selection, holdout)
    decision = evaluate_gates(context, registered)
    if decision.verdict == "promote":
        promote(context, decision, actor="benchmark")
        verify_champion(model, decision.version)
    marks["release"] = time.perf_counter() - STARTED - sum(marks.values())
    score(config, day + timedelta(days=1), day, day)
    marks["score"] = time.perf_counter() - STARTED - sum(marks.values())
    monitor_night(config, day + timedelta(days=1))
    marks["monitor"] = time.perf_counter() - STARTED - sum(marks.values())
    return marks | {"total": time.perf_counter() - STARTED}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], date.fromisoformat(sys.argv[2]), date.fromisoformat(sys.argv[3]))))

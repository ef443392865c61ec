"""Does a new user's first night end with a champion, whatever the calendar says? Every night as a first release.

    python -m benchmarks.first_release [--from 2026-01-01] [--nights 364] [--json first_release.json]

The flights are mapped from 2013 to any date by whole steps of 364 days, so 364 nights in a row are all that there are.
Each night is trained as of itself, on its own windows, and judged with no champion there, by the functions that the
nights use; rows are read from the source and validated. The exit code is 1 where a night ends without a champion.
`--state` keeps rows and trained nights in a folder, so that other gates can be tried without training again.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from include.config.loader import find_model
from include.config.schema import ModelConfig
from include.contracts import GateDecision
from include.replay import plan as planned
from include.replay.decisions import Nights
from include.replay.history import History, environment_with
from include.replay.plan import Plan
from include.replay.pool import train_nights
from include.replay.run import Silent, rows_for
from include.replay.store import Store

MODEL = "flight_delay"
YEAR = 364
WORST = 10


class FirstNight(NamedTuple):
    """What a night came to as the first one; `margin` is how far the skill's confidence limit is above 0."""

    night: date
    candidate: str
    verdict: str
    margin: float
    reasons: tuple[str, ...]


def judge_night(config: ModelConfig, history: History, store: Store, night: date) -> FirstNight:
    """Put a trained night before the gates with no champion, no earlier version and no earlier use of its holdout."""
    made = store.load(night, history.seen(config, night))
    if made is None or made.trained.fault:
        fault = "it was not trained" if made is None else made.trained.fault
        return FirstNight(night, "", "not trained", float("-inf"), (fault,))
    decision = Nights(config, history, store, lambda _: made).judge(made, 1, night)
    return FirstNight(night, made.trained.candidate, decision.verdict, margin_of(decision), decision.reasons)


def margin_of(decision: GateDecision) -> float:
    """How far the least sure figure of skill is above no skill."""
    found = [gate.margin for gate in decision.gates if gate.name == "against_constant"]
    return found[0] if found and found[0] is not None else float("-inf")


def judge_nights(first: date, nights: int, processes: int) -> list[FirstNight]:
    """Train what is not trained yet, and judge each night by itself."""
    config = find_model(MODEL)
    plan = Plan(config, first, first + timedelta(days=nights - 1))
    place = rows_for(plan, "source", Silent())
    history, store = History.load(config, place, plan.days), Store(planned.nights_folder(config))
    due = [night for night in plan.nights if store.load(night, history.seen(config, night)) is None]
    train_nights(config, place, plan.days, store, due, processes, lambda _: None)
    return [judge_night(config, history, store, night) for night in plan.nights]


def main() -> int:
    """Run, print the nights that matter, and write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="first", type=date.fromisoformat, default=date(2026, 1, 1))
    parser.add_argument("--nights", type=int, default=YEAR)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--state", type=Path, help="folder that keeps rows and trained nights")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    started = time.perf_counter()
    with contextlib.ExitStack() as stack:
        folder = str(asked.state or stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(environment_with({"NIGHTSHIFT_STATE": folder}))
        found = judge_nights(asked.first, asked.nights, asked.processes)
    ranked = sorted(found, key=lambda one: (one.verdict == "promote", one.margin))
    released = sum(one.verdict == "promote" for one in found)
    print(f"first releases: {released} of {len(found)}; {(time.perf_counter() - started) / 60:.1f} minutes")
    for one in ranked[: max(WORST, len(found) - released)]:
        print(f"{one.night}  {one.verdict:11}  {one.margin:+.4f}  {one.candidate}  {' '.join(one.reasons)}")
    if asked.json:
        asked.json.write_text(json.dumps([{**one._asdict(), "night": str(one.night)} for one in found], indent=1))
    return int(released < len(found))


if __name__ == "__main__":
    sys.exit(main())

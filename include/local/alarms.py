"""What `./nightshift alerts` prints: the open alarms, or whether a test message reaches every target."""

from __future__ import annotations

from include.alerts import targets, tell
from include.alerts.message import Message, headline, masked
from include.config.loader import load_models
from include.status.faulty_files import FaultyFile, faulty_files


def listed() -> list[str]:
    """The open alarms of every model, each with where to look, and what is still to be told."""
    faulty = {one.model: one for one in faulty_files()}
    lines = []
    for model in sorted({*load_models()[0], *faulty}):
        if model in faulty:
            lines += _of_file(faulty[model])
        for state in tell.open_alarms(model):
            told = f"told on the night of {state.told}" if state.told else "not told to anybody yet"
            waits = f"; {len(state.waiting)} targets did not get it yet" if state.waiting else ""
            lines += [f"{model}: {masked(headline(state))} ({told}{waits})", f"  {masked(state.sentence)}"]
            lines += [f"  Next: {state.next}"] if state.next else []
            lines += [f"  {name}: {address}" for name, address in state.links.items()]
    return lines or ["No alarm is open."]


def _of_file(faulty: FaultyFile) -> list[str]:
    """An alarm that is open while the file has faults: no night can tell it, since none runs."""
    count = f"{len(faulty.faults)} fault{'s' if len(faulty.faults) > 1 else ''}"
    return [
        f"{faulty.model}: CRITICAL model file: {count}, open while they are there",
        f"  {masked(faulty.first)}",
        f"  {faulty.still_served}",
        f"  Next: {faulty.next}",
    ]


def tested() -> tuple[list[str], bool]:
    """Send a test message to every target; a line for each, and whether all of them, and every tag, are fine."""
    known, faults = targets.load()
    for name, config in load_models()[0].items():
        if lost := tell.unmatched(config.alerts.tags, known):
            faults.append(f"include/models/{name}.yaml: alerts.tags: no target has the tag {', '.join(lost)}")
    record: dict[str, object] = {"news": "test", "sentence": "A test by ./nightshift alerts --test"}
    message = Message("[test] Nightshift", "A test by ./nightshift alerts --test: alarms reach you.", "info", (record,))
    reached = [(target.name, target.send(message)) for target in known]
    lines = [f"FAILED: {name}: {why}" if why else f"reached: {name}" for name, why in reached]
    if len(known) == 1 and not faults:
        lines.append("NIGHTSHIFT_ALERTS is empty, so that alarms go to that file and the tasks' logs alone")
    return [*lines, *(f"FAULT: {fault}" for fault in faults)], not faults and not any(why for _, why in reached)

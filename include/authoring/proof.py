"""A draft held against the rows that it was drafted from, by the very validation that each night runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import yaml

from include.authoring.scratch import scratch
from include.config.loader import load_model
from include.contracts import DayRange
from include.data import windows
from include.data.gaps import find_gaps
from include.data.newest import newest_night
from include.errors import DataRefused, NightshiftError
from include.validation.ingest import read_days
from include.validation.labels import unmatured_days
from include.validation.rules import bind_rules
from include.validation.runner import ValidationOutcome, validate
from include.validation.window import check_window

if TYPE_CHECKING:
    from include.config.schema import ModelConfig
    from include.contracts import RuleFailure

MOST_TOLD = 5


def prove(path: Path, text: str, young: bool = False) -> tuple[str, ...]:
    """Read the rows as a night would, through the `data.source` of the draft at `path`, and validate them.

    A drafted rule that the rows fail only warns, in the file too: it is the draft that is wrong about them.
    Returns what was changed, and whatever else sets rows aside, refuses days or keeps a night from training; of a
    `young` history it is known that none can train yet.
    """
    config = load_model(path)
    try:
        with scratch():  # for a key of hashes, where this machine has none
            night = newest_night(config)
            span = windows.history_days(config, night)
            days = [span.start + timedelta(days=step) for step in range(span.days)]
            rows = read_days(config, days, night)
    except NightshiftError as error:
        return (f"a night could not read these rows: {error}",)
    unmatured = unmatured_days(config, days, night)
    outcome = validate(config, rows, days, unmatured)
    failed = {failure.rule: failure for failure in outcome.failures if failure.severity != "warn"}
    wrong = [rule for rule in bind_rules(config) if rule.name in failed]
    notes: list[str] = []
    if wrong:
        text, lines = loosen(text, [rule.index for rule in wrong])
        path.write_text(text, encoding="utf-8")
        config = load_model(path)
        outcome = validate(config, rows, days, unmatured)
        notes = [_describe_loosening(failed[rule.name], line) for rule, line in zip(wrong, lines, strict=True)]
    training = [] if young else _training(config, outcome, days, night)
    return (*notes, *_findings(config, outcome), *training)


def loosen(text: str, rules: Collection[int]) -> tuple[str, list[int]]:
    """The model file's text with `on_failure: warn` for these of `validation.rules`, and the line of each."""
    lines = text.splitlines(keepends=True)
    nodes = {number: node for number, node in enumerate(_rules(yaml.compose(text))) if number in rules}
    for node in reversed(nodes.values()):
        given = [value for key, value in node.value if key.value == "on_failure"]
        mark, end = (given[0].start_mark, given[0].end_mark) if given else (node.end_mark, node.end_mark)
        line = lines[mark.line]
        if given:
            lines[mark.line] = f"{line[: mark.column]}warn{line[end.column :]}"
        elif node.flow_style:  # the mapping ends in a brace
            lines[mark.line] = f"{line[: mark.column - 1]}, on_failure: warn{line[mark.column - 1 :]}"
        else:
            first = node.value[0][0].start_mark
            lines.insert(first.line + 1, f"{' ' * first.column}on_failure: warn\n")
    return "".join(lines), [node.start_mark.line + 1 for node in nodes.values()]


def _rules(root: Any) -> Sequence[yaml.MappingNode]:
    """The nodes of `validation.rules`, in their order."""
    node = root
    for key in ("validation", "rules"):
        node = next((value for name, value in node.value if name.value == key), None)
        if node is None:
            return ()
    return tuple(node.value)


def _describe_loosening(failure: RuleFailure, line: int) -> str:
    return (
        f"line {line}: {failure.rule} fails on {failure.failed:,} of {failure.checked:,} of these very rows, so that "
        f"it only warns ({failure.detail})"
    )


def _findings(config: ModelConfig, outcome: ValidationOutcome) -> list[str]:
    """What a night would set aside or refuse of these rows."""
    held = [failure for failure in outcome.failures if failure.severity != "warn" and failure.rule != "day_not_empty"]
    notes = [f"a night would not take all rows: {failure.rule}: {failure.detail}" for failure in held[:MOST_TOLD]]
    more = len(held) - MOST_TOLD
    return [*notes, f"and {more} more such findings: ./nightshift try {config.name}"] if more > 0 else notes


def _training(config: ModelConfig, outcome: ValidationOutcome, days: Sequence[date], night: date) -> list[str]:
    """Why no night could train on these rows; nothing where one could."""
    frozen = windows.training_windows(config, night)
    there = [day for day in days if day not in outcome.refused_days]
    gaps = find_gaps(config, frozen.whole, there)
    if not gaps.bearable:
        return [f"no night can train on these rows yet: without rows are {gaps.named}. {gaps.rule}"]
    try:
        check_window(config, frozen, night, _as_stored(config, outcome.accepted, frozen.whole.start, night), there)
    except DataRefused as error:
        return [f"no night can train on these rows yet: {error}"]
    return []


def _as_stored(config: ModelConfig, good: pd.DataFrame, start: date, night: date) -> pd.DataFrame:
    """The good rows as `windows.read_rows` gives them once they are stored."""
    rows = good.assign(row_key=windows.row_keys(config, good))

    def read(
        model: str, table: str, columns: Sequence[str], days: tuple[date, date], version: int | None
    ) -> pd.DataFrame:
        inside = [days[0] <= day <= days[1] for day in rows[config.data.day]]
        return rows.loc[inside, list(columns)].reset_index(drop=True)

    return windows.read_rows(config, DayRange(start=start, end=night - timedelta(days=1)), night, read=read)

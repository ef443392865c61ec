"""A night's chain on a sample, in this process: what each step would do, with no registry, server or table touched.

The steps are the nights' own functions. What it cannot tell is how the version compares with a champion: that takes
the whole holdout, and the champion.
"""

from __future__ import annotations

import os
import secrets
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from include.config import environment
from include.contracts import CandidateResult, DayRange, Windows
from include.data import splits, tables, windows
from include.data.newest import newest_night
from include.data.sources import read_labels, read_source
from include.errors import NightshiftError
from include.release.facts import HoldoutScores
from include.release.first_release import constant_gate
from include.release.next_steps import next_step
from include.release.slices import slice_gates
from include.release.suspicion import warnings
from include.release.thresholds import threshold_gates
from include.training import trial
from include.training.baseline import baseline_metrics, constants
from include.training.fit import predict_scores
from include.training.metrics import evaluate
from include.training.select import select
from include.validation.labels import unmatured_days, with_labels
from include.validation.runner import validate

if TYPE_CHECKING:
    from include.config.schema import ModelConfig

State = Literal["fine", "warning", "fault"]
SEED = 0


@dataclass(frozen=True)
class Step:
    """One step of the chain: what it came to, in a sentence or a few, and how long it took."""

    name: str
    state: State
    told: tuple[str, ...]
    seconds: float


@dataclass
class Tried:
    """All steps up to the first that a night could not go beyond."""

    night: date
    steps: list[Step] = field(default_factory=list)

    @property
    def fine(self) -> bool:
        return all(step.state != "fault" for step in self.steps)


def try_model(config: ModelConfig, night: date | None, rows: int, say: Callable[[Step], None]) -> Tried:
    """Run the chain as of `night`, or of the newest one that the source has rows for, on about `rows` rows."""
    with _scratch():
        return _tried(config, night or newest_night(config), rows, say)


def _tried(config: ModelConfig, night: date, rows: int, say: Callable[[Step], None]) -> Tried:
    tried = Tried(night)

    def step(name: str, work: Callable[[], tuple[State, list[str]]]) -> bool:
        started = time.perf_counter()
        try:
            state, told = work()
        except NightshiftError as error:
            state, told = "fault", [str(error)]
        except Exception as error:  # a source of one's own may raise anything: where, is what its author needs
            state, told = "fault", [f"{type(error).__name__}: {error}", *_where(error)]
        tried.steps.append(Step(name, state, tuple(told), time.perf_counter() - started))
        say(tried.steps[-1])
        return state != "fault"

    for name, work in _Chain(config, night, rows).steps():
        if not step(name, work):
            break
    return tried


class _Chain:
    """The steps in their order; each leaves what the next ones need."""

    def __init__(self, config: ModelConfig, night: date, rows: int) -> None:
        self.config, self.night, self.most = config, night, rows
        self.windows: Windows = windows.training_windows(config, night)
        self.results: list[CandidateResult] = []
        self.fitted: dict[str, trial.Trial] = {}

    def steps(self) -> Iterator[tuple[str, Callable[[], tuple[State, list[str]]]]]:
        yield "read", self._read
        yield "validate", self._validate
        yield "split", self._split
        for index, candidate in enumerate(self.config.training.candidates):
            yield f"train {candidate.name}", partial(self._train, index)
        yield "choose", self._choose
        yield "judge", self._judge
        yield "gates", self._gates
        yield "score", self._score

    def _read(self) -> tuple[State, list[str]]:
        config, whole = self.config, self.windows.whole
        self.days = DayRange(
            start=whole.start - timedelta(days=windows.lookback_days(config)), end=self.night - timedelta(days=1)
        )
        found = read_source(config, self.days.start, self.days.end)
        if config.data.labels:
            found = with_labels(config, found, read_labels(config, self.days.start, self.days.end))
        self.sample, self.sampled = found, len(found) > self.most
        if self.sampled:
            self.sample = found.sample(self.most, random_state=SEED).sort_index().reset_index(drop=True)
        what = "a snapshot" if config.data.snapshot else f"{self.days.start} to {self.days.end}"
        told = [f"{len(found):,} rows of {what} from {config.data.source.place}"]
        if self.sampled:
            told.append(f"a sample of {len(self.sample):,} goes on")
        return ("fine" if len(found) else "fault"), told

    def _validate(self) -> tuple[State, list[str]]:
        config = self.config
        days = [self.days.start + timedelta(days=step) for step in range(self.days.days)]
        # A sample has fewer rows a day than a rule on their number demands.
        rules = _without_row_counts(config) if self.sampled else config
        outcome = validate(rules, self.sample, days, unmatured_days(config, days, self.night))
        good = outcome.accepted
        columns = {name: kind for name, kind in config.data.columns.items() if name != "day"} | {"row_key": "string"}
        accepted = [day for day in days if day not in outcome.refused_days]
        rows = good.assign(row_key=windows.row_keys(config, good))
        schema = tables.schema_for(columns)
        tables.replace_days(config.name, windows.VALIDATED, rows, good[config.data.day], accepted, schema)
        told = [f"{len(good):,} rows pass, {len(outcome.quarantine):,} are set aside"]
        told += [f"{failure.severity}: {failure.rule}: {failure.detail}" for failure in outcome.failures[:5]]
        refused = sorted(outcome.refused_days)
        if refused:
            reasons = "; ".join(outcome.refused_days[refused[-1]])
            told.append(f"{len(refused)} of {len(days)} days are refused, the last {refused[-1]}: {reasons}")
        bad = self.windows.whole.end in refused or len(refused) > config.training.max_missing_share * len(days)
        return ("fault" if bad else "warning" if outcome.failures else "fine"), told

    def _split(self) -> tuple[State, list[str]]:
        rows = windows.read_rows(
            self.config, self.windows.whole, self.night, columns=windows.judged_columns(self.config)
        )
        self.parts = splits.split(self.config, rows, self.windows)
        spans = {"train": self.windows.train, "validation": self.windows.validation, "holdout": self.windows.holdout}
        days = "" if self.config.data.snapshot else " of {0.start} to {0.end}"
        return "fine", [f"{name}: {len(part):,} rows{days.format(spans[name])}" for name, part in self.parts.items()]

    def _train(self, index: int) -> tuple[State, list[str]]:
        candidate = self.config.training.candidates[index]
        done = trial.on_rows(
            self.config,
            candidate,
            self.parts["train"],
            self.parts["validation"],
            threads=environment.threads_per_task(),
        )
        self.fitted[candidate.name] = done
        self.results.append(
            CandidateResult(
                name=candidate.name,
                index=index,
                mlflow_run_id="",
                model_uri="",
                metrics=done.metrics,
                fit_seconds=done.resources.seconds,
            )
        )
        metric = self.config.training.select_by
        told = [f"{candidate.estimator}: validation {metric} {done.metrics[f'validation_{metric}']:.4f}"]
        if done.left_out:
            told.append(f"without {', '.join(done.left_out)}: no value in any training row")
        return ("warning" if done.left_out else "fine"), told

    def _choose(self) -> tuple[State, list[str]]:
        chosen = select(self.config, self.results)
        self.pipeline = self.fitted[chosen.chosen.name].pipeline
        return "fine", [chosen.reason]

    def _judge(self) -> tuple[State, list[str]]:
        part, config = self.parts["holdout"], self.config
        scores = predict_scores(self.pipeline, part, config)
        y = part[config.data.label].to_numpy(dtype=np.float64)
        same_for_all = constants(config, self.parts["train"][config.data.label].to_numpy())
        measured, baseline = evaluate(config, y, scores), baseline_metrics(config, y, same_for_all)
        cluster = config.release.cluster_by
        self.scores = HoldoutScores(
            y=y,
            days=part[config.data.day].to_numpy(dtype="datetime64[D]"),
            challenger=scores,
            clusters=part[cluster].astype(str).to_numpy(dtype=str) if cluster else None,
            columns={declared.column: part[declared.column].to_numpy() for declared in config.release.slices},
            baseline=same_for_all,
            features={name: part[name].to_numpy() for name in config.features.names},
        )
        told = [
            f"{name} {value:.4f}" + (f" (a constant's: {baseline[name]:.4f})" if name in baseline else "")
            for name, value in measured.items()
        ]
        odd = warnings(config, self.scores)
        return ("warning" if odd else "fine"), [*told, *odd]

    def _gates(self) -> tuple[State, list[str]]:
        """The gates of a first release. A sample is smaller than a night's holdout: there a no is but a hint."""
        config, scores = self.config, self.scores
        gates = [constant_gate(config, scores), *threshold_gates(config, scores), *slice_gates(config, scores)[0]]
        told = [gate.sentence for gate in gates]
        if all(gate.passed for gate in gates):
            return "fine", told
        if self.sampled:
            told.append("That is of a sample: a night judges all rows, and may be surer.")
        return "warning", [*told, next_step(config, gates, scores)]

    def _score(self) -> tuple[State, list[str]]:
        last = DayRange(start=self.days.end, end=self.days.end)
        rows = windows.read_rows(self.config, last, self.night)
        scores = predict_scores(self.pipeline, rows, self.config)
        if not len(rows):
            return "warning", [f"no validated rows of {last.end} to score"]
        if scores.ndim == 2:
            names = [str(name) for name in self.config.data.classes]
            counts = pd.Series(np.array(names)[scores.argmax(axis=1)]).value_counts()
            return "fine", [f"{len(rows):,} rows of {last.end}: " + ", ".join(f"{n} {c:,}" for n, c in counts.items())]
        low, middle, high = np.quantile(scores, [0.05, 0.5, 0.95])
        return "fine", [
            f"{len(rows):,} rows of {last.end}: median {middle:.4g}, nine in ten from {low:.4g} to {high:.4g}"
        ]


def _where(error: Exception) -> list[str]:
    """The innermost line of this repository that the error came through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _ours(frame.filename)]
    return [f"in {frames[-1].filename}, line {frames[-1].lineno}: {frames[-1].line}"] if frames else []


def _ours(path: str) -> bool:
    return Path(path).is_relative_to(environment.REPOSITORY / "include")


def _without_row_counts(config: ModelConfig) -> ModelConfig:
    rules = tuple(rule for rule in config.validation.rules if "TableRowCount" not in rule.expect)
    return config.model_copy(update={"validation": config.validation.model_copy(update={"rules": rules})})


@contextmanager
def _scratch() -> Iterator[None]:
    """Tables of this process alone, and a key for hashes where it has none: all is gone afterwards."""
    named = ("NIGHTSHIFT_TABLES", "NIGHTSHIFT_STATE")
    before = {name: os.environ.get(name) for name in (*named, "NIGHTSHIFT_HASH_KEY")}
    with tempfile.TemporaryDirectory(prefix="nightshift-try-") as folder:
        os.environ.update(dict.fromkeys(named, folder))
        os.environ["NIGHTSHIFT_HASH_KEY"] = environment.hash_key() or secrets.token_hex(32)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value

"""A night's chain in this process: what each step would do, with no registry, server or table touched.

The steps are the nights' own functions, in their order, on all rows; only the candidates are fitted on a sample where
the rows are many. What it cannot tell is how the version compares with a champion, and it does not look at drift: that
says whether a night is unusual, not whether it runs.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from include.authoring.checks import table_faults
from include.authoring.saved import Saved, save
from include.authoring.scratch import scratch
from include.config import environment
from include.contracts import CandidateResult, DayRange, Windows
from include.data import splits, windows
from include.data.gaps import require_days
from include.data.newest import newest_night
from include.errors import NightshiftError, NotEnoughData
from include.evidence.baselines import baseline_metrics, constants
from include.evidence.metrics import evaluate
from include.gates.decide import decide
from include.gates.inputs import Facts, HoldoutScores
from include.gates.suspicion import warnings
from include.scoring import outputs
from include.scoring.rows import score_rows
from include.training import trial
from include.training.fit import predict_scores
from include.training.select import select
from include.training.speed import scoring_time
from include.validation.ingest import read_days, store_days
from include.validation.window import check_window

if TYPE_CHECKING:
    from include.config.schema import ModelConfig

State = Literal["fine", "warning", "fault"]
SEED = 0
MOST_TOLD = 5
"""Rules that did not hold, told of a step."""
LEAST_OF_A_CLASS = 20
"""Rows of each class that a sample has, where there are as many."""


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
        """Whether a night would run through, whatever its gates then say."""
        return all(step.state != "fault" for step in self.steps)

    @property
    def released(self) -> bool:
        """Whether the gates of a first release would let the version through."""
        return self.fine and any(step.name == "gates" and step.state == "fine" for step in self.steps)


def try_model(config: ModelConfig, night: date | None, rows: int, say: Callable[[Step], None]) -> Tried:
    """Run the chain as of `night`, or of the newest one that the source has rows for; fit on at most `rows` rows."""
    stored = table_faults(config)
    with scratch():
        return _tried(config, night or newest_night(config), rows, say, stored)


def _tried(config: ModelConfig, night: date, rows: int, say: Callable[[Step], None], stored: Sequence[str]) -> Tried:
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

    for name, work in _Chain(config, night, rows, stored).steps():
        if not step(name, work):
            break
    return tried


class _Chain:
    """The steps in their order; each leaves what the next ones need."""

    def __init__(self, config: ModelConfig, night: date, rows: int, stored: Sequence[str]) -> None:
        self.config, self.night, self.most, self.stored = config, night, rows, stored
        self.windows: Windows = windows.training_windows(config, night)
        self.results: list[CandidateResult] = []
        self.saved: dict[str, Saved] = {}

    def steps(self) -> Iterator[tuple[str, Callable[[], tuple[State, list[str]]]]]:
        yield "read", self._read
        yield "validate", self._validate
        yield "window", self._window
        yield "split", self._split
        for index, candidate in enumerate(self.config.training.candidates):
            yield f"train {candidate.name}", partial(self._train, index)
        yield "choose", self._choose
        yield "judge", self._judge
        yield "gates", self._gates
        yield "score", self._score

    def _read(self) -> tuple[State, list[str]]:
        """The days that a history of the model has, as `demo` loads them; none where the stored table cannot follow."""
        if self.stored:
            return "fault", list(self.stored)
        span = windows.history_days(self.config, self.night)
        self.days = [span.start + timedelta(days=step) for step in range(span.days)]
        self.raw = read_days(self.config, self.days, self.night)
        what = "a snapshot" if self.config.data.snapshot else f"{span.start} to {span.end}"
        told = [f"{len(self.raw):,} rows of {what} from {self.config.data.source.place}"]
        return ("fine" if len(self.raw) else "fault"), told

    def _validate(self) -> tuple[State, list[str]]:
        """Each day as its own night would judge it; a refused day stops training by the nights' rule alone."""
        done = store_days(self.config, self.raw, self.days, self.night)
        good, aside = (sum(day.validated for day in done.days), sum(day.quarantined for day in done.days))
        told = [f"{good:,} rows pass, {aside + done.undated:,} are set aside"]
        told += [f"{failure.severity}: {failure.rule}: {failure.detail}" for failure in done.failures[:MOST_TOLD]]
        if refused := done.refused_days:
            reasons = "; ".join(refused[-1].reasons)
            told.append(f"{len(refused)} of {len(self.days)} days are refused, the last {refused[-1].day}: {reasons}")
        self.there = windows.validated_days(self.config, self.windows.whole)
        try:
            gaps = require_days(self.config, self.windows, self.there)
        except NotEnoughData as error:
            return "fault", [*told, str(error)]
        if gaps.days:
            told.append(f"a night trains without {gaps.named}. {gaps.rule}")
        return ("warning" if done.failures else "fine"), told

    def _window(self) -> tuple[State, list[str]]:
        self.rows = windows.read_rows(self.config, self.windows.whole, self.night)
        doubts = check_window(self.config, self.windows, self.night, self.rows, self.there)
        told = [f"{failure.rule}: {failure.detail}" for failure in doubts]
        return ("warning" if told else "fine"), told or ["enough days, rows, classes and values in every split"]

    def _split(self) -> tuple[State, list[str]]:
        config, frozen = self.config, self.windows
        judged = windows.judged_columns(config)
        holdout = windows.read_rows(config, frozen.holdout, self.night, columns=judged)
        self.parts: dict[splits.Split, pd.DataFrame] = {
            "train": splits.of_days(config, self.rows, frozen.train, "train"),
            "validation": splits.of_days(config, self.rows, frozen.validation, "validation"),
            "holdout": splits.of_days(config, holdout, frozen.holdout, "holdout"),
        }
        spans = {"train": frozen.train, "validation": frozen.validation, "holdout": frozen.holdout}
        days = "" if config.data.snapshot else " of {0.start} to {0.end}"
        told = [f"{name}: {len(part):,} rows{days.format(spans[name])}" for name, part in self.parts.items()]
        self.fitted_on = _sample(config, self.parts["train"], self.most)
        if len(self.fitted_on) < len(self.parts["train"]):
            told.append(f"candidates are fitted on a sample of {len(self.fitted_on):,} rows; a night knows more")
        return "fine", told

    def _train(self, index: int) -> tuple[State, list[str]]:
        config, candidate = self.config, self.config.training.candidates[index]
        done = trial.on_rows(
            config, candidate, self.fitted_on, self.parts["validation"], threads=environment.threads_per_task()
        )
        self.saved[candidate.name] = save(config, candidate, done)
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
        metric = config.training.select_by
        told = [f"{candidate.estimator}: validation {metric} {done.metrics[f'validation_{metric}']:.4f}"]
        empty = [name for name in done.left_out if self.parts["train"][name].isna().all()]
        if empty:
            told.append(f"without {', '.join(empty)}: no value in any training row")
        told += done.notes
        return ("warning" if len(told) > 1 else "fine"), told

    def _choose(self) -> tuple[State, list[str]]:
        chosen = select(self.config, self.results)
        self.chosen = self.saved[chosen.chosen.name]
        return "fine", [chosen.reason]

    def _judge(self) -> tuple[State, list[str]]:
        part, config = self.parts["holdout"], self.config
        scores = predict_scores(self.chosen.pipeline, part, config)
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
        """The gates of a first release. A no is a result, and no night stops at it; of a sample it is a hint."""
        config, chosen = self.config, self.chosen
        timed = None
        if config.release.max_scoring_ms_per_1000_rows is not None:
            timed = scoring_time(chosen.pipeline, self.parts["holdout"], config)
        decision = decide(config, 1, None, self.scores, chosen.golden, Facts(scoring_ms=timed, model_mb=chosen.mb))
        told = [gate.sentence for gate in decision.gates]
        if decision.verdict == "promote":
            return "fine", told
        if len(self.fitted_on) < len(self.parts["train"]):
            told.append("That is of a version fitted on a sample: a night's knows more.")
        return "warning", [*told, decision.next_step]

    def _score(self) -> tuple[State, list[str]]:
        last = DayRange(start=self.days[-1], end=self.days[-1])
        rows = windows.read_rows(self.config, last, self.night)
        if not len(rows):
            return "warning", [f"no validated rows of {last.end} to score"]
        scores, errors = score_rows(self.chosen.pipeline, rows, self.config)
        outputs.columns(self.config, scores)
        failed = [error for error in errors if error]
        if len(failed) == len(rows):
            return "fault", [f"none of {len(rows):,} rows of {last.end} can be scored: {failed[0]}"]
        told = [f"{len(rows):,} rows of {last.end}: {_spread(self.config, scores)}"]
        if failed:
            told.append(f"{len(failed):,} of them cannot be scored, such as: {failed[0]}")
        return ("warning" if failed else "fine"), told


def _spread(config: ModelConfig, scores: np.ndarray) -> str:
    """What the scores (n,) or (n, k) are like, but for rows that have none."""
    if scores.ndim == 2:
        there = scores[np.isfinite(scores).all(axis=1)]
        names = [str(name) for name in config.data.classes]
        counts = pd.Series(np.array(names)[there.argmax(axis=1)]).value_counts()
        return ", ".join(f"{name} {count:,}" for name, count in counts.items())
    low, middle, high = np.nanquantile(scores, [0.05, 0.5, 0.95])
    return f"median {middle:.4g}, nine in ten from {low:.4g} to {high:.4g}"


def _sample(config: ModelConfig, train: pd.DataFrame, most: int) -> pd.DataFrame:
    """At most about `most` rows to fit on, among them some of every class: a rare one is not lost to the sample."""
    if len(train) <= most:
        return train
    mixed = train.sample(frac=1, random_state=SEED)
    kept = np.arange(len(mixed)) < most
    if config.task != "regression":
        kept |= (mixed.groupby(config.data.label).cumcount() < LEAST_OF_A_CLASS).to_numpy()
    return mixed[kept].sort_index().reset_index(drop=True)


def _where(error: Exception) -> list[str]:
    """The innermost line of this repository that the error came through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _ours(frame.filename)]
    return [f"in {frames[-1].filename}, line {frames[-1].lineno}: {frames[-1].line}"] if frames else []


def _ours(path: str) -> bool:
    return Path(path).is_relative_to(environment.REPOSITORY / "include")

"""Train a registered version again and compare: from its recorded rows, configuration and threads, in a clean process.

Nothing is written: the process that trains is not told where the registry is. What could make a difference and is not
what it was (code, libraries, processor) is named beside the comparison.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from include.config import environment
from include.config.loader import config_hash, find_model, parse_config_json
from include.contracts import Contract, DayRange, Resources, Windows
from include.errors import ConfigError, PermanentError, TransientError
from include.tracking import naming, registry, runs
from include.tracking.golden_rows import parse_golden
from include.tracking.provenance import HASH_LENGTH, MADE_WITH, git_sha, lock_hash
from include.tracking.registry import VersionInfo
from include.training import trial
from include.training.rerun import Answer, Remade, Rerun

KEPT = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "HTTPS_PROXY", "NO_PROXY")
KEPT_PREFIXES = ("AWS_", "AZURE_", "GOOGLE_")
"""Variables that the clean process inherits: how to find programs, and the credentials of the tables' storage."""
NEEDED = (
    *("parent_run_id", "candidate", "config_hash", "as_of", "data_version", "data_hash", "git_sha"),
    *("window_train", "window_validation", "window_holdout"),
)
"""Tags of a version without which it cannot be trained again."""
UNRECORDED = "not recorded"
SHOWN_LINES = 12


class Fact(Contract):
    """Something that a model depends on, as it was recorded and as it is now."""

    name: str
    recorded: str
    now: str

    @property
    def same(self) -> bool:
        return self.recorded == self.now


class Figure(Contract):
    """A metric as it was recorded and as the model that was trained again has it, None where it has none."""

    name: str
    recorded: float
    again: float | None

    @property
    def same(self) -> bool:
        return self.recorded == self.again


class Reproduction(Contract):
    """What came of training a version again; `identical` is for rows, predictions and metrics to the last bit.

    `seconds` is of the whole command, for all versions that were asked for; `resources` is what the fit took.
    """

    model: str
    version: int
    candidate: str
    estimator: str
    data_version: int
    threads: int
    facts: tuple[Fact, ...]
    same_rows: bool
    golden_rows: int
    golden_differing: int
    largest_difference: float
    metrics: tuple[Figure, ...]
    resources: Resources
    seconds: float
    identical: bool


@dataclass(frozen=True)
class Recorded:
    """What the registry and the runs know of a version, and what it takes to train it again."""

    info: VersionInfo
    request: Rerun
    metrics: dict[str, float]
    estimator: str


def reproduce(model: str, versions: Sequence[int]) -> list[Reproduction]:
    """Train these versions again, one after another in one clean process, and compare each with what was recorded.

    Raises PermanentError, naming the version, where it does not exist or its configuration, golden rows or data
    version cannot be read any more.
    """
    started = time.perf_counter()
    recorded = [_recorded(model, version) for version in versions]
    answers = _in_clean_process([one.request for one in recorded])
    seconds = time.perf_counter() - started
    compared = []
    for one, answer in zip(recorded, answers, strict=True):
        if answer.remade is None:
            raise PermanentError(f"version {one.info.version} of {model} cannot be trained again: {answer.fault}")
        compared.append(_compared(one, answer.remade, seconds))
    return compared


def _recorded(model: str, version: int) -> Recorded:
    info = _version(model, version)
    tags = info.tags
    text, estimator = _configuration(info)
    request = Rerun(
        config=text,
        candidate=tags["candidate"],
        as_of=date.fromisoformat(tags["as_of"]),
        data_version=int(tags["data_version"]),
        windows=Windows(**{split: _days(tags[f"window_{split}"]) for split in ("train", "validation", "holdout")}),
        threads=int(tags.get("threads", environment.threads_per_task())),
        golden=_artefact(info, info.mlflow_run_id, naming.GOLDEN_FILE, "the rows whose predictions are compared"),
    )
    metrics, _ = runs.run_metrics(info.mlflow_run_id)
    return Recorded(info, request, metrics, estimator)


def _version(model: str, version: int) -> VersionInfo:
    """What the registry knows of the version. Raises PermanentError where it is unknown, or knows too little."""
    known = registry.versions(model)
    if version not in known:
        if not known:
            find_model(model)  # a name that no model file has either is told with a near miss
        listed = ", ".join(str(number) for number in known) or "none yet"
        raise PermanentError(
            f"{model} has no version {version}; its versions are: {listed}. Next: ./nightshift history {model}"
        )
    info = registry.version_info(model, version)
    if missing := [name for name in NEEDED if name not in info.tags]:
        raise PermanentError(
            f"version {version} of {model} cannot be trained again: it has no tag {naming.tag(missing[0])}, so it was "
            f"not registered by a retrain run. Next: ./nightshift history {model} lists those that were"
        )
    return info


def _configuration(info: VersionInfo) -> tuple[str, str]:
    """The stored configuration's text, and the estimator of the chosen candidate."""
    tags = info.tags
    named = f"version {info.version} of {info.model} cannot be trained again"
    text = _artefact(info, tags["parent_run_id"], naming.CONFIG_FILE, "the configuration that it was trained with")
    found = hashlib.sha256(text.encode()).hexdigest()[:HASH_LENGTH]
    if found != tags["config_hash"]:
        raise PermanentError(
            f"{named}: {naming.CONFIG_FILE} of run {tags['parent_run_id']} has hash {found}, but the version was "
            f"trained with {tags['config_hash']}; somebody has replaced it"
        )
    try:
        config = parse_config_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PermanentError(
            f"{named} by this code, which does not know its configuration ({where}: {first['msg']}). "
            f"Next: check out its commit, {tags['git_sha']}"
        ) from error
    return text, trial.candidate_named(config, tags["candidate"])[1].estimator


def _artefact(info: VersionInfo, run_id: str, path: str, what: str) -> str:
    try:
        return runs.load_text(run_id, path)
    except PermanentError as error:
        raise PermanentError(
            f"version {info.version} of {info.model} cannot be trained again: artefact {path} of run {run_id}, {what}, "
            f"cannot be read any more ({str(error).splitlines()[0]})"
        ) from error


def _in_clean_process(requests: Sequence[Rerun]) -> list[Answer]:
    """Answers to the requests, from a new interpreter for each number of threads, with nothing inherited but `KEPT`."""
    answers: dict[int, Answer] = {}
    for threads in sorted({request.threads for request in requests}):
        numbers = [number for number, request in enumerate(requests) if request.threads == threads]
        done = subprocess.run(
            [sys.executable, "-m", "include.training.rerun"],
            input=json.dumps([requests[number].to_json() for number in numbers]),
            env=_environment(threads),
            cwd=environment.REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            last = "\n".join(done.stderr.splitlines()[-SHOWN_LINES:])
            raise TransientError(f"the process that trains again ended with code {done.returncode}:\n{last}")
        told = json.loads(done.stdout.splitlines()[-1])
        answers.update(zip(numbers, (Answer.from_json(answer) for answer in told), strict=True))
    return [answers[number] for number in range(len(requests))]


def _environment(threads: int) -> dict[str, str]:
    """Variables of the clean process: hashing, time zone, language and threads are set, not inherited."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith(KEPT_PREFIXES)}
    root = environment.tables_uri()
    return {
        **kept,
        "NIGHTSHIFT_TABLES": root if "://" in root else str(Path(root).resolve()),
        "PYTHONPATH": str(environment.REPOSITORY),
        "PYTHONNOUSERSITE": "1",
        "PYTHONHASHSEED": "0",
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "OMP_WAIT_POLICY": "PASSIVE",
    }


def _compared(recorded: Recorded, again: Remade, seconds: float) -> Reproduction:
    info, request = recorded.info, recorded.request
    _, before = parse_golden(request.golden)
    gaps = np.abs(before - np.asarray(again.golden_scores)).reshape(len(before), -1).max(axis=1, initial=0.0)
    figures = tuple(
        Figure(name=name, recorded=value, again=again.metrics.get(name))
        for name, value in sorted(recorded.metrics.items())
        if name.startswith(("train_", "validation_", "holdout_", "search_"))
    )
    same_rows = again.data_hash == info.tags["data_hash"]
    return Reproduction(
        model=info.model,
        version=info.version,
        candidate=request.candidate,
        estimator=recorded.estimator,
        data_version=request.data_version,
        threads=request.threads,
        facts=_facts(info, again),
        same_rows=same_rows,
        golden_rows=len(gaps),
        golden_differing=int((gaps != 0).sum()),
        largest_difference=float(gaps.max(initial=0.0)),
        metrics=figures,
        resources=again.resources,
        seconds=seconds,
        identical=bool(same_rows and len(gaps) and (gaps == 0).all() and all(figure.same for figure in figures)),
    )


def _facts(info: VersionInfo, again: Remade) -> tuple[Fact, ...]:
    """What a model depends on, then and now; that something differs need not make a difference."""
    now = {
        "data_hash": again.data_hash,
        "config_hash": _config_now(info.model),
        "git_sha": git_sha(),
        "lock_hash": lock_hash(),
        **again.made_with,
    }
    names = ("data_hash", "config_hash", "git_sha", "lock_hash", *MADE_WITH)
    return tuple(Fact(name=name, recorded=info.tags.get(name, UNRECORDED), now=now[name]) for name in names)


def _config_now(model: str) -> str:
    try:
        return config_hash(find_model(model))
    except ConfigError:
        return "no usable model file"


def _days(text: str) -> DayRange:
    start, _, end = text.partition("..")
    return DayRange(start=date.fromisoformat(start), end=date.fromisoformat(end))

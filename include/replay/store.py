"""Trained nights on disk: a night is there when its `.json` is, which is written last, whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import ValidationError

from include.replay.nights import Night, TrainedNight, load_pipeline

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

KEPT_IN_MEMORY = 6
"""Pipelines that one process holds: champion, anchor and the first one of each policy."""


class Store:
    """The nights of one training configuration, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pipeline = lru_cache(maxsize=KEPT_IN_MEMORY)(self._load)

    def keep(self, night: Night) -> None:
        """Write scores and pipeline, then the text that says that they are there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        name = night.trained.night.isoformat()
        if not night.trained.fault:
            write_whole(self.folder / f"{name}.skops", night.stored)
            both = np.concatenate([night.holdout, night.first_day])
            write_whole(self.folder / f"{name}.f8", both.astype("<f8").tobytes())
        text = {"holdout_rows": len(night.holdout), **night.trained.to_json()}
        write_whole(self.folder / f"{name}.json", json.dumps(text, indent=1).encode())

    def load(self, night: date, seen: str) -> Night | None:
        """A night, if it was trained on the rows that are there now; without its pipeline, which `pipeline` loads."""
        try:
            text = json.loads((self.folder / f"{night}.json").read_text(encoding="utf-8"))
            rows = text.pop("holdout_rows")
            trained = TrainedNight.from_json(text)
            if trained.seen != seen:
                return None
            if trained.fault:
                return Night(trained)
            both = np.frombuffer((self.folder / f"{night}.f8").read_bytes(), dtype="<f8")
        except (OSError, ValueError, KeyError, ValidationError):
            return None  # never finished, or written by other code: the night is trained again
        return Night(trained, both[:rows], both[rows:])

    def pipeline(self, night: date, estimator: str) -> Pipeline:
        return self._pipeline(night, estimator)

    def _load(self, night: date, estimator: str) -> Pipeline:
        return load_pipeline((self.folder / f"{night}.skops").read_bytes(), estimator)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, whatever is killed when."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        try:
            file.write(content)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    Path(file.name).chmod(0o644)
    os.replace(file.name, path)  # noqa: PTH105 - replaces on every system, atomically

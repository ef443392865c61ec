"""What a model was made of and made with, so that it can be made again: rows, code, libraries, threads, machine."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from typing import TYPE_CHECKING

import pandas as pd
from threadpoolctl import threadpool_info

from include.config import environment

if TYPE_CHECKING:
    from include.config.schema import ModelConfig

HASH_LENGTH = 16
LIBRARIES = ("numpy", "pandas", "scipy", "scikit-learn")
"""The libraries whose arithmetic is in a prediction."""
VERSIONS = {f"{library.replace('-', '_')}_version": library for library in LIBRARIES}
MADE_WITH = ("threads", "python_version", *VERSIONS, "blas", "machine")
"""The tags that `made_with` gives."""


def rows_hash(rows: pd.DataFrame) -> str:
    """Sixteen hexadecimal digits that change whenever a value, a row or a column of the window changes."""
    ordered = rows[sorted(rows.columns)]
    values = pd.util.hash_pandas_object(ordered, index=False).to_numpy()
    return hashlib.sha256(",".join(ordered.columns).encode() + values.tobytes()).hexdigest()[:HASH_LENGTH]


def window_hash(config: ModelConfig, rows: pd.DataFrame) -> str:
    """`rows_hash` of a window as `windows.read_rows` gives it; a snapshot's without the day on which it was read.

    Unchanged, it is the same training data on every night: what a person rolled back does not return by itself.
    """
    return rows_hash(rows.drop(columns=config.data.day) if config.data.snapshot else rows)


def git_sha() -> str:
    """The code's commit: NIGHTSHIFT_GIT_SHA where an image sets it, or git's answer; `-dirty` says it was edited."""
    if given := os.environ.get("NIGHTSHIFT_GIT_SHA"):
        return given
    git = shutil.which("git")
    if git is None:
        return "unknown"
    answer = subprocess.run(  # noqa: S603 - fixed arguments
        [git, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
        cwd=environment.REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.stdout.strip() or "unknown"


def lock_hash() -> str:
    """Sixteen hexadecimal digits of the lock file, which names every library's version."""
    lock = environment.REPOSITORY / "requirements.txt"
    return hashlib.sha256(lock.read_bytes()).hexdigest()[:HASH_LENGTH] if lock.is_file() else "unknown"


def made_with(threads: int) -> dict[str, str]:
    """What the arithmetic of a fit in this process depends on besides rows and configuration, as tags.

    Sums are rounded differently by another number of threads and by another processor's kernels: a logistic regression
    with `lbfgs` moved by 4e-6 from one thread to two, and forests, boosting and neighbours not at all (57,000 flights).
    """
    kernels = {f"{pool['internal_api']} {pool['version']} {pool.get('architecture', '')}" for pool in _blas()}
    return {
        "threads": str(threads),
        "python_version": platform.python_version(),
        **{name: version(library) for name, library in VERSIONS.items()},
        "blas": ", ".join(sorted(kernels)),
        "machine": f"{platform.system()} {platform.machine()}",
    }


def _blas() -> list[dict[str, str]]:
    """The loaded linear algebra libraries, with the processor that each has chosen its kernels for."""
    return [pool for pool in threadpool_info() if pool["user_api"] == "blas"]

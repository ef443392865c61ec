"""Every fault of model files: what the schema, scikit-learn and Great Expectations would say, before a night does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from include.config import environment
from include.config.loader import load_model
from include.errors import ConfigError


def faults_of(files: Sequence[Path]) -> dict[Path, list[str]]:
    """Faults by file, an empty list where there are none; of all model files when none is named."""
    chosen = list(files) or sorted(environment.models_dir().glob("*.yaml"))
    return {path: _faults(path) for path in chosen}


def _faults(path: Path) -> list[str]:
    try:
        config = load_model(path)
    except ConfigError as error:
        return error.faults
    from include.training.candidate_faults import candidate_faults
    from include.validation.rules import rule_faults

    task, quantile = config.task, config.training.quantile
    faults = [fault for one in config.training.candidates for fault in candidate_faults(one, task, quantile)]
    return faults + rule_faults(config)

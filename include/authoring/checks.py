"""Every fault of model files: what the schema, scikit-learn and Great Expectations would say, before a night does."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from include.config import environment
from include.config.loader import load_model, model_file
from include.config.near import near
from include.config.schema import DeltaSource, FilesSource, PythonSource
from include.errors import ConfigError

if TYPE_CHECKING:
    from include.config.schema import ModelConfig, Source


def faults_of(named: Sequence[str | Path]) -> dict[Path, list[str]]:
    """Faults by file, an empty list where there are none; of all model files when none is named.

    :param named: models' names, or files; a name that no model has is a fault under that name
    """
    found: dict[Path, list[str]] = {}
    for one in named or sorted(environment.models_dir().glob("*.yaml")):
        try:
            path = model_file(str(one))
        except ConfigError as error:
            found[Path(one)] = error.faults
        else:
            found[path] = _faults(path)
    return found


def _faults(path: Path) -> list[str]:
    try:
        config = load_model(path)
    except ConfigError as error:
        return error.faults
    return [*config_faults(config), *table_faults(config)]


def config_faults(config: ModelConfig) -> list[str]:
    """What scikit-learn and Great Expectations have against a configuration that the schema takes."""
    from include.training.candidate_faults import candidate_faults
    from include.validation.rules import rule_faults

    task, quantile = config.task, config.training.quantile
    faults = [fault for one in config.training.candidates for fault in candidate_faults(one, task, quantile)]
    return [*source_faults(config), *faults, *rule_faults(config)]


def table_faults(config: ModelConfig) -> list[str]:
    """What the model's stored rows have against the configuration; those of another machine are asked by the night."""
    from include.data import evolution

    return [] if "://" in environment.tables_uri() else evolution.faults(config)


def source_faults(config: ModelConfig) -> list[str]:
    """Sources of this machine that are not there. Others are asked when they are read: lint reaches no network."""
    named = {"data.source": config.data.source, "data.labels": config.data.labels}
    return [f"{where}{fault}" for where, source in named.items() if source and (fault := _absent(source))]


def _absent(source: Source) -> str | None:
    if isinstance(source, PythonSource) and not (environment.REPOSITORY / source.place).is_file():
        known = sorted(path.stem for path in (environment.REPOSITORY / source.place).parent.glob("[a-z]*.py"))
        hint = near(source.module, known)
        return f".module: no file {source.place}{hint}; create it with a function read(start, end)"
    if isinstance(source, FilesSource | DeltaSource) and "://" not in source.path:
        pattern = str(environment.REPOSITORY / Path(source.path.replace("{day}", "*")).expanduser())
        if not glob.glob(pattern):  # noqa: PTH207 - an absolute pattern, which Path.glob refuses
            return f".path: nothing at {source.path!r} (looked at {pattern}); put the data there, or change the path"
    return None

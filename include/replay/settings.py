"""What is replayed: a model file, changed by `--set` and by policy files, checked by the model file's own schema."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from include.config import environment
from include.config.loader import find_model, parse_model, read_content, read_value
from include.config.schema import ModelConfig
from include.errors import ConfigError

NEAR = 2
"""Dotted paths that an unknown one is told to be near to."""


def configured(model: str, settings: Sequence[str] = (), policy: Path | None = None) -> ModelConfig:
    """The model file with the parts that `policy` names put over it, and then each `a.b.c=value` of `settings`.

    A policy is a whole model file or some of its sections; what it does not name stays. Raises ConfigError with every
    fault of all of them at once.
    """
    base = find_model(model)
    content = read_content(environment.models_dir() / f"{model}.yaml")
    if policy is not None:
        content = merged(content, read_content(policy))
    faults: list[str] = []
    for setting in settings:
        fault = _set(content, setting)
        faults += [fault] if fault else []
    origin = " ".join([*([str(policy)] if policy else []), *(f"--set {setting}" for setting in settings)])
    try:
        config = parse_model(content, origin)
    except ConfigError as error:
        known = list(_paths(base.model_dump(mode="json")))
        raise ConfigError(origin, [*faults, *(_hinted(fault, settings, known) for fault in error.faults)]) from None
    if config.name != model:
        faults.append(f"name: {config.name!r} cannot be replayed as {model!r}; leave name out of a policy")
    if config.release.evidence != "holdout":
        faults.append(
            f"release.evidence: received {config.release.evidence}; a replay judges versions on their holdouts. "
            "Add --set release.evidence=holdout"
        )
    if config.task != "binary" or config.data.snapshot:
        received = "a snapshot" if config.data.snapshot else config.task
        faults.append(f"task: received {received}; a replay decides about binary models of days alone")
    faults += [] if faults else _estimator_faults(config)
    if faults:
        raise ConfigError(origin, faults)
    return config


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `over` put on it: sections are merged, values and lists are replaced."""
    result = copy.deepcopy(dict(base))
    for key, value in over.items():
        earlier = result.get(key)
        if isinstance(earlier, Mapping) and isinstance(value, Mapping):
            result[key] = merged(earlier, value)
        else:
            result[key] = copy.deepcopy(value)
    return result


def _set(content: dict[str, Any], setting: str) -> str:
    """Put one setting into `content`; the fault in words where it cannot be."""
    path, found, text = setting.partition("=")
    parts = path.strip().split(".")
    if not found or not all(parts):
        return f"{setting!r}: write it as path=value, such as release.against_champion.alpha=0.05"
    try:
        value = read_value(text)
    except ValueError as error:
        return f"{path}: {error}"
    place: Any = content
    for step, part in enumerate(parts[:-1]):
        if isinstance(place, dict):
            place[part] = place[part] if place.get(part) is not None else {}
        if fault := _fault_of(place, part, ".".join(parts[:step])):
            return f"{path}: {fault}"
        place = place[int(part)] if isinstance(place, list) else place[part]
    if fault := _fault_of(place, parts[-1], ".".join(parts[:-1])):
        return f"{path}: {fault}"
    place[int(parts[-1]) if isinstance(place, list) else parts[-1]] = value
    return ""


def _fault_of(place: Any, part: str, where: str) -> str:
    """Why `part` is no place in `place`; empty where it is one."""
    if isinstance(place, dict):
        return ""
    if not isinstance(place, list):
        return f"{where} is a value, not a section"
    if part.isdigit() and int(part) < len(place):
        return ""
    return f"{where} is a list of {len(place)}: name a place from 0 to {len(place) - 1}, not {part!r}"


def _hinted(fault: str, settings: Sequence[str], known: Sequence[str]) -> str:
    """The schema's fault, with the paths elsewhere that end as the unknown one of a `--set` does."""
    where, _, message = fault.partition(": ")
    asked = [setting.partition("=")[0] for setting in settings]
    path = next((path for path in asked if path == where or path.startswith(f"{where}.")), None)
    if path is None or not message.startswith("unknown key"):
        return fault
    same = [one for one in known if one.rpartition(".")[2] == path.rpartition(".")[2]]
    near = difflib.get_close_matches(path, same, n=NEAR, cutoff=0.0)
    return f"{fault}; did you mean {' or '.join(near)}?" if near else fault


def _paths(section: Any, prefix: str = "") -> Iterator[str]:
    """Dotted paths of all values of a resolved configuration."""
    if isinstance(section, dict):
        for name, value in section.items():
            yield from _paths(value, f"{prefix}.{name}" if prefix else name)
    else:
        yield prefix


def _estimator_faults(config: ModelConfig) -> list[str]:
    from include.training.candidate_faults import candidate_faults

    task, quantile = config.task, config.training.quantile
    return [fault for one in config.training.candidates for fault in candidate_faults(one, task, quantile)]

"""Configuration as MLflow parameters, and batches within MLflow's limits."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.utils.validation import (
    MAX_ENTITY_KEY_LENGTH,
    MAX_PARAM_VAL_LENGTH,
    MAX_PARAMS_TAGS_PER_BATCH,
    MAX_TAG_VAL_LENGTH,
)

T = TypeVar("T")
METRICS_PER_BATCH = 500
"""A request holds at most 1,000 metrics, parameters and tags together."""
_KEY = re.compile(r"^[\w\-. ]+$")
"""What MLflow and our dotted paths both allow in a key."""


def flatten(value: Any, path: str = "") -> dict[str, str]:
    """A nested configuration as `training.candidates.0.params.max_depth` -> text.

    Mappings and lists of mappings are followed. A list of plain values, and a mapping whose keys MLflow would refuse
    (a model file's column may have any name, of any length), stay one parameter, as JSON.
    """
    if isinstance(value, Mapping) and value and all(_fits(path, str(key)) for key in value):
        pairs = ((str(key), part) for key, part in value.items())
    elif isinstance(value, list | tuple) and value and all(isinstance(part, Mapping) for part in value):
        pairs = ((str(index), part) for index, part in enumerate(value))
    else:
        text = value if isinstance(value, str) else json.dumps(value)
        return {path[:MAX_ENTITY_KEY_LENGTH]: _cut(text, MAX_PARAM_VAL_LENGTH)}
    flat: dict[str, str] = {}
    for key, part in pairs:
        flat.update(flatten(part, f"{path}.{key}" if path else key))
    return flat


def _fits(path: str, key: str) -> bool:
    return _KEY.match(key) is not None and len(f"{path}.{key}") <= MAX_ENTITY_KEY_LENGTH


def log_batches(
    client: MlflowClient,
    run_id: str,
    *,
    params: Mapping[str, str] | None = None,
    metrics: Mapping[str, float] | None = None,
    tags: Mapping[str, str] | None = None,
    model_id: str | None = None,
) -> None:
    """Log all in as few requests as MLflow's limits allow. Tags travel last, so one can be a mark of completion."""
    now = int(time.time() * 1000)
    points = [Metric(name, float(value), now, 0, model_id=model_id) for name, value in (metrics or {}).items()]
    texts = [Param(name, value) for name, value in (params or {}).items()]
    marks = [RunTag(name, _cut(value, MAX_TAG_VAL_LENGTH)) for name, value in (tags or {}).items()]
    rounds = max(1, math.ceil(len(points) / METRICS_PER_BATCH), math.ceil(len(texts) / MAX_PARAMS_TAGS_PER_BATCH))
    for number in range(rounds):
        client.log_batch(
            run_id,
            metrics=_part(points, number, METRICS_PER_BATCH),
            params=_part(texts, number, MAX_PARAMS_TAGS_PER_BATCH),
            tags=marks if number == rounds - 1 else (),
        )


def _part(entities: Sequence[T], number: int, size: int) -> Sequence[T]:
    return entities[number * size : (number + 1) * size]


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."

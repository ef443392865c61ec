"""What a model card says of the configuration: the kind of model, what it predicts, its weights, its windows. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.config.schema import Split
from include.data.labels import class_names
from include.markdown import as_text
from include.release.card_facts import count

if TYPE_CHECKING:
    from include.config.schema import ModelConfig
    from include.contracts import Windows

KINDS = {"binary": "binary classification", "multiclass": "multiclass classification", "regression": "regression"}


def kind(config: ModelConfig) -> str:
    return KINDS[config.task]


def predicted(config: ModelConfig) -> str:
    """The label, which of its classes or what of its values is predicted, and when it is known."""
    data, quantile = config.data, config.training.quantile
    parts = [data.label if quantile is None else f"quantile {quantile:g} of {data.label}"]
    if data.classes:
        names = class_names(config)
        parts.append(f"the probability of {names[1]}" if config.task == "binary" else f"one of {', '.join(names)}")
    if not data.snapshot:
        parts.append(f"known after {count(data.label_delay_days, 'day')}")
    return as_text(", ".join(parts))


def weights(config: ModelConfig) -> str:
    """How rows were weighted for fitting; empty where they count alike."""
    training = config.training
    parts = [f"by {training.sample_weight}"] if training.sample_weight else []
    parts += ["classes alike"] if training.class_weight else []
    parts += [f"half after {training.half_life_days:g} days"] if training.half_life_days else []
    return as_text(", ".join(parts))


def windows(config: ModelConfig, split: Windows) -> str:
    if config.data.snapshot:
        shares = config.training.split or Split()
        told = f"train {shares.train:.0%}, validation {shares.validation:.0%}, holdout {shares.holdout:.0%}"
        return f"the table as of {split.train.start}, rows shared out by a hash of their key: {told}"
    parts = (("train", split.train), ("validation", split.validation), ("holdout", split.holdout))
    return ", ".join(f"{name} {days.start} to {days.end} ({count(days.days, 'day')})" for name, days in parts)

"""What to do where a first release was refused: there is no champion to go on with, so somebody has to. Pure.

The same rows and the same model file give the same answer, so no step says to train again as it is: each names what to
change, or what to wait for, and the command that then ends the situation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from include.gates.first_release import GATE, Skill, sure_skills
from include.gates.inputs import WORDS, HoldoutScores

if TYPE_CHECKING:
    from include.config.schema import ModelConfig
    from include.contracts import GateResult

MOST = 20
"""Times the holdout there is, beyond which more rows are no advice."""


def next_step(config: ModelConfig, gates: Sequence[GateResult], holdout: HoldoutScores) -> str:
    """A sentence or a few for the gates of a first release that did not pass; empty where all did."""
    failed = {gate.name: gate for gate in gates if not gate.passed}
    if not failed:
        return ""
    told = [_step(config, failed, holdout), _commands(config)]
    if set(failed) != {"holdout_uses"}:
        told.insert(1, _unchanged(config))
    return " ".join(part for part in told if part)


def _step(config: ModelConfig, failed: dict[str, GateResult], holdout: HoldoutScores) -> str:
    file = f"include/models/{config.name}.yaml"
    if failed.keys() & {"holdout_rows", "holdout_labels"}:
        fewer = f", or demand fewer (release.min_holdout_rows: {config.release.min_holdout_rows} now)"
        return f"In {file} give the holdout more rows: {_more(config)}{fewer if 'holdout_rows' in failed else ''}."
    if GATE in failed:
        return f"In {file}: " + _to_show_skill(config, failed[GATE], holdout)
    bounds = [gate.name for gate in failed.values() if gate.name.endswith(("_min", "_max", "_skill"))]
    if bounds:
        return f"In {file} the bounds {', '.join(bounds)} hold on every night (release.thresholds): move them."
    if "holdout_uses" in failed:
        return f"Wait for {'other rows' if config.data.snapshot else 'the next day'}: enough was tried on these rows."
    return f"See what refused it, and change {file}."


def _to_show_skill(config: ModelConfig, gate: GateResult, holdout: HoldoutScores) -> str:
    """More rows where the skill is there but not sure, another metric where that one shows it, else other features."""
    advice = []
    if gate.value is None or gate.judged is None:
        advice.append(f"give the holdout more rows, of every class and of three days at least: {_more(config)}.")
    elif gate.value > 0 and (factor := ((gate.value - gate.judged) / gate.value) ** 2) <= MOST:
        advice.append(
            f"a skill of this size would be sure on about {_enough(config, holdout, factor)}: {_more(config)}."
        )
    skills = sure_skills(config, holdout)
    if skills:
        advice.append(_other_metric(config, skills))
    elif gate.value is not None:
        advice.append(
            "More of the same rows show no skill that is not there: give it features that move with the label"
            + (", or fewer, larger classes." if config.task == "multiclass" else ".")
        )
    return " ".join(advice)


def _other_metric(config: ModelConfig, skills: Sequence[Skill]) -> str:
    best = skills[0]
    judged, weighted = config.release.against_champion.metric, config.training.class_weight
    why = ""
    if config.task != "regression" and weighted:
        why = " training.class_weight moves probabilities away from the rates: remove it, or"
    elif judged == "mean_absolute_error":
        why = " What is fitted to the mean is not best at the median: use a candidate of loss: absolute_error, or"
    return (
        f"By {WORDS[best.metric]} it is surely better than no model (skill at least {best.interval.low:.3f}), by "
        f"{WORDS[judged]} it is not.{why or ' If that is what matters,'} judge by it: "
        f"release.against_champion: {{metric: {best.metric}}}, and training.select_by the same."
    )


def _enough(config: ModelConfig, holdout: HoldoutScores, factor: float) -> str:
    """Errors shrink with the root of what is independent: rows, or whole days or other clusters."""
    if config.release.rows == "independent":
        return f"{math.ceil(len(holdout.y) * factor):,} rows"
    if config.release.cluster_by and holdout.clusters is not None:
        return f"{math.ceil(len(np.unique(holdout.clusters)) * factor):,} values of {config.release.cluster_by}"
    return f"{math.ceil(len(np.unique(holdout.days)) * factor)} days"


def _more(config: ModelConfig) -> str:
    if config.data.snapshot:
        share = f" ({config.training.split.holdout:g} now)" if config.training.split else ""
        return f"a larger share for training.split.holdout{share}, or more rows"
    return f"training.holdout_days ({config.training.holdout_days} now)"


def _unchanged(config: ModelConfig) -> str:
    new = "the table's rows change" if config.data.snapshot else "a newer day's rows are there"
    return f"Unchanged, it gets the same answer until {new}, which the next night looks at by itself."


def _commands(config: ModelConfig) -> str:
    return f"After a change: ./nightshift try {config.name}, then ./nightshift demo {config.name}"

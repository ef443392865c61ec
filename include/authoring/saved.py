"""A fitted pipeline stored and read back in memory, as the registry would: what cannot be stored is no model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import skops.io

from include.errors import PermanentError
from include.gates.inputs import Replay
from include.tracking.golden_rows import golden_json, golden_sample, parse_golden
from include.training.estimators import skops_trusted_types
from include.training.fit import predict_scores

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from include.config.schema import Candidate, ModelConfig
    from include.training.trial import Trial


@dataclass(frozen=True)
class Saved:
    """The copy that was read back, the golden rows scored before and after, and the stored size in MB (10**6 bytes)."""

    pipeline: Pipeline
    golden: Replay
    mb: float


def save(config: ModelConfig, candidate: Candidate, fitted: Trial) -> Saved:
    """Store and read back, with the types that the estimator's entry in the registry trusts and no others.

    Raises PermanentError where the pipeline holds a type that it does not.
    """
    try:
        stored = skops.io.dumps(fitted.pipeline)
        pipeline: Pipeline = skops.io.loads(stored, trusted=skops_trusted_types(candidate.estimator))
    except Exception as error:  # skops raises by the type that it meets
        raise PermanentError(
            f"{config.name}: training.candidates.{candidate.name} ({candidate.estimator}): the pipeline cannot be "
            f"saved with skops: {error}"
        ) from error
    rows = golden_sample(fitted.validation[list(config.features.names)])
    golden, recorded = parse_golden(golden_json(rows, predict_scores(fitted.pipeline, rows, config)))
    return Saved(pipeline, Replay(recorded, predict_scores(pipeline, golden, config)), len(stored) / 1e6)

"""Train recorded candidates again, from what this process is told on standard input; nothing is written anywhere.

    python -m include.training.rerun < requests.json > answers.json

`release/reproduce` starts it with an environment of its own. It does not know MLflow's address, and does not need it.
"""

from __future__ import annotations

import json
import sys
from datetime import date

from deltalake.exceptions import DeltaError

from include.config.loader import parse_config_json
from include.config.schema import ModelConfig
from include.contracts import Contract, Resources, Windows
from include.data import tables, windows
from include.errors import NightshiftError, PermanentError, TransientError
from include.evidence.metrics import evaluate
from include.tracking import naming
from include.tracking.golden_rows import parse_golden
from include.tracking.provenance import made_with, window_hash
from include.training import trial
from include.training.fit import predict_scores


class Rerun(Contract):
    """What a version was made of. `config` and `golden` are the artefacts' texts, as they were stored."""

    config: str
    candidate: str
    as_of: date
    data_version: int
    windows: Windows
    threads: int
    golden: str


class Remade(Contract):
    """What came of training it again; `golden_scores` are of the recorded golden rows, in their order."""

    data_hash: str
    rows: int
    metrics: dict[str, float]
    golden_scores: tuple[float, ...] | tuple[tuple[float, ...], ...]
    made_with: dict[str, str]
    resources: Resources


class Answer(Contract):
    """One request's answer, or the fault for which there is none."""

    remade: Remade | None = None
    fault: str = ""


def rerun(asked: Rerun) -> Remade:
    """Read the recorded rows, fit the candidate, and measure it as the night did.

    Raises PermanentError where the data version is gone, TransientError where the storage fails.
    """
    config = parse_config_json(asked.config)
    _, candidate = trial.candidate_named(config, asked.candidate)
    data_hash, rows = _window(config, asked)
    frozen, as_of, version = asked.windows, asked.as_of, asked.data_version
    tried = trial.run(config, candidate, frozen, as_of, version, asked.threads)
    y_true, scores, _ = trial.score_holdout(config, tried.pipeline, frozen, as_of, version)
    holdout = {naming.metric("holdout", name): value for name, value in evaluate(config, y_true, scores).items()}
    golden, _ = parse_golden(asked.golden)
    return Remade(
        data_hash=data_hash,
        rows=rows,
        metrics={**tried.metrics, **holdout},
        golden_scores=tuple(predict_scores(tried.pipeline, golden, config).tolist()),
        made_with=made_with(asked.threads),
        resources=tried.resources,
    )


def _window(config: ModelConfig, asked: Rerun) -> tuple[str, int]:
    """Hash and number of the window's rows at the recorded version of the table.

    Files that are gone, a log that is gone and a table that is gone each show themselves differently.
    """
    uri, version = tables.table_uri(config.name, windows.VALIDATED), asked.data_version
    gone = f"data version {version} of the table {uri} cannot be read any more"
    try:
        rows = windows.read_rows(config, asked.windows.whole, asked.as_of, version)
    except FileNotFoundError as error:
        first = str(error).splitlines()[0]
        raise PermanentError(f"{gone}: its files were removed, as a VACUUM does ({first})") from error
    except (DeltaError, PermanentError) as error:
        raise PermanentError(f"{gone}: {error}") from error
    except OSError as error:
        raise TransientError(f"the table {uri} did not answer: {error}. The same command may work later") from error
    if not len(rows):
        whole = asked.windows.whole
        raise PermanentError(f"{gone}: it has no row of {whole.start} to {whole.end}; the table or its log was removed")
    return window_hash(config, rows), len(rows)


def main() -> None:
    """Answer every request, in order, on one line."""
    answers = []
    for request in json.load(sys.stdin):
        try:
            answer = Answer(remade=rerun(Rerun.from_json(request)))
        except NightshiftError as error:
            answer = Answer(fault=str(error))
        answers.append(answer.to_json())
    sys.stdout.write(json.dumps(answers) + "\n")


if __name__ == "__main__":
    main()

"""How often versions have been judged: the runs among a model's releases, read for the gates that count."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from include.tracking import naming
from include.tracking.connection import mlflow_client
from include.tracking.lookup import without_prefix

PAGE = 1000


class Judgement(NamedTuple):
    """One version's judgement; `key` names run and version, `holdout` the days, `compared` says with a champion.

    `answer` is the digest of the scores that it gave; empty in records from before it was kept.
    """

    key: str
    at: datetime
    holdout: str
    compared: bool
    answer: str = ""

    @property
    def version(self) -> int:
        return int(self.key.rpartition("/")[2])


def key_of(airflow_run_id: str, version: int) -> str:
    """What a judgement's run is found again by, so that a retried task judges once."""
    return f"{airflow_run_id}/{version}"


def judgements(model: str) -> list[Judgement]:
    """Every version that was judged on a holdout, newest first."""
    found: list[Judgement] = []
    with mlflow_client(f"read the judgements of {model}") as client:
        experiment = client.get_experiment_by_name(naming.releases_experiment(model))
        token: str | None = None
        while experiment is not None:
            page = client.search_runs(
                [experiment.experiment_id], order_by=["attributes.start_time DESC"], max_results=PAGE, page_token=token
            )
            for run in page:
                tags = without_prefix(run.data.tags)
                if "holdout" in tags:
                    at = datetime.fromtimestamp(run.info.start_time / 1000, UTC)
                    compared, answer = tags.get("compared") == "true", tags.get("answer", "")
                    found.append(Judgement(tags["key"], at, tags["holdout"], compared, answer))
            token = page.token
            if not token:
                break
    return found

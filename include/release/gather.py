"""Read what is put before the gates: the frozen rows, what every model says to them, and what is known beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from croniter import croniter

from include import clock
from include.contracts import DayRange, RegisteredVersion, RunContext
from include.data import splits, windows
from include.data.labels import class_names
from include.errors import NightshiftError, PermanentError, TransientError
from include.evidence.paired_difference import EvidenceError, metric_interval
from include.gates.inputs import SCORES_OF, Facts, HoldoutScores, Live, Replay, quantile_of
from include.release import ledger, promotion, recalls
from include.scoring import outputs, served_rows
from include.tracking import models, naming, registry, runs
from include.tracking.judgements import Judgement, judgements, key_of
from include.tracking.provenance import rows_hash
from include.training.fit import predict_scores
from include.training.speed import scoring_time

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

    from include.config.schema import ModelConfig
    from include.contracts import Windows

Result = TypeVar("Result")
LIVE_DAYS = 28
"""Days before the holdout that a champion's live metric is looked for on, at most."""
YEAR = timedelta(days=365)


def scores(
    config: ModelConfig, context: RunContext, registered: RegisteredVersion, anchor: int | None
) -> tuple[HoldoutScores, Replay, Pipeline | None]:
    """Every model's scores of the frozen holdout, the challenger's golden rows, and its pipeline.

    `anchor` is scored where it is another version than the champion.
    """
    rows = holdout_rows(config, context)
    pipeline, fault = attempt(lambda: registry.load_pipeline(context.model, registered.version))
    ours = None
    if pipeline is None:
        replay = Replay(np.empty(0), None, fault)
    else:
        replay = promotion.replay(registered.mlflow_run_id, config, lambda: pipeline)
        ours, fault = attempt(lambda: predict_scores(pipeline, rows, config))
    theirs, their_lacks, their_fault = _scores_of(config, context, context.champion_version, rows)
    other = anchor if anchor != context.champion_version else None
    anchored, anchor_lacks, anchor_fault = _scores_of(config, context, other, rows)
    cluster = config.release.cluster_by
    holdout = HoldoutScores(
        y=rows[config.data.label].to_numpy(dtype=np.float64),
        days=rows[config.data.day].to_numpy(dtype="datetime64[D]"),
        challenger=ours,
        champion=theirs,
        challenger_fault=fault,
        champion_fault=their_fault,
        anchor=anchored,
        anchor_fault=anchor_fault,
        champion_lacks=their_lacks,
        anchor_lacks=anchor_lacks,
        clusters=rows[cluster].astype(str).to_numpy(dtype=str) if cluster else None,
        columns={declared.column: rows[declared.column].to_numpy() for declared in config.release.slices},
        baseline=naming.of_split(runs.run_metrics(registered.mlflow_run_id)[0], "train"),
        name=holdout_name(config, context, rows),
        features={name: rows[name].to_numpy() for name in config.features.names},
    )
    return holdout, replay, pipeline


def holdout_rows(config: ModelConfig, context: RunContext) -> pd.DataFrame:
    """The labelled rows of the holdout days, at the table version that the run was frozen to."""
    columns = windows.judged_columns(config)
    rows = windows.read_rows(config, context.windows.holdout, context.as_of, context.data_version, columns)
    kept = rows[config.data.label].notna() & splits.in_part(config, rows, "holdout")
    return rows[kept].reset_index(drop=True)


def facts(
    config: ModelConfig,
    context: RunContext,
    registered: RegisteredVersion,
    anchor: int | None,
    pipeline: Pipeline | None,
    holdout: HoldoutScores,
) -> Facts:
    """What the gates that look beside the scores ask for; nothing is measured that no gate asks for."""
    key, now = key_of(context.airflow_run_id, registered.version), clock.now()
    earlier = [judged for judged in judgements(context.model) if judged.key != key]
    uses, compared = counted(earlier, holdout.name, now, holdout.answer)
    scoring_ms, model_mb, fault = _cost(config, context, registered, pipeline)
    return Facts(
        champion_age_days=_age(context),
        live=_live(config, context),
        anchor_version=anchor,
        earlier_uses=uses,
        same_answer=same_answer(earlier, holdout),
        earlier_judgements=compared,
        judgements_a_year=judgements_in_a_year(config, context.as_of),
        scoring_ms=scoring_ms,
        model_mb=model_mb,
        cost_fault=fault,
        taken_back=recalls.taken_back(context, registered.version),
    )


def anchor_of(context: RunContext) -> int | None:
    """The version that a row of small losses is counted from; None before the first release."""
    if context.champion_version is None:
        return None
    return ledger.anchor_version(ledger.history(context.model), context.champion_version)


def holdout_name(config: ModelConfig, context: RunContext, rows: pd.DataFrame) -> str:
    """The holdout as a judgement names it: its first and its last day.

    A snapshot's is named by a digest of its rows' keys and labels: unchanged rows are the same holdout on every night.
    """
    if not config.data.snapshot:
        return f"{context.windows.holdout.start}..{context.windows.holdout.end}"
    named = rows[["row_key", config.data.label]].sort_values("row_key", ignore_index=True)
    return f"snapshot {rows_hash(named)}"


def counted(earlier: Iterable[Judgement], holdout: str, now: datetime, answer: str = "") -> tuple[int, int]:
    """How many other answers this holdout has judged, and how many comparisons with a champion the last year has seen.

    The same scores of the same rows are the same look, however often a run is repeated; what is judged is luck's chance
    to differ. A version whose scores are not known, or who gave none, counts by itself.
    """
    known = list(earlier)
    uses = len({judged.answer or judged.key for judged in known if judged.holdout == holdout} - {answer})
    return uses, sum(judged.compared and judged.at > now - YEAR for judged in known)


def same_answer(earlier: Iterable[Judgement], holdout: HoldoutScores) -> int | None:
    """The newest earlier version that gave the same scores to the same rows; None where there is none."""
    found = [one.version for one in earlier if one.holdout == holdout.name and one.answer == holdout.answer != ""]
    return found[0] if found else None


def judgements_in_a_year(config: ModelConfig, start: date) -> int:
    """How many comparisons a year's budget is shared among: every scheduled night's, or every trial that can fit in.

    One version is on trial at a time, for `min_nights` at least unless something else ends it.
    """
    if config.release.shadow is not None:
        return YEAR.days // config.release.shadow.min_nights + 1
    return scheduled_in_a_year(config.schedule.retrain, start)


def scheduled_in_a_year(expression: str, start: date) -> int:
    """How often a cron expression fires in the 365 days from `start`."""
    moments = croniter(expression, datetime(start.year, start.month, start.day))
    end = datetime(start.year, start.month, start.day) + YEAR
    count = 0
    while moments.get_next(datetime) <= end:
        count += 1
    return count


def attempt(work: Callable[[], Result]) -> tuple[Result | None, str]:
    """What `work` returns, or why it could not: a model that cannot be used is a refusal, not a failed task."""
    try:
        return work(), ""
    except TransientError:
        raise
    except Exception as error:
        return None, f"{type(error).__name__}: {error}"


def _scores_of(
    config: ModelConfig, context: RunContext, version: int | None, rows: pd.DataFrame
) -> tuple[np.ndarray | None, tuple[str, ...], str]:
    """An earlier version's scores, the columns of its features that no row has, and why it could not score."""
    if version is None:
        return None, (), ""
    found, fault = attempt(lambda: _score_as_served(config, context, version, rows))
    return (None, (), fault) if found is None else (*found, "")


def _score_as_served(
    config: ModelConfig, context: RunContext, version: int, rows: pd.DataFrame
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Score the same rows by an earlier version; where it was declared with other features, read those by row key."""
    info = registry.version_info(context.model, version)
    pipeline: Pipeline = registry.load_pipeline(context.model, version)
    declared = runs.load_config(info.tags["parent_run_id"])
    if declared.features != config.features:
        days, columns = context.windows.holdout, windows.judged_columns(declared)
        again = windows.read_rows(declared, days, context.as_of, context.data_version, columns)
        rows = again.set_index("row_key").loc[rows["row_key"]].reset_index()
    lacks = tuple(name for name in declared.features.columns if rows[name].isna().all())
    return classes_of_today(config, declared, predict_scores(pipeline, rows, declared)), lacks


def classes_of_today(config: ModelConfig, declared: ModelConfig, found: np.ndarray) -> np.ndarray:
    """An earlier version's scores in the order of today's classes; one that it did not know has probability 0.

    Raises PermanentError where it was made for another task, or knew a class that is none any more.
    """
    names, known = class_names(config), class_names(declared)
    if declared.task != config.task:
        raise PermanentError(f"it was trained for task {declared.task}, and the model file's is now {config.task}")
    if config.task == "regression":
        return found
    scores = outputs.aligned(found, known, names)
    if scores is None:
        lost = known if config.task == "binary" else [name for name in known if name not in names]
        raise PermanentError(f"it was trained for classes that data.classes no longer has: {', '.join(lost)}")
    return scores


def _age(context: RunContext) -> int | None:
    """Nights since the night that the champion was trained as of; None where its record does not say."""
    if context.champion_version is None:
        return None
    tags, _ = attempt(lambda: registry.version_info(context.model, context.champion_version or 0).tags)
    as_of = (tags or {}).get("as_of")
    return (context.as_of - date.fromisoformat(as_of)).days if as_of else None


def _live(config: ModelConfig, context: RunContext) -> Live | None:
    """The champion's served scores on matured rows before the holdout.

    Days of the holdout are left out although they are the newest: a rule that is chosen by the rows it is then judged
    on would favour the challenger whenever the champion had bad luck there.
    """
    stale, version = config.release.stale_champion, context.champion_version
    if stale is None or stale.live_loss is None or version is None:
        return None
    try:
        released = registry.version_info(context.model, version).holdout[config.release.against_champion.metric]
        return live_of(config, released, served_rows.read(config, naming.CHAMPION, version, live_days(context.windows)))
    except TransientError:
        raise
    except (NightshiftError, KeyError):
        return None  # no evidence that it has fallen, so the stricter rule stays


def live_days(frozen: Windows) -> DayRange:
    """The days before the holdout on which a champion's live metric is looked for."""
    last = frozen.holdout.start - timedelta(days=1)
    return DayRange(start=last - timedelta(days=LIVE_DAYS - 1), end=last)


def live_of(config: ModelConfig, released: float, rows: pd.DataFrame) -> Live | None:
    """The metric at release and since, on rows as `served_rows.join_labels` gives them; None where they are too few."""
    metric, scored = config.release.against_champion.metric, rows[rows["score"].notna()]
    if len(scored) < config.release.min_holdout_rows:
        return None
    try:
        since = metric_interval(
            metric,
            scored["label"],
            np.array(scored[SCORES_OF[config.task]].tolist()),
            clusters=scored["day"],
            resamples=config.release.resamples,
            seed=config.training.seed,
            **quantile_of(config),
        )
    except EvidenceError:
        return None
    first, newest = (date.fromisoformat(str(day)) for day in (scored["day"].min(), scored["day"].max()))
    return Live(released, since, len(scored), first, newest)


def _cost(
    config: ModelConfig, context: RunContext, registered: RegisteredVersion, pipeline: Pipeline | None
) -> tuple[float | None, float | None, str]:
    """Milliseconds to score 1,000 rows, MB of the stored model, and why one of them is not known."""
    scoring_ms = model_mb = None
    faults = []
    if config.release.max_scoring_ms_per_1000_rows is not None and pipeline is not None:
        scoring_ms, fault = attempt(lambda: scoring_time(pipeline, holdout_rows(config, context), config))
        faults.append(fault)
    if config.release.max_model_mb is not None:
        model_mb, fault = attempt(lambda: models.stored_mb(registered.model_uri))
        faults.append(fault)
    return scoring_ms, model_mb, "; ".join(fault for fault in faults if fault)

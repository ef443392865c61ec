"""A model file in words: what its nights do, on which rows, by which gates. Pure, but for today's date."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from include.data import windows
from include.gates.inputs import WORDS

if TYPE_CHECKING:
    from include.config.schema import Candidate, ModelConfig, Threshold


@dataclass(frozen=True)
class Paragraph:
    """A heading and its lines."""

    title: str
    lines: tuple[str, ...]


def describe(config: ModelConfig, night: date) -> list[Paragraph]:
    """Paragraphs for a person; windows are those of `night`."""
    return [
        Paragraph("Model", tuple(_model(config))),
        Paragraph("Rows", tuple(_rows(config))),
        Paragraph("Features", tuple(_features(config))),
        Paragraph("Training", tuple(_training(config, night))),
        Paragraph("A version is served if", tuple(gates(config))),
        Paragraph("Every night after", tuple(_nights(config))),
        Paragraph("DAGs", tuple(f"{name}: {when}: {what}" for name, when, what in dags(config))),
    ]


def dags(config: ModelConfig) -> list[tuple[str, str, str]]:
    """Each DAG's id, when it runs, what it does."""
    name, cron = config.name, config.schedule
    look = f"{_cron(config, cron.monitor)}, and on new scores"
    found = [
        (f"{name}__ingest", _cron(config, cron.ingest), "reads and validates the day before"),
        (f"{name}__retrain", f"{_cron(config, cron.retrain)}, and when asked for", "trains, judges, promotes"),
        (f"{name}__score", "on newly validated rows", "scores them by champion and challenger"),
        (f"{name}__monitor", look, "looks for drift and harm, decides what follows"),
        (f"{name}__rollback", "by hand", "serves an earlier version again"),
    ]
    if config.release.evidence == "shadow":
        found.insert(4, (f"{name}__shadow", look, "judges the version on trial"))
    return found


def gates(config: ModelConfig) -> Iterator[str]:
    """The demands on a new version, in the order in which they are judged."""
    release, against = config.release, config.release.against_champion
    where = "of its part of the snapshot" if config.data.snapshot else "of later days"
    yield f"it is judged on at least {release.min_holdout_rows:,} untouched rows {where}, used at most {_times(config)}"
    yield from (_threshold(one) for one in release.thresholds)
    unit = release.cluster_by or "day"
    depend = "taken as independent" if release.rows == "independent" else f"of one {unit} taken as depending"
    rate = f"in a year at most {against.alpha_per_year:g}" if against.alpha_per_year else f"{against.alpha:g} a time"
    metric = WORDS.get(against.metric, against.metric)
    asked = (
        f"it is surely better than the champion by {metric}"
        if against.rule == "superiority"
        else f"it is surely no more than {against.margin:g} worse than the champion by {metric}"
    )
    chance = "promoting one that is no better" if against.rule == "superiority" else "promoting a worse one"
    yield f"the first one is surely better than a constant prediction by {metric}, which no season decides"
    yield f"{asked}, on the same rows {depend}; chance of {chance}: {rate}"
    if stale := release.stale_champion:
        harmed = f", or lives {stale.live_loss:g} worse than when it was released" if stale.live_loss else ""
        yield (
            f"where the champion is {stale.after_days} nights old{harmed}: it loses no more than {stale.margin:g}, "
            "against the last version that won by being better too"
        )
    for slice_ in release.slices:
        yield (
            f"no value of {slice_.column} with {slice_.min_rows:,} rows is served worse by more than "
            f"{slice_.max_gap:g} {WORDS.get(slice_.metric, slice_.metric)}; smaller ones are put before a person"
        )
    if release.max_scoring_ms_per_1000_rows:
        yield f"1,000 rows are scored in {release.max_scoring_ms_per_1000_rows:g} ms"
    if release.max_model_mb:
        yield f"it is stored in {release.max_model_mb:g} MB"
    if release.evidence == "shadow" and release.shadow:
        yield f"then, over {release.shadow.min_nights} to {release.shadow.max_nights} nights in the shadow, it leads"
    agrees = {"first_release": "a person agrees to the first release", "always": "a person agrees"}
    if release.approval in agrees:
        yield f"{agrees[release.approval]} within {release.approval_hours:g} hours; silence means no"


def _model(config: ModelConfig) -> Iterator[str]:
    yield f"{config.name}: {config.description}"
    yield f"owner {config.owner}; task {config.task}; {'switched on' if config.active else 'paused until switched on'}"
    if config.training.quantile is not None:
        yield f"predicts the quantile {config.training.quantile:g}"


def _rows(config: ModelConfig) -> Iterator[str]:
    data = config.data
    yield f"from {data.source.place} ({data.source.kind}); a row is named by {', '.join(data.key)}"
    if data.snapshot:
        yield "a snapshot: each night reads the whole table"
    else:
        dated = f"the calendar day of {data.time}" if data.time else data.day
        yield f"dated by {dated}; the label is known {data.label_delay_days} days later"
    values = f", one of {', '.join(str(name) for name in data.classes)}" if data.classes else ""
    yield f"predicted is {data.label}{values}"
    if data.named:
        named = ", ".join(f"{theirs} is {ours}" for ours, theirs in data.named.items())
        yield f"columns that the source names otherwise: {named}"
    for names, what in ((data.known_afterwards, "known only afterwards"), (data.protected, "protected")):
        if names:
            yield f"{what}, and no features: {', '.join(names)}"
    yield (
        f"{len(data.columns)} declared columns, {len(config.validation.rules)} rules; a day with more than "
        f"{config.validation.max_quarantined_share:.0%} of its rows set aside is refused"
    )


def _features(config: ModelConfig) -> Iterator[str]:
    features = config.features
    for title, names in (
        ("numeric", features.numeric),
        ("categorical", features.categorical),
        ("by the label's mean", features.target_encoded),
        ("parts of a time", features.time_names),
    ):
        if names:
            yield f"{title}: {', '.join(names)}"
    for rate in features.rates:
        of = f" of the same {', '.join(rate.by)}" if rate.by else ""
        yield f"{rate.name}: mean of {config.data.label}{of} over {rate.days} earlier days"


def _training(config: ModelConfig, night: date) -> Iterator[str]:
    training, found = config.training, windows.training_windows(config, night)
    if config.data.snapshot:
        split = training.split
        shares = (split.train, split.validation, split.holdout) if split else (0.6, 0.2, 0.2)
        yield "split by a hash of the key: {:.0%} train, {:.0%} validation, {:.0%} holdout".format(*shares)
    else:
        for name in ("train", "validation", "holdout"):
            span = getattr(found, name)
            yield f"{name}: {span.days} days, tonight {span.start} to {span.end}"
    yield from (_candidate(candidate) for candidate in training.candidates)
    yield f"chosen by {WORDS.get(training.select_by, training.select_by)} on validation"
    weights = [
        f"by {training.sample_weight}" if training.sample_weight else "",
        "so that classes count alike" if training.class_weight else "",
        f"half for every {training.half_life_days:g} days of age" if training.half_life_days else "",
    ]
    if training.weighted:
        yield f"rows are weighted {', '.join(word for word in weights if word)}"


def _candidate(candidate: Candidate) -> str:
    params = ", ".join(f"{name} {value}" for name, value in candidate.params.items())
    told = f"{candidate.name}: {candidate.estimator}" + (f" ({params})" if params else "")
    if candidate.search is None:
        return told
    found = candidate.search
    return f"{told}; {found.method} search of {found.trials} settings of {', '.join(found.params)}, {found.folds} folds"


def _nights(config: ModelConfig) -> Iterator[str]:
    monitoring, policy = config.monitoring, config.monitoring.policy
    lasting = policy.drift
    yield (
        f"drift: {lasting.action} once a column is in an alarm on {lasting.nights} of {lasting.of} nights "
        f"(false discovery rate {monitoring.drift.false_discovery_rate:g})"
    )
    if (harm := monitoring.retrain_request) is not None:
        side = f"below {harm.min:g}" if harm.min is not None else f"above {harm.max:g}"
        metric = WORDS.get(harm.metric, harm.metric)
        yield f"harm: {policy.on_harm} once live {metric} is {side} over {harm.nights} nights"
    else:
        yield "harm: no bound is declared (monitoring.retrain_request)"


def _threshold(bound: Threshold) -> str:
    metric = WORDS.get(bound.metric, bound.metric)
    if bound.min_skill is not None:
        return f"{metric} is surely {bound.min_skill:.0%} or more of the way from a constant's to perfect"
    return f"{metric} is surely " + (f"at least {bound.min:g}" if bound.min is not None else f"at most {bound.max:g}")


def _times(config: ModelConfig) -> str:
    count = config.release.max_holdout_uses
    return "once" if count == 1 else f"{count} times"


def _cron(config: ModelConfig, expression: str) -> str:
    from cron_descriptor import Options, get_description

    options = Options()
    options.use_24hour_time_format, options.locale_code = True, "en_US"
    words = get_description(expression, options)
    return f"{words[0].lower()}{words[1:]} ({config.schedule.timezone})"


def resolved(config: ModelConfig) -> str:
    """The resolved configuration, defaults and all, as YAML."""
    import yaml

    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=120)

"""How the served scores did, day by day: with labels where they have matured, estimated where they have not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from include.contracts import DayPerformance, MetricEstimate
from include.monitoring import agreement, calibration, estimates, nights
from include.tracking import naming

if TYPE_CHECKING:
    from include.config.schema import ModelConfig
    from include.config.section import Task
    from include.monitoring.agreement import Scores
    from include.monitoring.estimates import Estimated
    from include.scoring.loader import Training

DAYS_SHOWN = 28
MET_SHOWN = 14
DAYS_HANDED_ON = 7
SHOWN: Mapping[Task, tuple[str, str]] = {
    "binary": ("roc_auc", "brier_score"),
    "multiclass": ("log_loss", "accuracy"),
    "regression": ("mean_absolute_error", "r2"),
}
"""Metrics of a day in the table; the challenger has the first."""
OF_QUANTILE = ("mean_pinball_loss", "mean_absolute_error")
ESTIMATES_HEADER = ("made on night", "days", "metric", "estimate", "95 % interval", "labels said", "off by")
Table = tuple[str, Sequence[str], Sequence[str], Sequence[Sequence[str]]]
"""Title, notes, header, lines."""


@dataclass(frozen=True)
class Served:
    """The days in view, what the newest day's scores say, and the estimates."""

    config: ModelConfig
    days: tuple[DayPerformance, ...]
    scores: Scores
    estimated: Estimated
    waiting: tuple[str, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        return (*self.scores.unscored, *self.scores.reasons, *self.waiting, *self.estimated.reasons)

    @property
    def figures(self) -> dict[str, float]:
        """Metrics of the night's run in MLflow: `shadow_*`, `estimated_*` and by how much the last one was off."""
        made, met = self.estimated.made, self.estimated.met
        newest = [one for one in met if one.last == met[-1].last and one.version == met[-1].version]
        return {
            **{naming.metric("shadow", name): value for name, value in self.scores.shadow.items()},
            **{naming.metric("estimated", one.metric): one.value for one in made},
            **{naming.metric("estimated", f"{one.metric}_low"): one.low for one in made},
            **{naming.metric("estimated", f"{one.metric}_high"): one.high for one in made},
            **{
                naming.metric("estimate_error", one.metric): one.value - one.realised
                for one in newest
                if one.realised is not None
            },
        }

    @property
    def newest(self) -> tuple[DayPerformance, ...]:
        """The newest days of either state, as few as a task's result should hold."""
        kept: set[date] = set()
        for state in ("matured", "not_matured"):
            kept |= set(sorted({one.day for one in self.days if one.state == state})[-DAYS_HANDED_ON:])
        return tuple(one for one in self.days if one.day in kept)

    @property
    def tables(self) -> list[Table]:
        """What the performance page shows."""
        shown: list[Table] = []
        if self.days:
            shown.append(("Day by day", (), _days_header(self.config), _day_lines(self.config, self.days)))
        if lines := [_estimate_line(one) for one in (*self.estimated.made, *_newest(self.estimated.met))]:
            shown.append(("Estimates without labels", calibration.ASSUMPTIONS, ESTIMATES_HEADER, lines))
        return shown


def look(config: ModelConfig, training: Training, night: date) -> Served:
    """Bring the tables of performance and estimates up to date as of `night`, and say what they hold."""
    days = tuple(day for day in nights.update(config, night) if (night - day.day).days <= _in_view(config))
    scores = agreement.of_night(config, night)
    return Served(config, days, scores, estimates.estimate_night(config, training, night), _waiting(config, days))


def _in_view(config: ModelConfig) -> int:
    return DAYS_SHOWN + config.data.label_delay_days


def _waiting(config: ModelConfig, days: Sequence[DayPerformance]) -> tuple[str, ...]:
    waiting = sorted({one.day for one in days if one.state == "not_matured"})
    if not waiting:
        return ()
    noun = f"{len(waiting)} scored days ({waiting[0]} to {waiting[-1]})" if len(waiting) > 1 else f"day {waiting[0]}"
    return (f"Labels of {noun} have not matured: data.label_delay_days is {config.data.label_delay_days}.",)


def _days_header(config: ModelConfig) -> tuple[str, ...]:
    first, second = _shown(config)
    alike = (name.replace("_", " ") for name in agreement.FIGURES[config.task])
    rows = "champion", "rows", "no score", "labelled"
    return ("day", "labels", *rows, first, second, "challenger", f"its {first}", "champion's on the same rows", *alike)


def _shown(config: ModelConfig) -> tuple[str, str]:
    return SHOWN[config.task] if config.training.quantile is None else OF_QUANTILE


def _day_lines(config: ModelConfig, days: Sequence[DayPerformance]) -> list[list[str]]:
    """One line a day, the newest first."""
    by_day: dict[date, dict[tuple[str, str], DayPerformance]] = {}
    for one in days:
        by_day.setdefault(one.day, {})[one.role, one.rows_of] = one
    return [_day_line(config, day, by_day[day]) for day in sorted(by_day, reverse=True)]


def _day_line(config: ModelConfig, day: date, found: dict[tuple[str, str], DayPerformance]) -> list[str]:
    own, beside = found.get(("champion", "own")), found.get(("champion", "shared"))
    other = found.get(("challenger", "shared"))
    any_one = next(iter(found.values()))
    first, second = _shown(config)
    return [
        day.isoformat(),
        "matured" if any_one.state == "matured" else "not matured",
        f"version {own.version}" if own else "",
        f"{own.rows:,}" if own else "",
        f"{own.unscored:,}" if own else "",
        f"{own.labelled:,}" if own else "",
        _value(own, first),
        _value(own, second),
        f"version {other.version}" if other else "",
        _value(other, first),
        _value(beside, first),
        *(_value(other, name) for name in agreement.FIGURES[config.task]),
    ]


def _value(found: DayPerformance | None, name: str) -> str:
    value = found.metrics.get(name) if found else None
    return "" if value is None else f"{value:.3f}"


def _newest(met: Sequence[MetricEstimate]) -> list[MetricEstimate]:
    """The newest ROC AUC estimates that have met their labels, newest first."""
    return [one for one in reversed(met) if one.metric == estimates.CHECKED_METRIC][:MET_SHOWN]


def _estimate_line(one: MetricEstimate) -> list[str]:
    realised = "not yet" if one.realised is None else f"{one.realised:.3f}"
    off = "" if one.realised is None else f"{one.value - one.realised:+.3f}"
    days = f"{one.first} to {one.last}"
    return [str(one.night), days, one.metric, f"{one.value:.3f}", f"{one.low:.3f} to {one.high:.3f}", realised, off]

"""A night's monitoring, by the functions that the monitor DAG calls; the one place where policy is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from include.contracts import DayRange
from include.data import windows
from include.monitoring import comparison, drift, performance, policy
from include.replay.records import Look

if TYPE_CHECKING:
    from include.config.schema import ModelConfig
    from include.contracts import DriftFinding
    from include.monitoring.distances import Tally
    from include.monitoring.null import Null
    from include.replay.history import History
    from include.replay.nights import Night
    from include.replay.scores import Scores


@dataclass(frozen=True)
class Reference:
    """What nights are compared with while one version is champion; computed once, when it becomes that."""

    night: date
    null: Null | None
    tallies: dict[str, Tally]


class Watch:
    """Looks at nights under one configuration, on rows and scores as each night knew them."""

    def __init__(self, config: ModelConfig, history: History, scores: Scores) -> None:
        self._config, self._history, self._scores = config, history, scores
        self._reference: Reference | None = None

    def look(self, champion: Night, night: date, served: pd.DataFrame) -> Look:
        """Drift against the champion's reference, its metric on matured labels, and what follows.

        :param served: what the champion has served: day, row_key, version, score
        """
        findings, sentences = self._drift(champion, night)
        rule = self._config.monitoring.retrain_request
        live = self._live(champion, night, served)
        decided = policy.decide(rule, live.metrics, live.rows)
        alarms = [one for one in findings if one.alarm]
        return Look(
            p_values={
                one.column: round(one.p, 6) for one in findings if one.measure == "distance" and one.over == "night"
            },
            alarms=tuple(dict.fromkeys(one.column for one in alarms)),
            sentences=sentences,
            live=live.metrics.get(rule.metric) if rule else None,
            rows=live.rows,
            harm=decided.request_retrain,
            request=decided.request_retrain,
            reason=decided.reason,
        )

    def _drift(self, champion: Night, night: date) -> tuple[list[DriftFinding], tuple[str, ...]]:
        config = self._config
        recent = comparison.recent_rows(config, config, night, read=self._history.read)
        if isinstance(recent, str):
            return [], (recent,)
        reference = self._reference_of(champion)
        if reference.null is None:
            return [], ("No verdict on drift: the champion was trained on too few days.",)
        lately = drift.typed(config, recent.rows, self._scores.of(champion, recent.rows))
        findings, said = comparison.judged(config, reference.null, reference.tallies, recent, lately)
        return findings, said if any(one.alarm for one in findings) else ()

    def _reference_of(self, champion: Night) -> Reference:
        night, config = champion.trained.night, self._config
        if self._reference is None or self._reference.night != night:
            train = windows.training_windows(config, night).train
            reference = comparison.reference_of(config, self._history.rows(config, train, night))
            scores = self._scores.of(champion, reference.rows)
            before = drift.typed(config, reference.rows[reference.sampled], scores[reference.sampled])
            null = comparison.build_null(config, config, reference, scores)
            self._reference = Reference(night, null, comparison.tallies_of(config, before))
        return self._reference

    def _live(self, champion: Night, night: date, served: pd.DataFrame) -> performance.Performance:
        days = performance.matured_days(self._config, night)
        unseen = windows.training_windows(self._config, champion.trained.night).validation.end + timedelta(days=1)
        days = DayRange(start=max(days.start, unseen), end=days.end)
        rows = labelled(self._config, self._history, served, days, night)
        return performance.measure(rows, f"the version of {champion.trained.night}")


def labelled(config: ModelConfig, history: History, served: pd.DataFrame, days: DayRange, night: date) -> pd.DataFrame:
    """Served rows of `days` with the labels that night `night` knew, as `performance.read` gives them."""
    rows = history.labels(config, days, night)
    known = pd.DataFrame(
        {
            "day": rows[config.data.day].dt.strftime("%Y-%m-%d").astype(object),
            "row_key": rows["row_key"].astype(object),
            "label": rows[config.data.label],
        }
    )
    inside = np.array([days.start.isoformat() <= day <= days.end.isoformat() for day in served["day"]], dtype=bool)
    return performance.joined(served[inside], known)

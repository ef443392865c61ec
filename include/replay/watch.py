"""A night's monitoring, by the functions that the monitor DAG calls; the one place where policy is asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from include.contracts import DayRange
from include.data import labels_known, windows
from include.drift import columns, compare_days
from include.monitoring import performance, policy
from include.replay.records import Look
from include.scoring import served_rows

if TYPE_CHECKING:
    from include.config.schema import ModelConfig
    from include.contracts import DriftFinding, PolicyDecision
    from include.drift.distances import Tally
    from include.drift.ordinary_days import Null
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
        self._decided: list[PolicyDecision] = []

    def look(self, champion: Night, version: int, night: date, served: pd.DataFrame, trained_as_of: date) -> Look:
        """Drift against the champion's reference, its metric on matured labels, and what the policy makes of them.

        :param served: what the champion has served: day, row_key, version, score
        :param trained_as_of: night of the newest trained version
        """
        findings, sentences = self._drift(champion, night)
        live = self._live(champion, night, served)
        alarms = {one.column: one.sentence for one in findings or () if one.alarm}
        tonight = [one for one in findings or () if one.measure == "distance" and one.over == "night"]
        facts = self._facts(champion, version, night)
        known = replace(
            facts,
            performance=live.metrics,
            performance_rows=live.rows,
            drift=None if findings is None else alarms,
            trained_as_of=trained_as_of,
        )
        decided = policy.decide(self._config.monitoring, known)
        self._decided.append(decided)
        rule = self._config.monitoring.retrain_request
        return Look(
            p_values={one.column: round(one.p, 6) for one in tonight},
            alarms=tuple(alarms),
            told=tuple(alarm.key for alarm in decided.alarms),
            sentences=sentences,
            live=live.metrics.get(rule.metric) if rule else None,
            rows=live.rows,
            harm=any(alarm.kind == "harm" for alarm in decided.alarms),
            request=decided.action == "retrain",
            reason=" ".join(decided.reasons),
        )

    def _facts(self, champion: Night, version: int, night: date) -> policy.Facts:
        """What is known of the night besides drift and performance; earlier decisions are those of this replay."""
        day = night - timedelta(days=1)
        missing = day not in self._history.there
        return policy.Facts(
            model=self._config.name,
            night=night,
            champion_version=version,
            champion_as_of=champion.trained.night,
            bad_data=f"Day {day} has no validated rows." if missing else "",
            missing=missing,
            drifted_before={one.night: one.drifted for one in self._decided if one.champion_version == version},
            new_rows=self._new_rows(champion.trained.night, night),
            requests=[one.night for one in self._decided if one.action == "retrain"],
        )

    def _new_rows(self, as_of: date, night: date) -> int:
        """Rows whose label arrived after the night that the champion was trained as of, and by this one."""
        days = labels_known.days_learned(self._config, as_of, night)
        if days is None:
            return 0
        rows = self._history.labels(self._config, days, night)
        return int(rows[self._config.data.label].notna().sum())

    def _drift(self, champion: Night, night: date) -> tuple[list[DriftFinding] | None, tuple[str, ...]]:
        """The verdict's findings, None where there is none, and what there is to say."""
        config = self._config
        recent = compare_days.recent_rows(config, config, night, read=self._history.read)
        if isinstance(recent, str):
            return None, (recent,)
        reference = self._reference_of(champion)
        if reference.null is None:
            return None, ("No verdict on drift: the champion was trained on too few days.",)
        lately = columns.typed(config, recent.rows, self._scores.of(champion, recent.rows))
        findings, said = compare_days.judged(config, reference.null, reference.tallies, recent, lately)
        return findings, said if any(one.alarm for one in findings) else ()

    def _reference_of(self, champion: Night) -> Reference:
        night, config = champion.trained.night, self._config
        if self._reference is None or self._reference.night != night:
            train = windows.training_windows(config, night).train
            reference = compare_days.reference_of(config, self._history.rows(config, train, night))
            scores = self._scores.of(champion, reference.rows)
            before = columns.typed(config, reference.rows[reference.sampled], scores[reference.sampled])
            null = compare_days.build_null(config, config, reference, scores)
            self._reference = Reference(night, null, compare_days.tallies_of(config, before))
        return self._reference

    def _live(self, champion: Night, night: date, served: pd.DataFrame) -> performance.Performance:
        days = performance.matured_days(self._config, night)
        unseen = windows.training_windows(self._config, champion.trained.night).validation.end + timedelta(days=1)
        days = DayRange(start=max(days.start, unseen), end=days.end)
        rows = labelled(self._config, self._history, served, days, night)
        return performance.measure(self._config, rows, f"the version of {champion.trained.night}")


def labelled(config: ModelConfig, history: History, served: pd.DataFrame, days: DayRange, night: date) -> pd.DataFrame:
    """Served rows of `days` with the labels that night `night` knew, as `served_rows.read` gives them."""
    rows = history.labels(config, days, night)
    known = pd.DataFrame(
        {
            "day": rows[config.data.day].dt.strftime("%Y-%m-%d").astype(object),
            "row_key": rows["row_key"].astype(object),
            "label": rows[config.data.label],
        }
    )
    inside = np.array([days.start.isoformat() <= day <= days.end.isoformat() for day in served["day"]], dtype=bool)
    return served_rows.join_labels(served[inside], known)

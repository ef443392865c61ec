"""Night after night: the champion scores, what the night trained is judged, the better one serves, the look is taken.

Nothing here reads a registry, a server or a live table: who is champion, what was served, and the ledger's lines are
kept in memory, and handed to the very functions that decide in the DAGs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from include.contracts import DayRange, GateDecision, ReleaseEvent
from include.data import labels_known, windows
from include.gates import decide
from include.gates.inputs import Facts, HoldoutScores, Live, Replay
from include.monitoring import performance
from include.release import ledger
from include.release.gather import counted, live_days, live_of, scheduled_in_a_year
from include.replay.records import NightRecord
from include.replay.scores import Scores
from include.replay.strategies import ServedDay
from include.replay.watch import Watch, labelled
from include.tracking.judgements import Judgement

if TYPE_CHECKING:
    from include.config.schema import ModelConfig
    from include.replay.history import History
    from include.replay.nights import Night
    from include.replay.store import Store

FIELDS = ["day", "row_key", "version", "score"]
Trained = Callable[[date], "Night"]
"""The night of that date, trained if it was not."""


@dataclass
class State:
    """What the nights so far have left: versions by number, the champion, the ledger, judgements, what was served."""

    versions: list[Night] = field(default_factory=list)
    champion: int | None = None
    events: list[ReleaseEvent] = field(default_factory=list)
    judged: list[Judgement] = field(default_factory=list)
    served: dict[date, pd.DataFrame] = field(default_factory=dict)

    def version(self, number: int) -> Night:
        return self.versions[number - 1]

    def of_champion(self, first: date) -> pd.DataFrame:
        """What the champion of now has served of the days from `first` on."""
        kept = [rows for day, rows in self.served.items() if day >= first and (rows["version"] == self.champion).all()]
        return pd.concat(kept, ignore_index=True) if kept else pd.DataFrame(columns=FIELDS)


class Nights:
    """One configuration's nights over a stretch, in order. `served` has what the strategies would have served."""

    def __init__(self, config: ModelConfig, history: History, store: Store, trained: Trained) -> None:
        self.config, self.history, self.trained = config, history, trained
        self.scores = Scores(config, store)
        self.watch = Watch(config, history, self.scores)
        self.state = State()
        self.served: list[ServedDay] = []

    def run(self, nights: Sequence[date], scheduled: Sequence[date]) -> Iterator[NightRecord]:
        """Yield each night's record, as soon as it is decided."""
        on_schedule = set(scheduled)
        for night in nights:
            self._score(night)
            record = self._retrain(night) if night in on_schedule else self._no_run(night)
            if self.state.champion is None:
                yield record
                continue
            champion = self.state.version(self.state.champion)
            served = self.state.of_champion(performance.matured_days(self.config, night).start)
            newest = self.state.versions[-1].trained.night
            look = self.watch.look(champion, self.state.champion, night, served, newest)
            if look.request:
                record = self._retrain(night).model_copy(update={"requested": True})
            yield record.model_copy(update={"look": look})

    def _score(self, night: date) -> None:
        """The champion scores the days that are not scored yet, as `scoring.batch` does; and the strategies theirs."""
        number = self.state.champion
        if number is None:
            return
        champion = self.state.version(number)
        after = windows.training_windows(self.config, champion.trained.night).validation.end
        for step in range(self.config.scoring.lookback_days, 0, -1):
            day = night - timedelta(days=step)
            if day in self.state.served or day not in self.history.there or day <= after:
                continue
            rows = self.history.day(self.config, day, night)
            scores = self.scores.of(champion, rows)
            self.state.served[day] = pd.DataFrame(
                {"day": day.isoformat(), "row_key": rows["row_key"].astype(object), "version": number, "score": scores}
            )
            if day >= self.state.versions[0].trained.night and day == night - timedelta(days=1):
                self._compare(day, rows, scores)

    def _compare(self, day: date, rows: pd.DataFrame, scores: np.ndarray) -> None:
        """The same rows by the first champion, and by the newest version of the night before."""
        first = self.state.version(next(one.version for one in self.state.events if one.event == "promoted"))
        newest = self.state.versions[-1]
        fresh = newest.trained.night == day and newest.trained.first_seen == self.history.there[day]
        always = newest.first_day if fresh else self.scores.of(newest, rows)
        matured = labels_known.first_night(self.config, day)
        truth = self.history.labels(self.config, DayRange(start=day, end=day), matured)
        y = truth[self.config.data.label].to_numpy(dtype=float)
        three = {"policy": scores, "never": self.scores.of(first, rows), "always": always}
        self.served.append(ServedDay(day, y, three))  # type: ignore[arg-type]

    def _no_run(self, night: date) -> NightRecord:
        return NightRecord(night=night, verdict="no run", champion=self.state.champion)

    def _retrain(self, night: date) -> NightRecord:
        made = self.trained(night)
        state = self.state
        if made.trained.fault:
            reasons = (made.trained.fault,)
            return NightRecord(night=night, verdict="not trained", champion=state.champion, reasons=reasons)
        state.versions.append(made)
        version = len(state.versions)
        decision = self.judge(made, version, night)
        promoted = decision.verdict == "promote"
        state.events.append(_event(decision, night, promoted))
        if promoted:
            state.champion = version
        shown = decision.evidence[0] if decision.evidence else None
        return NightRecord(
            night=night,
            verdict="promoted" if promoted else "refused",
            champion=state.champion,
            version=version,
            candidate=made.trained.candidate,
            rule=decision.rule,
            gates=tuple(gate.name for gate in decision.gates if not gate.passed),
            reasons=decision.reasons,
            asked=decision.ask_person,
            difference=shown.difference if shown else None,
            low=shown.low if shown else None,
            high=shown.high if shown else None,
        )

    def judge(self, made: Night, version: int, night: date) -> GateDecision:
        """Put the version before the gates, with facts that are computed as `release.gather` computes them."""
        config, state = self.config, self.state
        frozen = windows.training_windows(config, night)
        rows = self.history.rows(config, frozen.holdout, night, windows.judged_columns(config))
        rows = rows[rows[config.data.label].notna()].reset_index(drop=True)
        anchor = ledger.anchor_version(state.events, state.champion) if state.champion else None
        other = anchor if anchor != state.champion else None
        cluster = config.release.cluster_by
        holdout = HoldoutScores(
            y=rows[config.data.label].to_numpy(dtype=np.float64),
            days=rows[config.data.day].to_numpy(dtype="datetime64[D]"),
            challenger=made.holdout,
            champion=self.scores.of(state.version(state.champion), rows) if state.champion else None,
            anchor=self.scores.of(state.version(other), rows) if other else None,
            clusters=rows[cluster].astype(str).to_numpy(dtype=str) if cluster else None,
            columns={declared.column: rows[declared.column].to_numpy() for declared in config.release.slices},
            baseline={} if made.trained.train_rate is None else {"rate": made.trained.train_rate},
        )
        name = f"{frozen.holdout.start}..{frozen.holdout.end}"
        facts = self._facts(made, night, anchor, name)
        replay = Replay(np.array(made.trained.recorded), np.array(made.trained.replayed))
        decision = decide.decide(config, version, state.champion, holdout, replay, facts)
        state.judged.append(Judgement(str(version), _at(night), name, bool(decision.evidence)))
        return decision

    def _facts(self, made: Night, night: date, anchor: int | None, holdout: str) -> Facts:
        state = self.state
        uses, compared = counted(state.judged, holdout, _at(night))
        champion = state.version(state.champion) if state.champion else None
        return Facts(
            champion_age_days=(night - champion.trained.night).days if champion else None,
            live=self._live(champion, night) if champion else None,
            anchor_version=anchor,
            earlier_uses=uses,
            earlier_judgements=compared,
            judgements_a_year=scheduled_in_a_year(self.config.schedule.retrain, night),
            scoring_ms=made.trained.scoring_ms,
            model_mb=made.trained.model_mb,
            cost_fault=made.trained.cost_fault,
        )

    def _live(self, champion: Night, night: date) -> Live | None:
        stale = self.config.release.stale_champion
        if stale is None or stale.live_loss is None:
            return None
        days = live_days(windows.training_windows(self.config, night))
        served = self.state.of_champion(days.start)
        rows = labelled(self.config, self.history, served, days, night)
        return live_of(self.config, champion.trained.holdout[self.config.release.against_champion.metric], rows)


def _at(night: date) -> datetime:
    return datetime.combine(night, time(3), UTC)


def _event(decision: GateDecision, night: date, promoted: bool) -> ReleaseEvent:
    """The ledger's line; a person who is asked is taken to agree, and the page says how often."""
    return ReleaseEvent(
        at=_at(night),
        model=decision.model,
        event="promoted" if promoted else "refused",
        version=decision.version,
        champion_before=decision.champion_version,
        champion_after=decision.version if promoted else decision.champion_version,
        actor="replay",
        reason=" ".join(decision.reasons) or "every gate passed",
        airflow_run_id=f"replay__{night}",
        rule="first_release" if decision.first_release else decision.rule,
    )

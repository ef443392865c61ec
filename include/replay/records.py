"""What a replay found, night by night, as frozen JSON: what its page and its figures are made of."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from include.contracts import Contract

Verdict = Literal["promoted", "refused", "not trained", "no run"]


class Look(Contract):
    """The monitoring of one night: what is unusual by column (p of its distance), alarms, harm, and what it asks for.

    `alarms` are tonight's columns, `told` the keys of the alarms that people are told of, once they last. `live` is the
    metric of `monitoring.retrain_request` on matured labels, None where it could not be said; `harm` says that it
    passed its bound.
    """

    p_values: dict[str, float] = Field(default_factory=dict)
    alarms: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    live: float | None = None
    rows: int = 0
    harm: bool = False
    request: bool = False
    reason: str = ""


class NightRecord(Contract):
    """What one night decided. `champion` is who serves after it; versions are numbered as they were trained.

    `gates` names those that did not hold, `difference` is challenger minus champion with its interval.
    """

    night: date
    verdict: Verdict
    champion: int | None
    version: int | None = None
    requested: bool = False
    candidate: str = ""
    rule: str = ""
    gates: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    look: Look | None = None


class Later(Contract):
    """New champion minus the one it replaced on the days that followed, above 0 where the new one was better."""

    first: date
    last: date
    rows: int
    difference: float
    low: float | None = None
    high: float | None = None


class Promotion(Contract):
    """A version that took another's place; `later` is None where the stretch ends too soon to say."""

    night: date
    version: int
    replaced: int
    rule: str
    candidate: str
    difference: float | None
    later: Later | None


class Point(Contract):
    """A metric of the three strategies on the rows of some days; None where it is undefined on them."""

    first: date
    last: date
    rows: int
    policy: float | None
    never: float | None
    always: float | None


class Compute(Contract):
    """Nights trained, CPU seconds of their processes, and what this command itself took on the wall clock."""

    nights: int
    cpu_seconds: float
    candidates: int
    trained_now: int
    wall_seconds: float


class Outcome(Contract):
    """One policy over the stretch. `share_kept` is of the gain that always promoting has over never retraining."""

    name: str
    model: str
    first: date
    last: date
    metric: str
    greater_is_better: bool
    config_hash: str
    rows_from: str
    margin: float
    expected_to_move: tuple[str, ...]
    nights: tuple[NightRecord, ...]
    promotions: tuple[Promotion, ...]
    daily: tuple[Point, ...]
    weekly: tuple[Point, ...]
    mean_weekly: dict[str, float | None]
    share_kept: float | None
    worse_later: int
    surely_worse_later: int
    refusals: dict[str, int]
    alarms_with_harm: int
    alarms_without_harm: int
    harm_without_alarm: int
    compute: Compute

"""What a night scored, saw and decided, and who is told."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from include.contracts.base import Contract, DayRange


class ScoreResult(Contract):
    """Rows scored, by role and version; days that were already up to date are not scored again.

    `lacking` says which features of a version its rows do not bring any more, and what can be done.
    """

    model: str
    scored_days: tuple[date, ...]
    rows: int
    rows_failed: int
    versions: dict[str, int]
    lacking: tuple[str, ...] = ()


class DriftFinding(Contract):
    """One thing watched of a night, or of the recent nights together, in its place among ordinary days.

    `value` is a distance, a share or a number of rows; 95 % of ordinary days have at most `usual` (for rows, that is
    their weekday's typical number). `p` is the chance of such a value on an ordinary day, `q` the false discovery rate
    at which it would alarm; `effect` must reach `floor` too. What is `expected` to move never alarms.
    """

    column: str
    measure: Literal["distance", "moved", "missing", "outside", "new", "rows"]
    over: Literal["night", "recent"]
    value: float
    usual: float
    p: float
    effect: float
    floor: float
    sentence: str
    q: float | None = None
    expected: bool = False
    alarm: bool = False


class DayPerformance(Contract):
    """How one role's scores of a day did, on its `own` rows or on those `shared` with the other role.

    `rows` were given to the model, `unscored` of them have no score, `labelled` have a label that counts. `metrics` is
    empty while the day's labels have not matured, but for the agreement of both roles, which needs no label.
    """

    day: date
    role: Literal["champion", "challenger"]
    rows_of: Literal["own", "shared"]
    version: int
    state: Literal["matured", "not_matured"]
    rows: int
    unscored: int
    labelled: int
    metrics: dict[str, float]
    night: date


class MetricEstimate(Contract):
    """A metric of the champion on days without labels, estimated as of `night` with its 95 % interval.

    `realised` is what the days' labels gave later, on `labelled` of the `rows`; None until they have matured.
    """

    metric: str
    version: int
    first: date
    last: date
    rows: int
    value: float
    low: float
    high: float
    night: date
    realised: float | None = None
    labelled: int = 0


class Alarm(Contract):
    """Something that people are told once when it begins, and once more when it has ended.

    `key` is the same every night, `<kind>` or `<kind>:<what>`: `harm:roc_auc`, `drift:distance`, `data`,
    `task:<dag>.<task>`, `late:<dag>`. `next` says where to look or what to run.
    """

    model: str
    key: str
    severity: Literal["critical", "warning", "info"]
    sentence: str
    next: str = ""

    @property
    def kind(self) -> str:
        return self.key.partition(":")[0]


class PolicyDecision(Contract):
    """What a night leads to, and every reason in a sentence.

    `alarms` are open tonight. Of the kinds in `judged`, an alarm that is not among them has ended; the others could
    not be judged tonight and stay as they are. `drifted` are the columns in tonight's drift alarms.
    """

    model: str
    night: date
    champion_version: int | None
    action: Literal["nothing", "alert", "retrain"]
    reasons: tuple[str, ...]
    alarms: tuple[Alarm, ...] = ()
    judged: tuple[str, ...] = ()
    drifted: tuple[str, ...] = ()
    experiment_id: str = ""
    mlflow_run_id: str = ""


class MonitorResult(Contract):
    """One night's look: drift against the champion's reference, performance on matured labels, the decision.

    `days` is the performance day by day, `shadow` how far champion and challenger agree on the newest day, `unscored`
    which of its rows have no score and why. `estimates` are of days whose labels have not matured; `estimate_trust` is
    "suspected" where past errors say that the relation of rows to labels has changed, so that they cannot be used.
    """

    model: str
    night: date
    champion_version: int
    rows: int
    drifted_columns: tuple[str, ...]
    columns: int
    distances: dict[str, float]
    prediction_distance: float | None
    performance: dict[str, float]
    performance_days: DayRange | None
    performance_rows: int
    request_retrain: bool
    reasons: tuple[str, ...]
    mlflow_run_id: str
    reports: dict[str, str]
    alarms: tuple[DriftFinding, ...] = ()
    days: tuple[DayPerformance, ...] = ()
    shadow: dict[str, float] = Field(default_factory=dict)
    unscored: tuple[str, ...] = ()
    estimates: tuple[MetricEstimate, ...] = ()
    estimate_trust: Literal["", "unchecked", "kept", "suspected"] = ""
    decision: PolicyDecision | None = None
    performance_limits: dict[str, tuple[float, float]] = Field(default_factory=dict)

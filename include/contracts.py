"""What passes between rooms and between tasks: frozen, JSON-safe, small. Never a DataFrame.

Every class can be sent through XCom with `to_json()` and read back with `from_json()`. `RunContext` stays
under 2 KB so that it can ride with every task of a run.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict


class Contract(BaseModel):
    """Base: immutable, refuses unknown fields, round-trips through JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types, as XCom stores them."""
        return self.model_dump(mode="json")

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read back what `to_json` wrote; raises pydantic.ValidationError on anything else."""
        return cls.model_validate(value)


class DayRange(Contract):
    """Calendar days from `start` to `end`, both included."""

    start: date
    end: date

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1


class Windows(Contract):
    """The three splits of a run, by time: fit on `train`, choose on `validation`, judge once on `holdout`."""

    train: DayRange
    validation: DayRange
    holdout: DayRange

    @property
    def whole(self) -> DayRange:
        return DayRange(start=self.train.start, end=self.holdout.end)


class RunContext(Contract):
    """What a retrain run was frozen to when it opened: data, configuration, code, and who was champion.

    The resolved configuration itself is an artefact (`config.json`) of the MLflow run; `config_hash` names it.
    """

    model: str
    airflow_run_id: str
    as_of: date
    mlflow_run_id: str
    experiment_id: str
    config_hash: str
    data_version: int
    data_hash: str
    rows: int
    windows: Windows
    champion_version: int | None
    git_sha: str
    lock_hash: str


class RuleFailure(Contract):
    """One validation rule that did not hold, and on how many rows of how many."""

    rule: str
    severity: Literal["refuse_day", "quarantine_row", "warn"]
    failed: int
    checked: int
    detail: str


class DayOutcome(Contract):
    """What ingest did with one day."""

    day: date
    rows: int
    validated: int
    quarantined: int
    refused: bool
    reasons: tuple[str, ...] = ()


class LabelUpdate(Contract):
    """What reading a stored day's labels again came to, in rows; `refused` says why nothing of the day was taken.

    `arrived` had no label before, `corrected` had another one; `set_aside` are labels that the model file's rules or
    types do not allow, `without_row` those of rows that are not stored.
    """

    day: date
    arrived: int = 0
    corrected: int = 0
    set_aside: int = 0
    without_row: int = 0
    refused: str = ""


class LabelsResult(Contract):
    """What a night's second look at labels did to the days `looked_at`; `days` has those with something to tell."""

    model: str
    looked_at: DayRange | None
    days: tuple[LabelUpdate, ...] = ()
    table_version: int | None = None

    def summary(self) -> list[str]:
        """Lines for a log."""
        lines = []
        for one in self.days:
            counts = (
                (one.arrived, "late labels filled in"),
                (one.corrected, "labels corrected"),
                (one.set_aside, "labels left out: not allowed by type or rule"),
                (one.without_row, "labels of rows that are not stored"),
            )
            told = ", ".join(f"{number:,} {what}" for number, what in counts if number)
            lines.append(f"{one.day}: {'labels REFUSED: ' + one.refused if one.refused else told}")
        return lines


class IngestResult(Contract):
    """What an ingest run did: `days` has one entry per day asked for; `table_version` after the last write."""

    model: str
    days: tuple[DayOutcome, ...]
    failures: tuple[RuleFailure, ...]
    table_version: int | None
    report: str | None = None

    @property
    def refused_days(self) -> tuple[DayOutcome, ...]:
        return tuple(outcome for outcome in self.days if outcome.refused)

    def summary(self) -> list[str]:
        """Lines for a log: what was written, what was set aside and why, what was refused and why."""
        rows = sum(outcome.rows for outcome in self.days)
        written = sum(outcome.validated for outcome in self.days if not outcome.refused)
        aside = sum(outcome.quarantined for outcome in self.days)
        lines = [f"{len(self.days)} days, {rows:,} rows read, {written:,} written, {aside:,} set aside in quarantine"]
        lines += [f"{failure.severity}: {failure.rule}: {failure.detail}" for failure in self.failures]
        for outcome in self.refused_days:
            lines.append(f"{outcome.day} REFUSED: {'; '.join(outcome.reasons)}")
        return lines


class Resources(Contract):
    """What fitting took: wall-clock and CPU seconds, and the most memory the process held, in MB (10**6 bytes)."""

    seconds: float
    cpu_seconds: float
    peak_memory_mb: float


class CandidateResult(Contract):
    """One fitted candidate: its MLflow run, its logged model and its metrics on train and validation."""

    name: str
    index: int
    mlflow_run_id: str
    model_uri: str
    metrics: dict[str, float]
    fit_seconds: float
    resources: Resources | None = None


class Selection(Contract):
    """The candidate chosen on validation data, and why."""

    chosen: CandidateResult
    metric: str
    ranking: tuple[tuple[str, float], ...]
    reason: str


class Holdout(Contract):
    """The one evaluation of the chosen candidate on the untouched later rows."""

    rows: int
    days: int
    metrics: dict[str, float]
    baseline: dict[str, float]


class RegisteredVersion(Contract):
    """A version in the registry, found again by `airflow_run_id` when a task is retried."""

    model: str
    version: int
    model_uri: str
    mlflow_run_id: str


class PairedDifference(Contract):
    """Challenger minus champion on the same rows, its sign made so that higher is better.

    `low` and `high` bound the two-sided interval at `confidence`; `p_value` is one-sided, for "not better than
    -margin"; `smallest_detectable` is the difference this evidence would have seen with 80 % power.
    """

    metric: str
    method: str
    rows: int
    clusters: int | None
    challenger: float
    champion: float
    difference: float
    standard_error: float
    low: float
    high: float
    confidence: float
    p_value: float
    smallest_detectable: float


Rule = Literal["first_release", "superiority", "non_inferiority"]
"""By which rule a version is judged against what is served."""


class GateResult(Contract):
    """One gate: what it measured, what it demanded, whether it held, and a sentence for a person.

    `value` is the estimate, `judged` the confidence limit that was held against `bound` (None: the value itself was),
    and `margin` how far inside the bound that is: negative where the gate did not hold. `ask_person` says that the
    gate holds as far as it can be judged, and that a person has to look at the rest.
    """

    name: str
    passed: bool
    value: float | None
    bound: float | None
    sentence: str
    judged: float | None = None
    margin: float | None = None
    ask_person: bool = False


class SliceResult(Contract):
    """How one value of a column is served beside the other rows; `gap` is above 0 where it is served worse.

    `high` is the gap's upper confidence limit, None where there were too few rows to judge; `why_not` then says so.
    """

    column: str
    value: str
    metric: str
    rows: int
    inside: float | None
    outside: float | None
    gap: float | None
    high: float | None
    bound: float
    protected: bool
    why_not: str = ""

    @property
    def served(self) -> Literal["alike", "worse", "not sure", "not judged"]:
        """In a word; worse only where the gap's lower confidence limit is beyond the bound too."""
        if self.high is None or self.gap is None:
            return "not judged"
        if self.high <= self.bound:
            return "alike"
        return "worse" if 2 * self.gap - self.high > self.bound else "not sure"


class GateDecision(Contract):
    """The verdict on one version. `promote` only if every gate passed; otherwise `reasons` says what did not.

    `trial`: it goes, or stays, on trial in the shadow of the champion, and `reasons` says since when.

    `alpha` is the error rate that the comparison was made at. `ask_person` holds the reasons for which a person must
    agree before the version is served; empty: none has to.
    """

    model: str
    version: int
    champion_version: int | None
    verdict: Literal["promote", "refuse", "trial"]
    first_release: bool
    gates: tuple[GateResult, ...]
    evidence: tuple[PairedDifference, ...] = ()
    reasons: tuple[str, ...] = ()
    report_uri: str | None = None
    rule: Rule = "superiority"
    alpha: float | None = None
    anchor_version: int | None = None
    slices: tuple[SliceResult, ...] = ()
    ask_person: tuple[str, ...] = ()

    @property
    def held_back(self) -> str:
        """Why this version is not to be served now; empty where it may be."""
        if self.verdict == "promote":
            return ""
        words = "is on trial" if self.verdict == "trial" else "was refused"
        return f"Version {self.version} {words}: " + " ".join(self.reasons)

    def summary(self) -> list[str]:
        """Lines for a log: the verdict, what refused it, then the gates that held, each with its sentence."""
        against = f"champion version {self.champion_version}" if self.champion_version else "no champion yet"
        lines = [f"VERDICT: {self.verdict} version {self.version} of {self.model} ({against})"]
        sentences = {gate.sentence for gate in self.gates}
        lines += [f"REFUSED: {reason}" for reason in self.reasons if reason not in sentences]
        lines += [f"REFUSED by {gate.name}: {gate.sentence}" for gate in self.gates if not gate.passed]
        lines += [f"A PERSON IS ASKED: {reason}" for reason in self.ask_person]
        lines += [f"held: {gate.name}: {gate.sentence}" for gate in self.gates if gate.passed]
        return lines


class Approval(Contract):
    """What became of the question whether a version may be served; `asked` is False where nobody had to be asked."""

    approved: bool
    asked: bool
    answered_by: str
    reason: str
    answered_at: datetime | None = None

    def summary(self) -> str:
        """A line for a log."""
        if not self.asked:
            return self.reason
        return f"{'approved' if self.approved else 'REJECTED'} by {self.answered_by}: {self.reason}"


class ReleaseEvent(Contract):
    """A line of the append-only ledger: who or what changed (or refused to change) the champion, and why.

    `rule` is the one that the version was judged by, empty for a rollback; `answered_by` the person who was asked.
    `trial` begins a trial in the shadow, which `promoted` or `refused` ends.
    """

    at: datetime
    model: str
    event: Literal["intended", "promoted", "refused", "rolled_back", "trial"]
    version: int
    champion_before: int | None
    champion_after: int | None
    actor: str
    reason: str
    airflow_run_id: str
    evidence: str = ""
    rule: Rule | Literal[""] = ""
    answered_by: str = ""


class ScoreResult(Contract):
    """Rows scored, by role and version; days that were already up to date are not scored again."""

    model: str
    scored_days: tuple[date, ...]
    rows: int
    rows_failed: int
    versions: dict[str, int]


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
    shadow: dict[str, float] = {}
    unscored: tuple[str, ...] = ()
    estimates: tuple[MetricEstimate, ...] = ()
    estimate_trust: Literal["", "unchecked", "kept", "suspected"] = ""
    decision: PolicyDecision | None = None
    performance_limits: dict[str, tuple[float, float]] = {}

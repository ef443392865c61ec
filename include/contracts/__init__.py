"""What passes between rooms and between tasks: frozen, JSON-safe, small. Never a DataFrame.

Every class can be sent through XCom with `to_json()` and read back with `from_json()`. `RunContext` stays
under 2 KB so that it can ride with every task of a run.
"""

from include.contracts.base import Contract, DayRange
from include.contracts.data import DayOutcome, IngestResult, LabelsResult, LabelUpdate, RuleFailure
from include.contracts.monitoring import (
    Alarm,
    DayPerformance,
    DriftFinding,
    MetricEstimate,
    MonitorResult,
    PolicyDecision,
    ScoreResult,
)
from include.contracts.release import (
    Approval,
    GateDecision,
    GateResult,
    PairedDifference,
    ReleaseEvent,
    Rule,
    SliceResult,
)
from include.contracts.training import (
    CandidateResult,
    Holdout,
    RegisteredVersion,
    Resources,
    RunContext,
    Selection,
    Windows,
)

__all__ = [
    "Alarm",
    "Approval",
    "CandidateResult",
    "Contract",
    "DayOutcome",
    "DayPerformance",
    "DayRange",
    "DriftFinding",
    "GateDecision",
    "GateResult",
    "Holdout",
    "IngestResult",
    "LabelUpdate",
    "LabelsResult",
    "MetricEstimate",
    "MonitorResult",
    "PairedDifference",
    "PolicyDecision",
    "RegisteredVersion",
    "ReleaseEvent",
    "Resources",
    "Rule",
    "RuleFailure",
    "RunContext",
    "ScoreResult",
    "Selection",
    "SliceResult",
    "Windows",
]

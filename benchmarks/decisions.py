"""Prepared decisions to ask people about, with the MLflow run that holds the configuration they were made under."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

from include.config.loader import config_json, find_model
from include.config.schema import ModelConfig
from include.contracts import DayRange, GateDecision, GateResult, PairedDifference, RunContext, SliceResult, Windows
from include.tracking import runs

MODEL = "flight_delay"


def conf(hours: float) -> dict[str, Any]:
    """The `conf` of a run that asks about version 7, and takes no answer within `hours` for no.

    Keeps the configuration in a run of the MLflow server that this process points at.
    """
    config = find_model(MODEL)
    release = config.release.model_copy(update={"approval": "always", "approval_hours": hours})
    config = ModelConfig.model_validate({**config.model_dump(), "release": release.model_dump()})
    opened = runs.open_run_in("approval_probe", f"{hours:g} hours", name=f"{hours:g} hours to answer")
    runs.log_json(opened.run_id, json.loads(config_json(config)), "config.json")
    return {"run_context": _context(opened).to_json(), "decision": _decision().to_json()}


def _context(opened: runs.OpenRun) -> RunContext:
    night = date(2013, 6, 1)
    days = [DayRange(start=night - timedelta(days=a), end=night - timedelta(days=b)) for a, b in ((84, 25), (24, 15))]
    holdout = DayRange(start=night - timedelta(days=14), end=night - timedelta(days=1))
    return RunContext(
        model=MODEL,
        airflow_run_id="prepared",
        as_of=night,
        mlflow_run_id=opened.run_id,
        experiment_id=opened.experiment_id,
        config_hash="0" * 16,
        data_version=1,
        data_hash="0" * 16,
        rows=70_000,
        windows=Windows(train=days[0], validation=days[1], holdout=holdout),
        champion_version=6,
        git_sha="0" * 40,
        lock_hash="0" * 16,
    )


def _decision() -> GateDecision:
    """Better than the champion, with a group that is too small to judge."""
    small = "Served alike by carrier as far as can be judged; too few rows for OO (3), YV (41): a person has to look."
    gates = (
        _gate("holdout_rows", 13_104, 5_000, "13,104 holdout rows with labels; at least 5,000 (min_holdout_rows)."),
        _gate("parity", 0.0, 1e-6, "The registered model repeats the 64 golden predictions of training exactly."),
        _gate("roc_auc_min", 0.741, 0.52, "ROC AUC 0.741; surely above 0.722, bound 0.52."),
        _gate("against_champion", 0.0184, 0.0, "Better than version 6: ROC AUC 0.0184 higher, p 0.004 of 0.01."),
        _gate("slices_carrier", 0.061, 0.2, small, ask_person=True),
    )
    evidence = PairedDifference(
        metric="roc_auc",
        method="paired bootstrap, 14 days resampled",
        rows=13_104,
        clusters=14,
        challenger=0.7412,
        champion=0.7228,
        difference=0.0184,
        standard_error=0.0067,
        low=0.0031,
        high=0.0343,
        confidence=0.98,
        p_value=0.004,
        smallest_detectable=0.0213,
    )
    slices = (
        _slice("UA", 3_310, 0.752, 0.738, -0.014, 0.031),
        _slice("EV", 2_871, 0.703, 0.748, 0.045, 0.094),
        _slice("OO", 3, None, None, None, None, "3 rows, fewer than 200"),
    )
    return GateDecision(
        model=MODEL,
        version=7,
        champion_version=6,
        verdict="promote",
        first_release=False,
        gates=gates,
        evidence=(evidence,),
        slices=slices,
        alpha=0.01,
        ask_person=("The model file asks for approval of every release (release.approval: always).", small),
    )


def _gate(name: str, value: float, bound: float, sentence: str, ask_person: bool = False) -> GateResult:
    return GateResult(name=name, passed=True, value=value, bound=bound, sentence=sentence, ask_person=ask_person)


def _slice(
    value: str,
    rows: int,
    inside: float | None,
    outside: float | None,
    gap: float | None,
    high: float | None,
    why_not: str = "",
) -> SliceResult:
    return SliceResult(
        column="carrier",
        value=value,
        metric="roc_auc",
        rows=rows,
        inside=inside,
        outside=outside,
        gap=gap,
        high=high,
        bound=0.2,
        protected=False,
        why_not=why_not,
    )

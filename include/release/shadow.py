"""One night's look at a trial: every matured night since it began is paired again, and what follows is kept.

Nothing is carried over from an earlier look, so that looking twice, late or not at all on some night changes nothing,
and a label that came late or was corrected counts as if it had been there from the start.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from include.contracts import Contract, DayRange, GateDecision, GateResult, RegisteredVersion, RunContext
from include.data import labels_known
from include.evidence import confidence_sequence
from include.evidence.paired_difference import EvidenceError
from include.evidence.paired_nights import PairedNight, paired_nights
from include.gates import decide as gates
from include.gates.inputs import SCORES_OF, quantile_of
from include.release import card, promotion, shadow_page, trials
from include.release.shadow_words import evidence_of, lasting_gate, shadow_gate, unscored_gate
from include.scoring import served_rows
from include.tracking import naming, registry, runs

if TYPE_CHECKING:
    from include.config.schema import ModelConfig
    from include.evidence.confidence_sequence import Plan, Sequence
    from include.release.trials import Trial

FOLDER = "shadow"
"""Folder of a look's files among the artefacts of its run."""


class Look(Contract):
    """What a night's look at a trial found, with what the run that trained the version was frozen to."""

    night: date
    mlflow_run_id: str
    run_context: RunContext
    registered: RegisteredVersion
    decision: GateDecision


@dataclass(frozen=True)
class Seen:
    """The matured nights of a trial.

    `elapsed` counts the calendar days since the trial began whose labels are due, whatever there was to pair on them;
    `unscored` the labelled rows that the champion scored and the challenger could not, `waiting` those of nights that
    are too small so far. `fault` says why nothing can be compared.
    """

    nights: list[PairedNight] = field(default_factory=list)
    elapsed: int = 0
    rows: int = 0
    unscored: int = 0
    waiting: int = 0
    fault: str = ""

    @property
    def differences(self) -> np.ndarray:
        return np.array([night.difference for night in self.nights])


def judge_shadow(model: str, night: date) -> Look | None:
    """Judge the version on trial by all nights whose labels had arrived by `night`; None where none is on trial.

    The trial's own configuration counts, as it was frozen when the version was trained: what is demanded cannot move
    while the nights come in. A refusal ends the trial, in the ledger; a promotion is left to `promote`.
    """
    line = trials.current(model)
    if line is None:
        return None
    trial = trials.load(model, line.version)
    config = runs.load_config(trial.context.mlflow_run_id)
    plan = plan_of(config, trial)
    seen = see(config, trial, night)
    found = confidence_sequence.sequence(seen.differences, plan)
    run = runs.open_run_in(
        naming.releases_experiment(model),
        f"trial/{trial.version}/{night.isoformat()}",
        name=f"{night} trial of version {trial.version}",
        tags=_tags(trial, night),
    )
    decision = decide(config, trial, seen, found, plan)
    decision = decision.model_copy(update={"report_uri": f"runs:/{run.run_id}/{FOLDER}/report.html"})
    look = Look(
        night=night,
        mlflow_run_id=run.run_id,
        run_context=trial.context,
        registered=trial.registered,
        decision=decision,
    )
    _keep(config, look, seen, found, plan)
    if decision.verdict == "refuse":
        champion = registry.champion_version(model)
        trials.close(line, champion, " ".join(decision.reasons), figures=promotion.summary(decision))
    return look


def plan_of(config: ModelConfig, trial: Trial) -> Plan:
    """What ends this trial, as its version was admitted to it."""
    rules, release = config.release.shadow, config.release
    if rules is None or trial.admitted.alpha is None:
        raise ValueError(f"version {trial.version} of {config.name} was not trained for a trial")
    margin = 0.0
    if trial.admitted.rule == "non_inferiority":
        stale = release.stale_champion.margin if release.stale_champion else 0.0
        margin = release.against_champion.margin or stale
    return confidence_sequence.Plan(
        bound=rules.largest,
        alpha=trial.admitted.alpha,
        futility_alpha=rules.futility_alpha,
        least=-margin if margin else 0.0,
        worth=rules.worth,
        min_nights=rules.min_nights,
        max_nights=rules.max_nights,
    )


def see(config: ModelConfig, trial: Trial, night: date) -> Seen:
    """Pair the days since the trial began whose labels were due by `night`, from the tables as they are now."""
    last = labels_known.last_day(config, night)
    elapsed = (last - trial.since).days + 1
    rules = config.release.shadow
    if elapsed < 1 or rules is None:
        return Seen()
    days = DayRange(start=trial.since, end=last)
    theirs = served_rows.read(config, naming.CHAMPION, trial.champion, days)
    ours = served_rows.read(config, naming.CHALLENGER, trial.version, days)
    said = SCORES_OF[config.task]
    both = theirs.rename(columns={said: "champion"}).merge(
        ours.rename(columns={said: "challenger"})[["day", "row_key", "challenger"]],
        on=["day", "row_key"],
        validate="1:1",
    )
    both = both[both["champion"].notna()]
    unscored = int(both["challenger"].isna().sum())
    scored = both[both["challenger"].notna()]
    try:
        metric, quantile = config.release.against_champion.metric, quantile_of(config)
        nights, waiting = paired_nights(metric, scored, rules.min_rows, **quantile)
    except EvidenceError as error:
        return Seen(elapsed=elapsed, rows=len(scored), unscored=unscored, fault=str(error))
    return Seen(nights, elapsed, len(scored), unscored, waiting)


def decide(config: ModelConfig, trial: Trial, seen: Seen, found: Sequence, plan: Plan) -> GateDecision:
    """The decision that follows: promote, refuse, or `trial`, which waits for more nights.

    Before a promotion the version repeats its golden predictions once more; its other gates stay as they were judged.
    """
    metric = config.release.against_champion.metric
    judged = shadow_gate(metric, trial, seen, found, plan)
    evidence = evidence_of(metric, seen, found, plan)
    admitted = [gate for gate in trial.admitted.gates if gate.name != "against_champion"]
    held = [judged, *unscored_gate(trial, seen)]
    verdict = "trial" if judged.passed else "refuse"
    if found.call == "promote" and judged.passed:
        verdict = "promote"
        held += [lasting_gate(seen, plan), _parity(config, trial)]
        admitted = [gate for gate in admitted if gate.name != "parity"]
    everything = [*held, *admitted]
    reasons = tuple(gate.sentence for gate in everything if not gate.passed)
    if reasons:
        verdict = "refuse"
    asked = gates.questions(config, trial.champion, everything) if verdict == "promote" else ()
    return trial.admitted.model_copy(
        update={
            "verdict": verdict,
            "gates": tuple(everything),
            "evidence": evidence,
            "reasons": reasons or ((judged.sentence,) if verdict == "trial" else ()),
            "ask_person": asked,
        }
    )


def _parity(config: ModelConfig, trial: Trial) -> GateResult:
    model, version = trial.context.model, trial.version
    found = promotion.replay(trial.registered.mlflow_run_id, config, lambda: registry.load_pipeline(model, version))
    return gates.parity_gate(version, found, config.task)


def _tags(trial: Trial, night: date) -> dict[str, str]:
    return {
        "kind": "trial",
        "night": night.isoformat(),
        "version": str(trial.version),
        "champion_version": str(trial.champion),
        "since": trial.since.isoformat(),
        "parent_run_id": trial.context.mlflow_run_id,
    }


def _keep(config: ModelConfig, look: Look, seen: Seen, found: Sequence, plan: Plan) -> None:
    """Files and figures to the look's run; a decision that ends the trial to the version's run and card too."""
    decision, metric = look.decision, config.release.against_champion.metric
    files = {
        "decision.json": json.dumps(decision.to_json(), indent=1),
        "report.md": shadow_page.markdown(decision, seen.nights, found),
        "report.html": shadow_page.page(decision, metric, seen.nights, found, plan),
    }
    tags = {"verdict": decision.verdict, "verdict_reasons": " ".join(decision.reasons)}
    targets = [look.mlflow_run_id]
    if decision.verdict != "trial":
        targets.append(look.registered.mlflow_run_id)
        runs.set_tags(look.registered.mlflow_run_id, tags)
        card.judged(look.registered, decision)
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            Path(folder, name).write_text(text, encoding="utf-8")
        for run_id in targets:
            runs.log_files(run_id, Path(folder), FOLDER)
    runs.log_metrics(look.mlflow_run_id, _figures(seen, found), tags=tags)
    runs.end_run(look.mlflow_run_id)


def _figures(seen: Seen, found: Sequence) -> dict[str, float]:
    """What MLflow can plot from look to look."""
    figures = {"nights": float(len(seen.nights)), "nights_elapsed": float(seen.elapsed), "rows": float(seen.rows)}
    if seen.nights:
        figures |= {
            "difference": float(found.means[-1]),
            "difference_low": float(found.low[-1]),
            "difference_high": float(found.high[-1]),
            "capital": float(found.capital[-1]),
        }
    return figures

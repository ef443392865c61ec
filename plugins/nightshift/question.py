"""What a person reads before answering whether a version may be served: verdict, what an answer does, evidence."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from nightshift.links import GateReportLink, MlflowLink
from nightshift.waiting import Asked

if TYPE_CHECKING:
    from include.contracts import GateDecision, RunContext


def asking(frozen: RunContext, decision: GateDecision, clearings: int, now: datetime) -> Asked:
    """What is asked, and until when; the hours are those of the configuration that the run was frozen to."""
    from include.tracking.runs import load_config

    hours = load_config(frozen.mlflow_run_id).release.approval_hours
    about = f"version {decision.version} instead of {decision.champion_version or 'none'}"
    return Asked(about=about, clearings=clearings, hours=hours, until=now + timedelta(hours=hours))


def links(frozen: RunContext, decision: GateDecision, ui_url: str) -> dict[str, str]:
    """The task's buttons: the version in the registry, and the gate report."""
    from include.tracking.naming import model_version_url

    return {
        MlflowLink.name: model_version_url(ui_url, decision.model, decision.version),
        GateReportLink.name: report_url(frozen, decision, ui_url),
    }


def report_url(frozen: RunContext, decision: GateDecision, ui_url: str) -> str:
    """Address of the page that the decision was kept with: the retrain run's, or that of a trial's look."""
    from include.tracking.naming import artifact_url
    from include.tracking.runs import experiment_of

    uri = decision.report_uri or f"runs:/{frozen.mlflow_run_id}/gates/report.html"
    run_id, _, path = uri.removeprefix("runs:/").partition("/")
    experiment = frozen.experiment_id if run_id == frozen.mlflow_run_id else experiment_of(run_id)
    return artifact_url(ui_url, experiment, run_id, path)


def question(frozen: RunContext, decision: GateDecision, ui_url: str, until: datetime) -> tuple[str, str]:
    """Return heading and body, in Markdown as Airflow's page of required actions shows it.

    :param ui_url: MLflow's address in a person's browser
    :param until: when silence becomes a rejection
    """
    from include.release.report import SHADOW, markdown
    from include.tracking.naming import model_version_url, run_url

    served = f"version {decision.champion_version}" if decision.champion_version else "no version"
    addresses = {
        "gate report with pictures": report_url(frozen, decision, ui_url),
        "MLflow run": run_url(ui_url, frozen.experiment_id, frozen.mlflow_run_id),
        f"version {decision.version} in the registry": model_version_url(ui_url, decision.model, decision.version),
    }
    tried = any(gate.name == SHADOW for gate in decision.gates)
    then = "the trial is over" if tried else "the next night tries again"
    verdict, evidence = markdown(decision).split("\n", 1)
    body = [
        verdict,
        "",
        f"- **Approve**: version {decision.version} is served from now on, instead of {served}.",
        f"- **Reject**, or no answer until {until:%d %B %Y, %H:%M} UTC: {served} stays; {then}.",
        "",
        " · ".join(f"[{name}]({address})" for name, address in addresses.items()),
        evidence,
    ]
    return f"Serve version {decision.version} of {decision.model}?", "\n".join(body)

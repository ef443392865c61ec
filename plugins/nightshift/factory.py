"""One model's configuration in, its DAGs out: five, and `<model>__shadow` where versions go on trial.

Each function below is one DAG and only wires: what a task does is in its operator, and how, in `include`.
"""

from __future__ import annotations

import inspect
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, AssetOrTimeSchedule, CronTriggerTimetable, TriggerRule, XComArg
from airflow.sdk.configuration import conf
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from nightshift import callbacks, forms
from nightshift.assets import model_asset
from nightshift.operators.approve_release import ApproveRelease
from nightshift.operators.detect_drift import DetectDrift
from nightshift.operators.evaluate_gates import EvaluateGates
from nightshift.operators.evaluate_holdout import EvaluateHoldout
from nightshift.operators.ingest_day import IngestDay
from nightshift.operators.judge_shadow import JudgeShadow
from nightshift.operators.open_run import OpenRun
from nightshift.operators.promote_model import PromoteModel
from nightshift.operators.refresh_labels import RefreshLabels
from nightshift.operators.register_model import RegisterModel
from nightshift.operators.request_retrain import RequestRetrain
from nightshift.operators.rollback_model import RollbackModel
from nightshift.operators.score_batch import ScoreBatch
from nightshift.operators.select_candidate import SelectCandidate
from nightshift.operators.send_alerts import SendAlerts
from nightshift.operators.train_candidate import TrainCandidate
from nightshift.operators.validate_data import ValidateData
from nightshift.operators.verify_champion import VerifyChampion

if TYPE_CHECKING:
    from include.config.schema import ModelConfig

RUN_HOURS = 6
"""A run that takes longer is broken; a person's time to answer comes on top."""
DATA, TRAINING, REGISTRY = "nightshift_data", "nightshift_training", "nightshift_registry"


def build_dags(config: ModelConfig) -> list[DAG]:
    """Return the DAGs of one model."""
    return [build(config) for build in BUILDERS if build is not shadow or config.release.evidence == "shadow"]


def ingest(config: ModelConfig) -> DAG:
    """Read a day's rows from the source, validate them, set bad rows aside, write the rest.

    Each night ingests the day before. Rows that fail a rule go to the table `quarantine` with the rule's name; a day
    with too many of them, or that fails a rule for whole days, is **refused**: the task fails and says why, and what
    was stored of that day before stays as it was. Earlier days' labels are read again beside it: those that came late
    are filled in, those that were corrected replaced, and the rows stay as the model saw them.

    By hand: give a first and a last day to load history in one run. Running a day again replaces it whole.
    """
    schedule = _cron(config, config.schedule.ingest)
    form = forms.NO_LOOKING_BACK if config.data.snapshot and not config.data.source.looks_back else forms.INGEST
    with _dag(config, ingest, schedule=schedule, params=form, deadline=_deadline(config)) as dag:
        IngestDay(task_id="ingest_day", model=config.name, pool=DATA, outlets=[model_asset(config.name, "validated")])
        RefreshLabels(task_id="refresh_labels", model=config.name, pool=DATA)
    return dag


def retrain(config: ModelConfig) -> DAG:
    """Train the candidates, choose one, judge it on later rows, and promote it if every gate holds.

    The run is frozen when it opens: configuration, data version and windows. A **refused** version ends the run
    green with `promote_model` skipped; open the log or the gate report of `evaluate_gates` to read why. The champion
    changes only in `promote_model`, and `verify_champion` then replays known rows through the served model.

    Where the model file or a gate asks for a person, `approve_release` waits for an answer under *Required Actions*, or
    from `./nightshift approve`, and holds no worker. A rejection, or silence for `approval_hours`, ends the run green
    with `promote_model` skipped and the reason in the ledger. One run at a time: the next night's waits for the answer,
    since it says which champion that night is compared with, so give fewer hours than lie between two nights.

    With `release.evidence: shadow` a version that passes goes on trial (`<model>__shadow`); until that trial ends,
    `open_run` is skipped and nothing is trained.
    """
    model = config.name
    schedule = AssetOrTimeSchedule(
        timetable=_cron(config, config.schedule.retrain), assets=[model_asset(model, "retrain_requested")]
    )
    hours = RUN_HOURS + config.release.approval_hours
    asking = 0 if config.release.approval == "automatic" else config.release.approval_hours
    deadline = _deadline(config, asking)
    with _dag(config, retrain, schedule=schedule, params=forms.RETRAIN, hours=hours, deadline=deadline) as dag:
        opened = OpenRun(task_id="open_run", model=model)
        frozen = opened.output
        cleared = ValidateData(task_id="validate_data", model=model, run_context=frozen)
        trained = TrainCandidate.partial(
            task_id="train_candidate",
            model=model,
            run_context=frozen,
            pool=TRAINING,
            map_index_template="{{ candidate }}",
            **TrainCandidate.defaults,
        ).expand(candidate=cleared.output)
        selected = SelectCandidate(task_id="select_candidate", model=model, run_context=frozen, trained=trained.output)
        judged = EvaluateHoldout(task_id="evaluate_holdout", model=model, run_context=frozen, selection=selected.output)
        registered = RegisterModel(
            task_id="register_model",
            model=model,
            run_context=frozen,
            selection=selected.output,
            holdout=judged.output,
        )
        decided = EvaluateGates(task_id="evaluate_gates", model=model, run_context=frozen, registered=registered.output)
        approved = ApproveRelease(task_id="approve_release", model=model, run_context=frozen, decision=decided.output)
        promoted = PromoteModel(
            task_id="promote_model",
            model=model,
            run_context=frozen,
            registered=registered.output,
            decision=decided.output,
            approval=approved.output,
            trigger_rule=TriggerRule.NONE_FAILED,  # it tells a refusal itself
            pool=REGISTRY,
        )
        VerifyChampion(
            task_id="verify_champion", model=model, event=promoted.output, outlets=[model_asset(model, "champion")]
        )
    return dag


def score(config: ModelConfig) -> DAG:
    """Score the validated days that no champion has scored, or that were validated again since.

    The champion's scores are what is served; a challenger scores the same rows in the shadow. Both are kept, row by
    row, with the model's version, in the table `predictions`.
    """
    schedule = [model_asset(config.name, "validated")]
    with _dag(config, score, schedule=schedule, params=forms.SCORE, deadline=_deadline(config)) as dag:
        ScoreBatch(
            task_id="score_batch", model=config.name, pool=DATA, outlets=[model_asset(config.name, "predictions")]
        )
    return dag


def monitor(config: ModelConfig) -> DAG:
    """Compare the night with what the champion was trained on, and measure it on labels that have matured.

    The report shows the distance of every column; Evidently's own verdicts in it are not alarms, for it calls columns
    drifted on ordinary days. What follows, nothing, an alert or a request to retrain, is the model file's
    `monitoring.policy`: harm asks for retraining, drift is told when it lasts, and a day that was refused or is missing
    is told and never trained on. Every decision is kept with its reasons, and shown by the button *Decision*.
    """
    model = config.name
    schedule = AssetOrTimeSchedule(
        timetable=_cron(config, config.schedule.monitor), assets=[model_asset(model, "predictions")]
    )
    with _dag(config, monitor, schedule=schedule, params=forms.MONITOR, deadline=_deadline(config)) as dag:
        looked = DetectDrift(
            task_id="detect_drift", model=model, pool=DATA, outlets=[model_asset(model, "drift_report")]
        )
        RequestRetrain(
            task_id="request_retrain",
            model=model,
            result=looked.output,
            outlets=[model_asset(model, "retrain_requested")],
        )
        alerts = SendAlerts(task_id="send_alerts", model=model, trigger_rule=TriggerRule.ALL_DONE)
        looked >> alerts
    return dag


def shadow(config: ModelConfig) -> DAG:
    """Judge the version on trial, night by night; promote it once it is surely better than the champion.

    Only for models with `release.evidence: shadow`. A version that passed its gates on the holdout is scored beside the
    champion; each look pairs every night whose labels have come in, in a confidence sequence that may be looked at
    nightly. It ends in a promotion, in a refusal (worse, no lead worth having, or out of nights), or when the champion
    changes; until then `promote_model` is skipped and says how far it is, and `<model>__retrain` trains nothing.

    By hand: look as on another night, or give a reason under *Recall* to end the trial.
    """
    model = config.name
    timetable = _cron(config, config.schedule.monitor)
    schedule = AssetOrTimeSchedule(timetable=timetable, assets=[model_asset(model, "predictions")])
    hours = RUN_HOURS + config.release.approval_hours
    with _dag(config, shadow, schedule=schedule, params=forms.SHADOW, hours=hours) as dag:
        judged = JudgeShadow(task_id="judge_shadow", model=model, pool=DATA)
        frozen, registered, decision = (XComArg(judged, key) for key in ("run_context", "registered", "decision"))
        approved = ApproveRelease(task_id="approve_release", model=model, run_context=frozen, decision=decision)
        promoted = PromoteModel(
            task_id="promote_model",
            model=model,
            run_context=frozen,
            registered=registered,
            decision=decision,
            approval=approved.output,
            trigger_rule=TriggerRule.NONE_FAILED,  # it tells a refusal itself
            pool=REGISTRY,
        )
        VerifyChampion(
            task_id="verify_champion", model=model, event=promoted.output, outlets=[model_asset(model, "champion")]
        )
    return dag


def rollback(config: ModelConfig) -> DAG:
    """Serve an earlier version again. Only ever run by hand: press *Trigger*, name a version or none, say why.

    With no version the previous champion returns. The ledger keeps who asked and the reason.
    """
    model = config.name
    with _dag(config, rollback, schedule=None, params=forms.ROLLBACK) as dag:
        restored = RollbackModel(task_id="rollback_model", model=model, pool=REGISTRY)
        VerifyChampion(
            task_id="verify_champion", model=model, event=restored.output, outlets=[model_asset(model, "champion")]
        )
    return dag


def _dag(config: ModelConfig, build: Any, hours: float = RUN_HOURS, **kwargs: Any) -> DAG:
    """The settings that all DAGs share; the page's text is the building function's docstring."""
    purpose = inspect.cleandoc(build.__doc__)
    return DAG(
        dag_id=f"{config.name}__{build.__name__}",
        description=purpose.splitlines()[0],
        doc_md=f"{purpose}\n\n---\n**{config.name}**: {config.description}\n\n`include/models/{config.name}.yaml`",
        tags=["nightshift", config.name, build.__name__, *config.tags],
        start_date=None,  # with one, a DAG that is switched on fires at once for the night that has passed
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=timedelta(hours=hours),
        default_args={
            "owner": config.owner,
            "on_failure_callback": callbacks.tell_failure,
            "on_success_callback": callbacks.tell_end,
            "on_skipped_callback": callbacks.tell_skip,
        },
        is_paused_upon_creation=not config.active,
        **kwargs,
    )


A_LITTLE = timedelta(minutes=2)
BUILDERS = (ingest, retrain, score, monitor, shadow, rollback)


def _cron(config: ModelConfig, expression: str) -> CronTriggerTimetable:
    """Fires at the expression's moments, never at once for a moment that passed before the DAG was there.

    Left to itself Airflow makes up a moment that passed less than a tenth of the period before: a model file that is
    written at half past three would be trained for a night whose rows nobody has loaded yet. A little it may be late:
    the file may be read again between the moment and the scheduler's look at it, which must not lose the first night.
    """
    return CronTriggerTimetable(expression, timezone=config.schedule.timezone, run_immediately=A_LITTLE)


def _deadline(config: ModelConfig, asking_hours: float = 0) -> DeadlineAlert:
    """Tells a run that has not ended in time, counted from when it was queued: backfills' logical dates are long past.

    The triggerer tells it, by import path: workers may be what the run waits for.
    """
    hours = config.schedule.deadline_hours + asking_hours
    given = {
        "model": config.name,
        "hours": hours,
        "timezone": config.schedule.timezone,
        "base_url": conf.get("api", "base_url", fallback=""),
    }
    callback = AsyncCallback("include.alerts.failures.run_late", kwargs=given)
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT, interval=timedelta(hours=hours), callback=callback
    )

"""Model cards: written for every version, kept within MLflow's limit, and never broken by what data says."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt
from mlflow import MlflowClient

from include.config.schema import ModelConfig
from include.contracts import (
    Approval,
    CandidateResult,
    DayRange,
    GateDecision,
    GateResult,
    RegisteredVersion,
    Resources,
    RunContext,
    SliceResult,
    Windows,
)
from include.release import card, judge
from include.release.card_facts import Card, CardInterval
from include.tracking import registry, runs

MODEL = "parcels"
HOSTILE = "</td><script>alert(1)</script>| ![x](http://e/p) `a` **b** <b>\n# c @bob :smile: www.e.org _d_"


class _Page(HTMLParser):
    """Tags, addresses and text of a rendered card, and the cells of each table row."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.text = ""
        self.widths: list[list[int]] = []
        self.feed(MarkdownIt("commonmark").enable("table").enable("strikethrough").render(markdown))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [str(value) for name, value in attrs if name in ("href", "src")]
        if tag == "table":
            self.widths.append([])
        if tag == "tr":
            self.widths[-1].append(0)
        if tag in ("td", "th"):
            self.widths[-1][-1] += 1

    def handle_data(self, data: str) -> None:
        self.text += data


def _gate(name: str, passed: bool = True, sentence: str = "It holds.", ask: bool = False) -> GateResult:
    return GateResult(name=name, passed=passed, value=1.0, bound=1.0, sentence=sentence, ask_person=ask)


def _slice(value: str, rows: int = 900, high: float | None = 0.05) -> SliceResult:
    why_not = "" if high is not None else "too few rows"
    figures = {"inside": 0.6, "outside": 0.7, "gap": 0.1, "high": high, "bound": 0.2, "protected": False}
    return SliceResult(column="depot", value=value, metric="roc_auc", rows=rows, why_not=why_not, **figures)


def _decision(**said: object) -> GateDecision:
    usual: dict[str, object] = {
        "model": MODEL,
        "version": 7,
        "champion_version": 4,
        "verdict": "promote",
        "first_release": False,
        "gates": (_gate("parity"), _gate("holdout_rows")),
        "rule": "non_inferiority",
        "alpha": 0.01,
        "anchor_version": 3,
    }
    return GateDecision.model_validate({**usual, **said})


@pytest.fixture
def facts(config: ModelConfig) -> Card:
    """Version 7, trained on thirteen days of a winter and judged on eight."""
    windows = Windows(
        train=DayRange(start=date(2024, 1, 30), end=date(2024, 2, 11)),
        validation=DayRange(start=date(2024, 2, 12), end=date(2024, 2, 15)),
        holdout=DayRange(start=date(2024, 2, 16), end=date(2024, 2, 23)),
    )
    context = RunContext(
        model=MODEL,
        airflow_run_id="run-7",
        as_of=date(2024, 2, 25),
        mlflow_run_id="night",
        experiment_id="1",
        config_hash="c" * 16,
        data_version=5,
        data_hash="d" * 16,
        rows=1500,
        windows=windows,
        champion_version=4,
        git_sha="a" * 40,
        lock_hash="b" * 16,
    )
    own = CandidateResult(
        name="good",
        index=1,
        mlflow_run_id="own",
        model_uri="models:/m-1",
        metrics={"validation_roc_auc": 0.75},
        fit_seconds=1.5,
        resources=Resources(seconds=1.5, cpu_seconds=2.5, peak_memory_mb=321.0),
    )
    return Card(
        config=config,
        context=context,
        registered=RegisteredVersion(model=MODEL, version=7, model_uri="models:/m-1", mlflow_run_id="own"),
        candidates=(own,),
        reason="good has the best validation_roc_auc, 0.7500.",
        metrics={
            "holdout_roc_auc": 0.71,
            "baseline_roc_auc": 0.5,
            "validation_roc_auc": 0.75,
            "train_roc_auc": 0.8,
            "holdout_accuracy": 0.81,
            "baseline_accuracy": 0.8,
            "rows_in_holdout": 480,
            "days_in_holdout": 7,
        },
        tags={"threads": "2", "python_version": "3.12.1", "features_left_out": "weight"},
        intervals={
            "roc_auc": CardInterval(value=0.71, low=0.68, high=0.74, confidence=0.95),
            "accuracy": CardInterval(value=0.81, low=0.78, high=0.84, confidence=0.95),
        },
        decision=_decision(),
    )


def test_a_card_answers_what_it_is_asked(facts: Card) -> None:
    text = card.markdown(facts)
    page = _Page(text)
    for words in (
        "parcels version 7: may be served",
        "Will a parcel be late?",
        "1,500 rows of parcels/validated version 5",
        "as known on night 2024-02-25",
        "train 2024-01-30 to 2024-02-11 (13 days)",
        "champion version 4, anchor version 3, by non-inferiority at alpha 0.01",
        "1.5 s, 2.5 CPU s, 321 MB of memory at most",
        "./nightshift reproduce parcels 7",
        "480 untouched rows of 7 days",
        "learned from rows of January and February only",
        "newest training row is 14 days older",
        "1 of the 8 holdout days",
        "A constant prediction does as well, or lies within the interval, by: accuracy.",
        "Ignored, for want of a single value in the training rows: weight",
        "Python 3.12.1, 2 threads",
    ):
        assert words in page.text, words
    assert "| ROC AUC | 0.7100 | 0.6800 to 0.7400 | 0.5000 | 0.7500 | 0.8000 |" in text
    assert "| metric | holdout | 95 % interval |" in text


def test_what_comes_from_data_stays_text(facts: Card) -> None:
    hostile = facts.model_copy(
        update={
            "config": facts.config.model_copy(update={"owner": HOSTILE}),
            "decision": _decision(
                gates=(_gate(HOSTILE, passed=False, sentence=HOSTILE),),
                slices=(_slice(HOSTILE), _slice(HOSTILE, high=None)),
            ),
        }
    )
    page = _Page(card.markdown(hostile))
    assert not page.tags & {"script", "img", "b", "em", "del", "h1"}
    assert page.tags >= {"table", "ul", "a", "code", "strong"}
    assert page.addresses and all(address.startswith("#/experiments/1/runs/") for address in page.addresses)
    assert all(len(set(widths)) == 1 for widths in page.widths)
    assert page.text.count(" ".join(HOSTILE.split())) == 6
    shown = _Page(card.markdown(hostile, limit=registry.MAX_DESCRIPTION))
    assert (shown.tags, shown.widths, shown.addresses) == (page.tags, page.widths, page.addresses)
    assert not re.search(r"(?<!\\)(:smile|@bob|www\.)", card.markdown(hostile))


def test_a_description_fits_and_what_is_wrong_is_never_left_out(facts: Card) -> None:
    names = tuple(f"a_feature_with_a_long_name_{number}" for number in range(400))
    features = facts.config.features.model_copy(update={"numeric": names})
    gates = [_gate(f"gate_{number}", sentence="Holds, and says so at some length. " * 4) for number in range(40)]
    gates.append(_gate("calibration", passed=False, sentence="It is too sure of itself."))
    slices = [_slice(f"place_{number}") for number in range(300)] + [_slice("worst", high=0.4)]
    slices += [_slice(f"hamlet_{number}", rows=number, high=None) for number in range(300)]
    large = facts.model_copy(
        update={
            "config": facts.config.model_copy(update={"features": features}),
            "decision": _decision(verdict="refuse", gates=tuple(gates), slices=tuple(slices)),
        }
    )
    short = card.markdown(large, limit=registry.MAX_DESCRIPTION)
    assert len(short) <= registry.MAX_DESCRIPTION
    for words in (
        "refused",
        "It is too sure of itself.",
        "depot = worst",
        "hamlet_299",
        "reproduce parcels 7",
        "Limits",
    ):
        assert words in short, words
    assert len(card.markdown(large)) > 20_000
    cut = card.markdown(large, limit=1500)
    assert len(cut) <= 1500
    assert cut.endswith("model_card.md` of the candidate's run.\n")


@pytest.mark.parametrize(
    ("decision", "approval", "verdict"),
    [
        (None, None, "not judged yet"),
        ({"verdict": "refuse"}, None, "refused by its gates"),
        ({"ask_person": ("It is the first.",)}, None, "passed its gates, a person has to agree"),
        ({"ask_person": ("It is the first.",)}, True, "may be served"),
        ({"ask_person": ("It is the first.",)}, False, "passed its gates, not approved"),
    ],
)
def test_the_verdict_is_in_the_title(
    facts: Card, decision: dict[str, object] | None, approval: bool | None, verdict: str
) -> None:
    answer = None if approval is None else _answer(approval)
    made = facts.model_copy(update={"decision": decision and _decision(**decision), "approval": answer})
    assert card.markdown(made).splitlines()[0] == f"### parcels version 7: {verdict}"


def _answer(approved: bool) -> Approval:
    moment = datetime(2024, 2, 25, tzinfo=UTC)
    return Approval(approved=approved, asked=True, answered_by="ada", reason="seen the report", answered_at=moment)


def test_registration_writes_a_card_and_the_gates_write_it_again_with_the_verdict(world) -> None:
    context, registered = world.night(2, None)
    config = runs.load_config(context.mlflow_run_id)
    runs.log_json(registered.mlflow_run_id, {}, "model_card.json")  # other tests' cards: the runs' files are shared
    card.write(config, context, registered)
    assert "not judged yet" in _shown(registered)
    decision = judge.evaluate_gates(context, registered)
    shown = _shown(registered)
    assert "parcels version 2: may be served" in shown
    assert all(gate.name in shown for gate in decision.gates)
    stored = runs.load_text(registered.mlflow_run_id, "model_card.md")
    assert shown.replace("&ensp;", "") == stored
    card.write(config, context, registered)
    assert _shown(registered) == shown


def test_a_persons_answer_is_added_and_a_version_without_a_card_gets_none(world) -> None:
    context, registered = world.night(2, None)
    assert card.answered(registered.model_copy(update={"version": 99}), _answer(True)) is None
    config = runs.load_config(context.mlflow_run_id)
    card.write(config, context, registered, _decision(ask_person=("It is the first.",)), approval=None)
    assert "a person is asked: It is the first." in _shown(registered)
    card.answered(registered, _answer(False))
    assert "ada did not agree: seen the report" in _shown(registered)
    assert "passed its gates, not approved" in runs.load_text(registered.mlflow_run_id, "model_card.md")


def _shown(registered: RegisteredVersion) -> str:
    return str(MlflowClient().get_model_version(registered.model, str(registered.version)).description)

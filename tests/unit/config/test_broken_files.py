# ruff: noqa: E501 - one line a case reads best as a table
"""A corpus of broken model files: each is told by its own fault, with no traceback, and breaks no other model."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from include.authoring.checks import faults_of
from include.cli import app
from include.config import environment
from include.config.loader import load_models
from tests.unit.messages import machine_words

SHIPPED = {path.stem: path.read_text() for path in (environment.REPOSITORY / "include/models").glob("*.yaml")}
FLIGHTS, CHURN, RIDES, CUTS = (SHIPPED[name] for name in ("flight_delay", "telco_churn", "ridership", "diamond_cut"))
ALIASES = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


def edit(text: str, old: str, new: str) -> str:
    assert old in text, old
    return text.replace(old, new, 1)


CORPUS: dict[str, tuple[str | bytes, str]] = {
    # What is no model file at all.
    "empty": ("", "the file is empty"),
    "blank": ("\n  \n# nothing\n", "a model file is a mapping"),
    "list": ("- name: x\n", "a model file is a mapping"),
    "text": ("hello\n", "a model file is a mapping"),
    "tab": ("name: x\n\towner: y\n", "not readable as YAML"),
    "unclosed": ("name: [x\n", "not readable as YAML"),
    "binary": (b"\x89PNG\r\n\x1a\n\x00\x00", "is not UTF-8 text"),
    "nul": ("name: a\x00b\n", "not readable as YAML"),
    "two documents": ("name: a\n---\nname: b\n", "not readable as YAML"),
    "python tag": ("name: !!python/object/apply:os.system ['true']\n", "not readable as YAML"),
    "alias bomb": (ALIASES, "aliases"),
    "5 MB of aliases": (ALIASES + "# " + "x" * 5_000_000, "a model file has at most"),
    "deep": ("a: " + "[" * 5000 + "]" * 5000, "not readable as YAML"),
    "key twice": (edit(FLIGHTS, "owner: operations-research", "owner: a\nowner: b"), "key 'owner' is given twice"),
    # Keys and types.
    "unknown key": (edit(FLIGHTS, "  seed: 2013", "  sead: 2013"), "training.sead: unknown key (did you mean 'seed'?)"),
    "missing key": (edit(FLIGHTS, "  label: disrupted\n", ""), "data.label: Field required"),
    "text for a number": (edit(FLIGHTS, "train_days: 60", "train_days: sixty"), "training.train_days: Input should be"),
    "number for a list": (edit(FLIGHTS, "tags: [flights, example]", "tags: 7"), "tags: Input should be"),
    "list for a section": (edit(CHURN, "  split: {train: 0.5, validation: 0.2, holdout: 0.3}", "  split: [1]"), "training.split"),
    "null section": (edit(CHURN, "schedule: {ingest", "schedule: ~\n# {ingest"), "schedule: Input should be"),
    "fraction of a day": (edit(RIDES, "holdout_days: 90", "holdout_days: 1.5"), "training.holdout_days: Input should be"),
    "not a number": (edit(FLIGHTS, "alpha: 0.01", "alpha: .nan"), "release.against_champion.alpha"),
    "infinite bound": (edit(CHURN, "max_model_mb: 20", "max_model_mb: -.inf"), "release.max_model_mb"),
    "wrong name": (edit(CHURN, "name: telco_churn", "name: Telco Churn!"), "name: String should match pattern"),
    "other's name": (edit(CHURN, "name: telco_churn", "name: flight_delay"), "must equal the file's name"),
    "unknown task": (edit(CHURN, "task: binary", "task: clustering"), "task: Input should be 'binary'"),
    "unknown kind": (edit(CHURN, "kind: python, module: telco_churn", "kind: excel, path: a.xlsx"), "data.source"),
    # Schedules.
    "bad cron": (edit(CHURN, "10 2 * * *", "10 26 * * *"), "schedule.ingest: '10 26 * * *' is no cron expression"),
    "cron of six fields": (edit(CHURN, "10 2 * * *", "0 10 2 * * *"), "is no cron expression of five fields"),
    "bad timezone": (edit(RIDES, "America/Chicago", "America/Shikago"), "is no timezone of the tz database"),
    # Columns: leaks, names that are not there, types that do not fit.
    "target among features": (edit(CHURN, "numeric: [tenure,", "numeric: [churn, tenure,"), "would leak the answer"),
    "leak column": (edit(FLIGHTS, "    - distance\n", "    - dep_delay\n"), "features: 'dep_delay' is known only afterwards"),
    "protected feature": (edit(CHURN, "numeric: [tenure,", "numeric: [female, tenure,"), "'female' is in data.protected"),
    "label in the key": (edit(CHURN, "key: [customer]", "key: [customer, churn]"), "data.key: 'churn' is the label"),
    "no such column": (edit(RIDES, "    - Clark_Lake\n", "    - Clark_Street\n"), "column 'Clark_Street' is not in data.columns"),
    "feature twice": (edit(CUTS, "numeric: [carat,", "numeric: [carat, carat,"), "'carat' is listed twice"),
    "text as a number": (edit(CUTS, "numeric: [carat,", "numeric: [clarity, carat,"), "'clarity' is declared string"),
    "no features": (re.sub(r"features:\n(  .*\n)+", "features: {}\n", CUTS), "name at least one of numeric"),
    "our own column": (edit(CHURN, "    customer: string\n", "    customer: string\n    row_key: string\n"), "our tables' own columns"),
    "day of text": (edit(FLIGHTS, "flight_date: date", "flight_date: string"), "must have type date, not string"),
    "time part of a number": (edit(RIDES, "{column: date, parts", "{column: temp, parts"), "'temp' is declared number, not date or timestamp"),
    # Tasks, classes, metrics, estimators.
    "classes of one": (edit(CHURN, 'classes: ["No", "Yes"]', 'classes: ["No"]'), "data.classes: task binary has two"),
    "unquoted classes": (edit(CHURN, 'classes: ["No", "Yes"]', "classes: [No, Yes]"), "quote text in YAML"),
    "classes of a regression": (edit(RIDES, "  label: ridership ", "  classes: [a, b]\n  label: ridership "), "a regression has none"),
    "too few classes": (edit(CUTS, "[Fair, Good, Very Good, Premium, Ideal]", "[Fair, Good]"), "three or more for task multiclass"),
    "class twice": (edit(CUTS, "[Fair, Good,", "[Fair, Fair, Good,"), "'Fair' is listed twice"),
    "metric of another task": (edit(CUTS, "select_by: log_loss", "select_by: roc_auc"), "is no metric of task multiclass"),
    "unknown metric": (edit(RIDES, "against_champion: {metric: mean_absolute_error", "against_champion: {metric: mae"), "received 'mae'"),
    "estimator of another task": (edit(RIDES, "estimator: Ridge", "estimator: LogisticRegression"), "not task regression"),
    "unknown estimator": (edit(RIDES, "estimator: Ridge", "estimator: Rigde"), "did you mean 'Ridge'?"),
    "unknown parameter": (edit(RIDES, "params: {alpha: 1.0}", "params: {alfa: 1.0}"), "no such parameter (did you mean 'alpha'?)"),
    "impossible parameter": (edit(RIDES, "params: {alpha: 1.0}", "params: {alpha: -1.0}"), "alpha"),
    "candidate twice": (edit(CUTS, "- name: hist_gradient_boosting", "- name: logistic_regression"), "is used twice"),
    # Snapshots and days.
    "days of a snapshot": (edit(CHURN, "  seed: 7043", "  train_days: 60\n  seed: 7043"), "is a snapshot, which has no days"),
    "rates of a snapshot": (edit(CUTS, "  categorical: [color", "  rates: [{name: r, days: 7}]\n  categorical: [color"), "has no earlier days"),
    "shares beyond one": (edit(CHURN, "holdout: 0.3}", "holdout: 0.4}"), "add up to 1.1"),
    "clusters of a snapshot": (edit(CUTS, "  rows: independent\n", ""), "has no days to cluster by"),
    "days left out": (edit(RIDES, "  holdout_days: 90\n", ""), "training.holdout_days: Field required"),
    # Rules, and sources that are not there.
    "unknown expectation": (edit(CHURN, "ExpectColumnValuesToNotBeNull, args: {column: churn}", "ExpectColumnValuesNotNull, args: {column: churn}"), "is no expectation of Great Expectations"),
    "unknown argument": (edit(CHURN, "{column: tenure, min_value: 0", "{column: tenure, minimum: 0"), "unknown argument 'minimum'"),
    "rule on another column": (edit(CHURN, "{column: tenure, min_value", "{column: tenur, min_value"), "did you mean 'tenure'?"),
    "missing module": (edit(CHURN, "module: telco_churn", "module: telco_chrun"), "did you mean 'telco_churn'?"),
    "dates as arguments": (edit(CHURN, "rules:\n", "rules:\n    - {expect: ExpectColumnValuesToBeInSet, args: {column: tenure, value_sat: [2026-01-01]}}\n"), "unknown argument 'value_sat'"),
    "a date for a number": (edit(CHURN, "max_model_mb: 20", "max_model_mb: 2026-01-31"), "received 2026-01-31"),
    "dates for a number": (edit(CHURN, "max_model_mb: 20", "max_model_mb: [2026-01-31, 2026-01-31 10:00:00, 0.5]"), "received [2026-01-31, 2026-01-31 10:00:00, 0.5]"),
    "a date in a rule": (edit(CHURN, "rules:\n", "rules:\n    - {expect: ExpectColumnMeanToBeBetween, args: {column: tenure, min_value: [2026-01-01]}}\n"), "min_value"),
    "missing file": (edit(CHURN, "kind: python, module: telco_churn", "kind: files, path: data/no_such.csv"), "nothing at 'data/no_such.csv'"),
}  # fmt: skip


def test_the_corpus_is_large() -> None:
    assert len(CORPUS) >= 40


@pytest.mark.parametrize("case", CORPUS)
def test_a_broken_file_is_told_by_its_fault(case: str, tmp_path: Path) -> None:
    content, expected = CORPUS[case]
    path = _written(tmp_path, content)
    before = sorted(tmp_path.iterdir())
    found = faults_of([path])[path]
    assert any(expected in fault for fault in found), found
    assert machine_words(found) == []
    assert all(len(fault) < 1500 for fault in found), "a fault must be read, not scrolled through"
    assert sorted(tmp_path.iterdir()) == before


def test_lint_names_every_broken_file_and_ends_in_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [_written(tmp_path / case.replace(" ", "_"), content) for case, (content, _) in CORPUS.items()]
    result = CliRunner().invoke(app, ["lint", *map(str, paths)])
    assert result.exit_code == 1
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert all(f"{path}: " in result.output and f"{path}: no faults" not in result.output for path in paths)


def test_one_broken_file_after_the_other_leaves_the_sound_one_usable(tmp_path: Path) -> None:
    (tmp_path / "flight_delay.yaml").write_text(FLIGHTS)
    for number, (content, _) in enumerate(CORPUS.values()):
        (tmp_path / f"broken_{number}.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    models, errors = load_models(tmp_path)
    assert list(models) == ["flight_delay"]
    assert len(errors) == len(CORPUS)


def _written(folder: Path, content: str | bytes) -> Path:
    """The file under the name of the model that it was made from, so that its name is not the fault."""
    folder.mkdir(exist_ok=True)
    data = content if isinstance(content, bytes) else content.encode()
    owners: dict[str, str] = {"operations-research": "flight_delay", "transit-planning": "ridership"}
    owners |= {"customer-care": "telco_churn", "grading-laboratory": "diamond_cut"}
    name = next((model for owner, model in owners.items() if owner.encode() in data), "flight_delay")
    path = folder / f"{name}.yaml"
    path.write_bytes(data)
    return path

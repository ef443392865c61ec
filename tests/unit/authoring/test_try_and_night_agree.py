"""`try` says of a table what the night's own functions then come to, over two dozen tables, good and bad."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from include.authoring.tryout import try_model
from include.config.loader import load_model
from include.config.schema import ModelConfig
from include.data import windows
from include.errors import NightshiftError

NIGHT = date(2024, 4, 10)
DAYS, A_DAY = 40, 12
WINDOW = {"train_days": 25, "validation_days": 7, "holdout_days": 8}
Change = Callable[[pd.DataFrame], pd.DataFrame]


def table(days: int = DAYS, a_day: int = A_DAY) -> pd.DataFrame:
    """`a_day` rows on each of the days before the night, with two features of which `x` says something of the label."""
    drawn = np.random.default_rng(0)
    rows = days * a_day
    first = NIGHT - timedelta(days=days)
    x = drawn.normal(size=rows).round(6)
    return pd.DataFrame(
        {
            "sold_on": [first + timedelta(days=row // a_day) for row in range(rows)],
            "id": np.arange(rows),
            "x": x,
            "z": drawn.normal(size=rows).round(6),
            "y": (x + drawn.normal(size=rows) > 0).astype(int),
        }
    )


def put(column: str, value: object, where: Callable[[pd.DataFrame], Any] = lambda rows: rows["id"] >= 0) -> Change:
    return lambda rows: rows.assign(**{column: rows[column].astype(object).mask(where(rows), value)})


def newest(days: int) -> Callable[[pd.DataFrame], pd.Series]:
    return lambda rows: rows["sold_on"] >= NIGHT - timedelta(days=days)


def without(*back: int) -> Change:
    return lambda rows: rows[~rows["sold_on"].isin([NIGHT - timedelta(days=day) for day in back])]


@dataclass(frozen=True)
class Case:
    """A table, what its model file says otherwise, and the step of `try` that a night would stop at; None: none."""

    stops: str | None
    says: str | tuple[str, ...] = ""
    change: Change = lambda rows: rows
    rows: pd.DataFrame = field(default_factory=table)
    candidate: dict[str, Any] = field(default_factory=lambda: {"estimator": "DummyClassifier"})
    sections: dict[str, Any] = field(default_factory=dict)


FOREST = {"estimator": "RandomForestClassifier", "params": {"n_estimators": 2}}
BOOSTED = {"estimator": "HistGradientBoostingClassifier", "params": {"early_stopping": True, "max_iter": 2}}
NEIGHBOURS = {"estimator": "KNeighborsClassifier", "params": {"n_neighbors": 1000}}
SNAPSHOT = {"data": {"key": ["id"]}, "training": dict.fromkeys(WINDOW)}
VALUES = {"task": "regression", "data": {"columns": {"y": "number"}}}
CLASSES = {"task": "multiclass", "data": {"columns": {"y": "string"}, "classes": ["0", "1", "rare"]}}
AT_LEAST = {"expect": "ExpectTableRowCountToBeBetween", "args": {"min_value": 100}, "on_failure": "refuse_day"}
FILL = [{"expect": "ExpectColumnValuesToNotBeNull", "args": {"column": "x"}, "on_failure": "quarantine_row"}]

CASES: dict[str, Case] = {
    "as it should be, its rows weighted": Case(
        None,
        rows=table().assign(w=1.5),
        sections={"data": {"columns": {"w": "number"}}, "training": {"sample_weight": "w"}},
    ),
    "days without rows, rows without a day, infinite values": Case(
        None,
        ("without 3 of 40 days", "29 rows without a readable day", "no finite number in x, such as 'inf'"),
        lambda rows: put("x", np.inf, lambda r: (r["id"] // A_DAY == 5) & (r["id"] % 3 == 0))(
            put("sold_on", None, lambda r: r["id"] % 16 == 3)(without(9, 20)(rows))
        ),
    ),
    "ten days without rows": Case("validate", "10 of 40 days", without(*range(20, 30))),
    "no rows of the last day": Case("validate", "2024-04-09", without(1)),
    "days in another form": Case("read", "'04/01/2024'", put("sold_on", "04/01/2024", lambda r: r["id"] % 12 < 7)),
    "too few rows": Case("window", "at 4 rows a day 13 days would do", rows=table(a_day=4)),
    "a feature without values": Case("window", "remove it from features.numeric", put("z", None)),
    "a feature without values of late": Case("window", "its last value is of 2024-03-31", put("z", None, newest(9))),
    "one class of late": Case("window", "holdout_label_classes", put("y", 0, newest(8))),
    "late labels": Case("window", "data.label_delay_days: 13 would fit (now 1)", put("y", None, newest(12))),
    "late labels, as declared": Case(
        None, change=put("y", None, newest(12)), rows=table(52), sections={"data": {"label_delay_days": 13}}
    ),
    "labels of no class": Case("validate", "is no class of the model", put("y", 2, lambda r: r["id"] % 2 == 0)),
    "words for numbers": Case("validate", "no finite number in x", put("x", "many")),
    "values that no tree can hold": Case(
        "train one", "in x: bound them", put("x", 1e300, lambda r: r["id"] == 7), candidate=FOREST
    ),
    "a class of one row": Case(
        None,
        "without early stopping: it holds back rows of each of the 3 classes, of which the rarest has 1",
        lambda rows: rows.assign(y=rows["y"].astype(str).mask(rows["id"] == 7, "rare")),
        candidate=BOOSTED,
        sections=CLASSES,
    ),
    "more neighbours than rows": Case("train one", "(KNeighborsClassifier) cannot be measured", candidate=NEIGHBOURS),
    "numbers to predict": Case(
        None, change=lambda rows: rows.assign(y=rows["x"] * 2), candidate={"estimator": "Ridge"}, sections=VALUES
    ),
    "one number to predict": Case(
        "window", "two values", put("y", 5), candidate={"estimator": "Ridge"}, sections=VALUES
    ),
    "a small snapshot": Case("window", "a table of", rows=table(10), sections=SNAPSHOT),
    "a snapshot": Case(None, rows=table(50), sections=SNAPSHOT),
    "a rule that no day meets": Case(
        "validate", "40 of 40 days are refused", sections={"validation": {"rules": [AT_LEAST]}}
    ),
    "a row set aside on each day": Case(
        "validate",
        "were set aside, more than max_quarantined_share 5.0%",
        put("x", None, lambda r: r["id"] % A_DAY == 0),
        sections={"validation": {"rules": FILL}},
    ),
}


def model(case: Case, tmp_path: Path) -> ModelConfig:
    """The case's model file and its table, written out as a person would have them."""
    case.change(case.rows).to_csv(tmp_path / "sales.csv", index=False)
    columns = {"sold_on": "date", "id": "integer", "x": "number", "z": "number", "y": "integer"}
    content: dict[str, Any] = {
        "name": "sales",
        "description": "Chance of y.",
        "owner": "shop",
        "task": "binary",
        "data": {
            "source": {"kind": "files", "path": str(tmp_path / "sales.csv")},
            "day": "sold_on",
            "key": ["sold_on", "id"],
            "label": "y",
            "columns": columns,
        },
        "features": {"numeric": ["x", "z"]},
        "training": {**WINDOW, "candidates": [{"name": "one", **case.candidate}]},
    }
    for name, value in case.sections.items():
        if isinstance(value, dict):
            more = {key: {**columns, **given} if key == "columns" else given for key, given in value.items()}
            content[name] = {**content.get(name, {}), **more}
        else:
            content[name] = value
    if "sold_on" not in content["data"]["key"]:
        del content["data"]["day"], columns["sold_on"]
        content["training"] = {name: value for name, value in content["training"].items() if value is not None}
        content["release"] = {"rows": "independent"}
    path = tmp_path / "models" / "sales.yaml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return load_model(path)


def live(config: ModelConfig, night: date) -> str:
    """The night's own functions in their order, with a real registry; what they raise, or nothing."""
    from include.release import promotion
    from include.release.judge import evaluate_gates
    from include.scoring.batch import score
    from include.tracking import registry
    from include.training import jobs
    from include.validation.ingest import ingest
    from include.validation.window import validate_window

    span = windows.history_days(config, night)
    try:
        ingest(config, span.start, span.end, night)
        context = jobs.open_run(config, night, "manual", "http://localhost")
        validate_window(config, context)
        trained = [jobs.train_candidate(context, one.name) for one in config.training.candidates]
        selection = jobs.select_candidate(context, trained)
        registered = registry.register(context, selection, jobs.evaluate_holdout(context, selection))
        decision = evaluate_gates(context, registered)
        promotion.promote(context, decision, "a test")
        score(config, night)
    except NightshiftError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", CASES)
def test_try_says_what_the_night_comes_to(
    name: str, state: Path, mlflow_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTSHIFT_MODELS", str(tmp_path / "models"))
    case = CASES[name]
    config = model(case, tmp_path)
    tried = try_model(config, NIGHT, 20_000, lambda step: None)
    told = "\n".join(line for step in tried.steps for line in step.told)
    assert (None if tried.fine else tried.steps[-1].name) == case.stops, told
    for said in [case.says] if isinstance(case.says, str) else case.says:
        assert said in told
    fault = live(config, NIGHT)
    assert bool(fault) == (case.stops is not None), fault


def test_there_are_as_many_tables_as_it_says() -> None:
    assert len(CASES) >= 20 and sum(case.stops is None for case in CASES.values()) >= 6

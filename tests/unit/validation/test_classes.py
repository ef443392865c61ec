from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from include.config.schema import ModelConfig
from include.contracts import RunContext
from include.data import tables
from include.data.windows import training_windows
from include.errors import DataRefused
from include.validation.runner import validate
from include.validation.window import validate_window

DAY = date(2024, 3, 1)
ROWS = 100


def multiclass(sales: Callable[..., ModelConfig], kind: str, classes: tuple[Any, ...]) -> ModelConfig:
    columns = {"sold_on": "date", "shop": "string", "units": "integer", "grade": kind}
    sections = {"task": "multiclass", "features": {"numeric": ["units"]}}
    source = {"kind": "python", "module": "flights"}
    return sales(source, sections=sections, day="sold_on", columns=columns, label="grade", classes=classes)


def rows(labels: list[Any], name: str = "grade") -> pd.DataFrame:
    shops = [f"{number}" for number in range(ROWS)]
    filled = [labels[number % len(labels)] for number in range(ROWS - 1)] + labels[-1:]
    frame = pd.DataFrame({"sold_on": DAY, "shop": shops, "units": 1, "price": 1.0})
    frame = frame if name == "returned" else frame.drop(columns="price")
    return frame.assign(**{name: pd.Series(filled, dtype=object)})


@pytest.mark.parametrize(
    ("kind", "classes", "good", "bad"),
    [
        ("string", ("low", "mid", "high"), ["low", "mid", "high"], "Low"),
        ("integer", (1, 2, 3), [1, "2", 3.0], 4),
    ],
)
def test_a_label_of_no_class_is_set_aside_with_what_is_allowed(
    sales: Callable[..., ModelConfig], kind: str, classes: tuple[Any, ...], good: list[Any], bad: Any
) -> None:
    config = multiclass(sales, kind, classes)
    assert len(validate(config, rows(good), [DAY]).accepted) == ROWS
    given = rows(good)
    given.loc[3, "grade"] = bad
    outcome = validate(config, given, [DAY])
    assert outcome.quarantine[["row_key", "rules"]].to_numpy().tolist() == [["3", "label_class"]]
    (failure,) = outcome.failures
    assert failure.rule == "label_class" and f"such as {bad!r}; allowed are {classes[0]!r}, " in failure.detail


def test_a_label_that_is_missing_is_not_of_a_wrong_class(sales: Callable[..., ModelConfig]) -> None:
    given = rows(["low", "mid", "high"])
    given.loc[:2, "grade"] = None
    assert len(validate(multiclass(sales, "string", ("low", "mid", "high")), given, [DAY]).accepted) == ROWS


def test_a_binary_label_without_classes_is_0_or_1(sales: Callable[..., ModelConfig]) -> None:
    config = sales({"kind": "python", "module": "flights"}, day="sold_on")
    given = rows([0, 1], "returned")
    given.loc[5, "returned"] = 2
    outcome = validate(config, given, [DAY])
    assert outcome.quarantine["rules"].tolist() == ["label_class"]
    assert "allowed are 0, 1" in outcome.failures[0].detail


def stored(config: ModelConfig, label: Callable[[int, int], Any]) -> RunContext:
    """Thirty days of fifty rows in the table, the label by day and row, and a run as of the night after them."""
    days = [DAY + timedelta(days=step) for step in range(30)]
    frame = pd.DataFrame([(day, f"{row}", row, label(step, row)) for step, day in enumerate(days) for row in range(50)])
    frame.columns = [*config.data.columns]
    frame["row_key"] = frame["sold_on"].astype(str) + "|" + frame["shop"]
    schema = tables.schema_for({**config.data.columns, "row_key": "string"})
    version = tables.replace_days(config.name, "validated", frame, frame["sold_on"], days, schema)
    as_of = days[-1] + timedelta(days=1)
    return RunContext(
        model=config.name,
        airflow_run_id="manual",
        as_of=as_of,
        mlflow_run_id="m",
        experiment_id="1",
        config_hash="c",
        data_version=version,
        data_hash="d",
        rows=len(frame),
        windows=training_windows(config, as_of),
        champion_version=None,
        git_sha="g",
        lock_hash="l",
    )


def test_a_class_without_rows_in_a_split_is_told(state: Path, sales: Callable[..., ModelConfig]) -> None:
    config = multiclass(sales, "string", ("low", "mid", "high"))
    classes = ("low", "mid", "high")
    context = stored(config, lambda step, row: classes[row % 3] if step < 20 else classes[row % 2])
    told = {failure.rule: (failure.severity, failure.detail) for failure in validate_window(config, context)}
    assert told["validation_every_class"] == ("warn", "no row of high: candidates are chosen without it")
    assert told["holdout_every_class"][1].startswith("no row of high: the gates cannot tell")
    assert "train_every_class" not in told and not [rule for rule in told if "rate" in rule]
    with pytest.raises(DataRefused, match="train_label_classes: label grade must have two classes at least"):
        validate_window(config, stored(config, lambda step, row: "low" if step < 20 else classes[row % 3]))


def test_a_regression_is_asked_for_values_and_not_for_a_rate(state: Path, sales: Callable[..., ModelConfig]) -> None:
    columns = {"sold_on": "date", "shop": "string", "units": "integer", "price": "number"}
    candidates = [{"name": "trees", "estimator": "HistGradientBoostingRegressor"}]
    days = {"train_days": 20, "validation_days": 5, "holdout_days": 5}
    sections = {
        "task": "regression",
        "features": {"numeric": ["units"]},
        "training": {"candidates": candidates, **days},
    }
    source = {"kind": "python", "module": "flights"}
    config = sales(source, sections=sections, day="sold_on", columns=columns, label="price")
    rules = {failure.rule for failure in validate_window(config, stored(config, lambda step, row: 1e6 + row))}
    assert rules <= {"holdout_rows"}
    with pytest.raises(DataRefused, match="holdout_label_classes: label price must have two values at least"):
        validate_window(config, stored(config, lambda step, row: 7.0 if step >= 25 else 1.0 * row))

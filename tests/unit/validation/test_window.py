from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from include.config.schema import ModelConfig
from include.contracts import RuleFailure, RunContext
from include.data import tables
from include.data.windows import row_keys, training_windows
from include.errors import DataRefused
from include.validation.window import validate_window

AS_OF = date(2013, 3, 20)
START = date(2013, 3, 1)
Check = Callable[..., tuple[RuleFailure, ...]]
Change = Callable[[pd.DataFrame], pd.DataFrame]


@pytest.fixture
def config(flight_delay: ModelConfig) -> ModelConfig:
    """The shipped model with a window of 12 + 3 + 4 days and two features, and no rates."""
    content = flight_delay.model_dump()
    content["training"] |= {"train_days": 12, "validation_days": 3, "holdout_days": 4}
    content["features"] = {"numeric": ["temp", "distance"], "categorical": ["carrier"], "rates": []}
    content["release"]["min_holdout_rows"] = 300
    content["monitoring"]["expected_to_move"] = ["temp"]
    return ModelConfig.model_validate(content)


@pytest.fixture
def check(state: Path, config: ModelConfig, day: pd.DataFrame) -> Check:
    """Store 100 rows a day of the window, changed as asked, and validate the window."""

    def run(change: Change = lambda frame: frame, without: tuple[int, ...] = ()) -> tuple[RuleFailure, ...]:
        days = [START + timedelta(days=step) for step in range(19) if step not in without]
        rows = pd.concat([day.head(100).assign(flight_date=each) for each in days], ignore_index=True)
        rows = change(rows.assign(disrupted=np.arange(len(rows)) % 5 == 0, temp=50.0))
        rows = rows.assign(row_key=row_keys(config, rows), disrupted=rows["disrupted"].astype("Int64"))
        schema = tables.schema_for({**config.data.columns, "row_key": "string"})
        version = tables.replace_days(config.name, "validated", rows, rows["flight_date"], days, schema)
        return validate_window(config, context(config, version))

    return run


def context(config: ModelConfig, version: int) -> RunContext:
    return RunContext(
        model=config.name,
        airflow_run_id="manual",
        as_of=AS_OF,
        mlflow_run_id="m",
        experiment_id="1",
        config_hash="c",
        data_version=version,
        data_hash="d",
        rows=1,
        windows=training_windows(config, AS_OF),
        champion_version=None,
        git_sha="g",
        lock_hash="l",
    )


def test_a_good_window_has_no_failure(check: Check) -> None:
    assert check() == ()


def between(first: int, last: int) -> Callable[[pd.DataFrame], pd.Series]:
    return lambda rows: rows["flight_date"].between(START + timedelta(days=first), START + timedelta(days=last))


TRAIN, VALIDATION, HOLDOUT = between(0, 11), between(12, 14), between(15, 18)


@pytest.mark.parametrize(
    ("change", "without", "expected"),
    [
        (lambda rows: rows, (2, 3), {"train_days_present": 2}),
        (lambda rows: rows[~(HOLDOUT(rows) & (rows.index % 3 == 0))], (), {"holdout_rows": 266}),
        (
            lambda rows: rows.assign(temp=rows["temp"].mask(VALIDATION(rows) & (rows.index % 3 > 0))),
            (),
            {"validation_feature:temp": 200},
        ),
        (
            lambda rows: rows.assign(disrupted=rows["disrupted"] & (~TRAIN(rows) | (rows.index < 10))),
            (),
            {"train_label_rate": 1200},
        ),
    ],
    ids=["some days missing", "fewer holdout rows than the gate needs", "feature mostly null", "rare label"],
)
def test_what_is_doubtful_is_a_warning(
    check: Check, change: Change, without: tuple[int, ...], expected: dict[str, int]
) -> None:
    found = check(change, without)
    assert {failure.severity for failure in found} == {"warn"}
    assert {failure.rule: failure.failed for failure in found} == expected


@pytest.mark.parametrize(
    ("change", "without", "reason"),
    [
        (lambda rows: rows, (12, 13), "validation_days_present: 2 of 3 days have no validated rows: 2013-03-13"),
        (lambda rows: rows, (15, 16, 17, 18), "holdout_rows: there are no rows"),
        (
            lambda rows: rows[~VALIDATION(rows) | (rows.index % 10 == 0)],
            (),
            "validation_rows: a split needs at least 50",
        ),
        (
            lambda rows: rows.assign(disrupted=rows["disrupted"] & ~HOLDOUT(rows)),
            (),
            "holdout_label_classes: label disrupted must have both classes; found 1",
        ),
        (
            lambda rows: rows.assign(disrupted=rows["disrupted"].astype("boolean").mask(TRAIN(rows))),
            (),
            "train_label: label disrupted is null throughout",
        ),
        (
            lambda rows: rows.assign(temp=rows["temp"].mask(VALIDATION(rows))),
            (),
            "validation_feature:temp: feature temp is null throughout",
        ),
        (
            lambda rows: rows.assign(carrier=None),
            (),
            "train_feature:carrier: feature carrier is null throughout",
        ),
    ],
    ids=["days", "no holdout", "few rows", "one class", "null labels", "null number", "null category"],
)
def test_what_must_stop_training_is_refused_by_name(
    check: Check, change: Change, without: tuple[int, ...], reason: str
) -> None:
    with pytest.raises(DataRefused, match="cannot be trained on") as caught:
        check(change, without)
    assert reason in str(caught.value)
    load = "./nightshift trigger flight_delay__ingest start=2013-03-01 end=2013-03-19"
    assert (load in str(caught.value)) == ("_days_present" in reason or "no rows" in reason)


def test_all_reasons_are_given_at_once(check: Check) -> None:
    with pytest.raises(DataRefused) as caught:
        check(lambda rows: rows.assign(temp=np.nan, carrier=None))
    assert sum("null throughout" in line for line in str(caught.value).splitlines()) == 6


def test_the_window_is_read_at_the_version_of_the_run(check: Check, config: ModelConfig) -> None:
    check()
    version = tables.table_version(config.name, "validated")
    assert version is not None
    with pytest.raises(DataRefused):
        check(lambda rows: rows.assign(temp=np.nan))
    assert validate_window(config, context(config, version)) == ()

"""Columns that can be done without: optional ones, and those that nothing uses. Told, null, and nobody's night lost."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from include.config.schema import ModelConfig
from include.data import tables
from include.validation.ingest import ingest
from include.validation.runner import validate
from include.validation.structure import unused_columns

DAY = date(2026, 3, 5)
KINDS = {
    "sold_on": "date",
    "order_id": "string",
    "price": "number",
    "size": "number",
    "discount": "string",
    "shop": "string",
    "returned": "integer",
}


def model(source: Path | str = "rows.parquet", **data: Any) -> ModelConfig:
    return ModelConfig.model_validate(
        {
            "name": "shop",
            "description": "d",
            "owner": "tests",
            "task": "binary",
            "data": {
                "source": {"kind": "files", "path": str(source), "format": "parquet"},
                "day": "sold_on",
                "key": ["order_id"],
                "label": "returned",
                "columns": KINDS,
                **data,
            },
            "features": {"numeric": ["price", "size"]},
            "validation": {
                "max_quarantined_share": 1,
                "rules": [{"expect": "ExpectColumnValuesToNotBeNull", "args": {"column": "shop"}}],
            },
            "training": {
                "train_days": 2,
                "validation_days": 1,
                "holdout_days": 1,
                "candidates": [{"name": "one", "estimator": "LogisticRegression"}],
            },
        }
    )


def rows(**columns: Any) -> pd.DataFrame:
    own = {"sold_on": DAY, "price": 2.5, "size": 1.5, "discount": "x", "shop": "a", "returned": 0}
    return pd.DataFrame({"order_id": list("abc"), **own, **columns})


def failed(config: ModelConfig, frame: pd.DataFrame) -> dict[str, tuple[str, int]]:
    return {one.rule: (one.severity, one.failed) for one in validate(config, frame, [DAY]).failures}


def test_what_nothing_uses_is_known() -> None:
    assert unused_columns(model()) == {"discount"}  # a rule looks at the shop
    assert unused_columns(model(protected=["discount"])) == set()


@pytest.mark.parametrize(("name", "data"), [("size", {"optional": ["size"]}), ("discount", {})])
def test_an_absent_column_that_can_be_done_without_is_told_and_null(
    state: Path, tmp_path: Path, name: str, data: dict[str, Any]
) -> None:
    source = tmp_path / "rows.parquet"
    config = model(source, **data)
    rows().drop(columns=name).to_parquet(source)
    result = ingest(config, DAY, DAY)
    assert [(one.validated, one.quarantined, one.refused) for one in result.days] == [(3, 0, False)]
    assert [(one.rule, one.severity) for one in result.failures] == [(f"column_missing:{name}", "warn")]
    stored = tables.read("shop", "validated", [name, "price"])
    assert stored[name].isna().all() and stored["price"].tolist() == [2.5] * 3
    rows().to_parquet(source)
    assert ingest(config, DAY, DAY).failures == ()
    assert tables.read("shop", "validated", [name])[name].notna().all()


@pytest.mark.parametrize("name", ["price", "shop", "order_id", "returned"])
def test_an_absent_column_that_is_used_refuses_the_day(name: str) -> None:
    outcome = validate(model(), rows().drop(columns=name), [DAY])
    assert list(outcome.refused_days) == [DAY] and len(outcome.quarantine) == 3


def test_another_type_sets_a_row_aside_only_where_the_column_is_used() -> None:
    config = model(columns={**KINDS, "discount": "number"})
    mixed = pd.Series(["much", 1.5, None], dtype=object)
    assert failed(config, rows(discount=mixed, price=mixed)) == {
        "column_type:discount": ("warn", 1),
        "column_type:price": ("quarantine_row", 1),
    }
    alone = validate(config, rows(discount=mixed), [DAY])
    assert alone.quarantine.empty and alone.accepted["discount"].isna().tolist() == [True, False, True]
    [told] = alone.failures
    assert "much" in told.detail and "null" in told.detail


@pytest.mark.parametrize("name", ["sold_on", "order_id", "returned", "nowhere"])
def test_what_a_row_cannot_be_without_is_not_optional(name: str) -> None:
    with pytest.raises(ValidationError, match=r"data\.optional"):
        model(optional=[name])

from __future__ import annotations

from collections.abc import Callable

import pytest
from nightshift.factory import build_dags

from include.config.schema import ModelConfig

QUERY = "select * from sales"


@pytest.mark.parametrize(
    ("source", "looks_back"),
    [
        ({"kind": "files", "path": "sales.csv"}, False),
        ({"kind": "files", "path": "{day}.csv"}, True),
        ({"kind": "delta", "path": "sales"}, False),
        ({"kind": "python", "module": "flights"}, True),
        ({"kind": "sql", "url": "sqlite:///s.db", "query": QUERY}, False),
        ({"kind": "sql", "url": "sqlite:///s.db", "query": f"{QUERY} where at < :next_day"}, True),
    ],
)
def test_a_snapshot_is_only_asked_for_days_where_its_source_looks_back(
    sales: Callable[..., ModelConfig], source: dict[str, str], looks_back: bool
) -> None:
    ingest = next(dag for dag in build_dags(sales(source)) if dag.dag_id == "sales__ingest")
    told = ingest.params.get_param("start").description
    assert str(told).startswith("First day to ingest" if looks_back else "Leave empty")

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from include.config.loader import config_json, parse_config_json
from include.config.schema import ModelConfig
from include.errors import ConfigError

Sales = Callable[..., ModelConfig]
SOURCE = {"kind": "files", "path": "sales.csv"}
COLUMNS = {"sold_on": "date", "shop": "string", "units": "integer", "price": "number", "returned": "integer"}


def refused(sales: Sales, **data: Any) -> list[str]:
    with pytest.raises(ConfigError) as error:
        sales(SOURCE, **data)
    return error.value.faults


@pytest.mark.parametrize("name", ["day", "Day", "row_key", "ROW_KEY", "rows_snapshot", "snapshot_day", "nightshift_x"])
@pytest.mark.parametrize("kind", ["date", "integer"])
def test_a_name_of_ours_is_refused_with_the_lines_that_mend_it(sales: Sales, name: str, kind: str) -> None:
    (fault,) = refused(sales, day="sold_on", columns={**COLUMNS, name: kind})
    assert "our tables' own columns" in fault
    told = re.search(r"declare (?P<column>\S+: \w+) .* data\.named: (?P<named>\{.*?\})", fault)
    assert told is not None, fault
    columns, named = yaml.safe_load(told["column"]), yaml.safe_load(told["named"])
    config = sales(SOURCE, day="sold_on", columns={**COLUMNS, **columns}, named=named)
    assert config.data.named == {f"source_{name}": name}


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ({"time": "day", "columns": {**COLUMNS, "day": "timestamp"}}, "day"),
        ({"day": "day", "columns": {**COLUMNS, "day": "timestamp"}}, "day"),
        ({"time": "at", "columns": {**COLUMNS, "at": "timestamp", "day": "date"}}, "day"),
        ({"columns": {**COLUMNS, "snapshot_day": "date"}}, "snapshot_day"),
        ({"day": "row_key", "columns": {**COLUMNS, "row_key": "date"}}, "row_key"),
    ],
)
def test_a_day_that_is_not_the_sources_hides_no_column_of_it(sales: Sales, data: dict[str, Any], name: str) -> None:
    (fault,) = refused(sales, **data)
    assert f"write data.named: {{source_{name}: {name}}}" in fault


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ({"row_key": "key"}, "data.named.row_key: 'row_key' is a name of our tables' own columns"),
        ({"cost": "price"}, "data.named.cost: column 'cost' is not in data.columns"),
        ({"units": "price"}, "'price' is in data.columns too"),
        ({"units": "number", "price": "number"}, "'number' cannot have two names"),
    ],
)
def test_names_that_cannot_be_told_apart_are_refused(sales: Sales, named: dict[str, str], expected: str) -> None:
    found = refused(sales, day="sold_on", named=named)
    assert any(expected in fault for fault in found), found


def test_a_day_of_the_source_has_one_name(sales: Sales) -> None:
    columns = {"day": "date", "other": "date", **COLUMNS}
    assert "'day' is in data.columns too" in refused(sales, day="day", columns=columns, named={"other": "day"})[0]


@pytest.mark.parametrize("data", [{"day": "day"}, {"time": "at"}, {}])
def test_configurations_stored_with_their_own_day_are_read_again(sales: Sales, data: dict[str, Any]) -> None:
    more = {"day": "date"} if "day" in data else {"at": "timestamp"} if "time" in data else {}
    config = sales(SOURCE, columns={**COLUMNS, **more}, **data)
    assert parse_config_json(config_json(config)) == config


def test_a_personal_name_of_the_source_asks_under_every_name(sales: Sales) -> None:
    columns = {**COLUMNS, "contact": "string"}
    found = refused(sales, day="sold_on", columns=columns, named={"contact": "email"})
    assert any("looks by its name like an e-mail address" in fault for fault in found)

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from html.parser import HTMLParser

import pandas as pd

from include.config.schema import ModelConfig
from include.validation.page import safe_fragment
from include.validation.runner import validate

DAY = date(2013, 3, 1)
ATTACK = "<script>alert(1)</script><img src=x onerror=alert(2)>"


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def tags_of(page: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = _Tags()
    parser.feed(page)
    return parser.tags


def test_values_of_the_data_are_escaped(flight_delay: ModelConfig, day: pd.DataFrame) -> None:
    day.loc[0, "origin"] = ATTACK
    day[f"extra{ATTACK}"] = 1
    day["distance"] = day["distance"].astype(object)
    day.loc[1, "distance"] = ATTACK
    page = validate(flight_delay, day, [DAY]).html
    assert {tag for tag, _ in tags_of(page)}.isdisjoint({"script", "img", "a", "link", "iframe"})
    assert (
        page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 3
    )  # the rule's example, GX's table, the type's example


def test_the_page_loads_nothing(flight_delay: ModelConfig, day: pd.DataFrame) -> None:
    page = validate(flight_delay, day.drop(columns="temp"), [DAY]).html
    loading = {"src", "href", "style", "onclick", "id"}
    assert all(loading.isdisjoint(attributes) for _, attributes in tags_of(page))
    assert "http" not in re.sub(r"http-equiv", "", page)


def test_the_page_says_what_was_refused_and_why(flight_delay: ModelConfig, two_days: pd.DataFrame) -> None:
    two_days.loc[two_days["flight_date"] == DAY, "origin"] = "ABQ"
    page = validate(flight_delay, two_days, [DAY, date(2013, 3, 2)]).html
    assert "1,723 rows read, 958 rows set aside, 1 of 2 days refused." in page
    assert "100.0% of its rows (958 of 958) were set aside" in page
    assert "ExpectColumnValuesToBeInSet:origin" in page
    assert "values must belong to this set" in page  # Great Expectations' own words
    assert "ABQ" in page


def test_a_missing_column_is_shown_among_the_expectations(flight_delay: ModelConfig, day: pd.DataFrame) -> None:
    whole = validate(flight_delay, day, [DAY]).html
    lacking = validate(flight_delay, day.drop(columns="temp"), [DAY]).html
    assert "fa-times" not in whole.split("</style>")[1]
    assert lacking.split("</style>")[1].count("fa-times") == 1


def test_an_exception_shows_its_message_and_no_path(with_rules: Callable[..., ModelConfig], day: pd.DataFrame) -> None:
    rule = ("ExpectColumnMeanToBeBetween", {"column": "carrier", "min_value": 1}, "refuse_day")
    page = validate(with_rules(rule), day, [DAY]).html
    assert "Cannot perform reduction" in page
    assert "site-packages" not in page


def test_quantiles_do_not_break_the_page(with_rules: Callable[..., ModelConfig], day: pd.DataFrame) -> None:
    ranges = {"quantiles": [0.5], "value_ranges": [[0, 1]]}
    args = {"column": "distance", "quantile_ranges": ranges}
    outcome = validate(with_rules(("ExpectColumnQuantileValuesToBeBetween", args, "refuse_day")), day, [DAY])
    assert set(outcome.refused_days) == {DAY}
    assert "quantiles must be within" in outcome.html


def test_a_fragment_keeps_allowed_tags_and_loses_everything_else() -> None:
    fragment = (
        '<table id="t" onclick="x()"><tr><td class="a b" style="x">1 &lt; 2</td></tr></table><a href="u">more</a>'
        '<div class="card collapse"><div>hidden</div></div><script>x</script><td>open'
    )
    assert safe_fragment(fragment) == (
        '<table><tr><td class="a b">1 &lt; 2</td></tr></table>&lt;script&gt;x&lt;/script&gt;<td>open</td>'
    )

"""What a data scientist would say of a table: its key, what each column is, what gives the label away, the windows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from include.authoring.names import counts_rows, sounds_like_code, sounds_like_key
from include.authoring.profile import Profile, profile
from include.authoring.spans import spans_of
from include.data.splits import LEAST_ROWS
from include.errors import ConfigError

KINDS = {"i": "integer", "f": "number", "M": "date", "O": "string", "b": "boolean", "U": "string"}


def found(rows: pd.DataFrame, target: str = "y", **more: Any) -> Profile:
    kinds: dict[str, Any] = {name: KINDS.get(rows[name].dtype.kind, "string") for name in rows.columns}
    kinds |= {name: "timestamp" for name in more.pop("stamps", ())}
    return profile(rows, kinds, target, **more)


def panel(days: int = 200, items: int = 6) -> pd.DataFrame:
    """Sales of stores by day: a store's number names it, and its sales hang on it."""
    random = np.random.default_rng(0)
    rows = pd.DataFrame(
        [(day, store) for day in pd.date_range("2025-01-01", periods=days) for store in range(1, items + 1)],
        columns=["day of sale", "store"],
    )
    rows["price"] = random.gamma(3, 5, len(rows)).round(2)
    rows["y"] = (rows["store"] % 6 * 10 + random.normal(0, 5, len(rows))).round(3)
    return rows


@pytest.mark.parametrize(
    ("name", "key", "code", "index"),
    [
        ("order_id", True, True, False),
        ("customerID", True, True, False),
        ("customerid", True, True, False),
        ("InvoiceNo", True, True, False),
        ("no_of_children", False, False, False),
        ("number_of_rooms", False, False, False),
        ("paid", False, False, False),
        ("humid", False, False, False),
        ("grid", False, False, False),
        ("store", False, True, False),
        ("zip", False, True, False),
        ("StoreType", False, True, False),
        ("n_stores", False, False, False),
        ("price", False, False, False),
        ("Unnamed: 0", False, False, True),
        ("", False, False, True),
        ("rownames", False, False, True),
        ("...1", False, False, True),
    ],
)
def test_names_say_what_is_a_key_a_code_or_a_row_index(name: str, key: bool, code: bool, index: bool) -> None:
    assert (sounds_like_key(name), sounds_like_code(name), counts_rows(name)) == (key, code, index)


def test_the_item_of_a_panel_is_key_and_feature() -> None:
    one = found(panel(), time="day of sale")
    assert one.key == ("store",) and not one.numbered
    assert one.categorical == ("store",) and one.numeric == ("price",)
    many = found(panel(40, 60), time="day of sale")
    assert many.key == ("store",) and many.target_encoded == ("store",)


def test_pairs_and_triples_name_rows_where_no_column_does() -> None:
    pair = found(panel())
    assert set(pair.key) == {"store", "day of sale"} and pair.items
    three = pd.concat([panel(60).assign(product=name) for name in ("ale", "beer", "cider")], ignore_index=True)
    assert set(found(three).key) == {"store", "day of sale", "product"}
    assert set(found(three, time="day of sale").key) == {"store", "product"}


def test_what_is_unique_by_accident_names_nothing() -> None:
    random = np.random.default_rng(1)
    rows = pd.DataFrame(
        {
            "price": random.normal(size=300),
            "population": random.permutation(10**6)[:300],
            "half": [float("inf"), *random.normal(size=299)],
            "y": random.normal(size=300),
        }
    )
    one = found(rows)
    assert one.numbered and one.key == ("row_number",)


def test_a_column_may_be_called_row_number() -> None:
    rows = panel().drop(columns="store").assign(row_number=1.5)
    rows["row_number"] += np.arange(len(rows)) % 7
    assert found(rows).key == ("row_number_2",)


@pytest.mark.parametrize("name", ["Unnamed: 0", "index", "X"])
@pytest.mark.parametrize("time", [None, "day of sale"])
def test_a_row_index_is_neither_feature_nor_ranged(name: str, time: str | None) -> None:
    rows = panel().drop(columns="store")
    rows.insert(0, name, range(len(rows)))
    one = found(rows, time=time)
    assert one.key == (name,) and name not in one.numeric
    assert name in found(panel().assign(**{name: range(1200)}), time=time).left_out


def test_rows_cannot_be_counted_where_the_newest_stand_first() -> None:
    rows = panel().drop(columns="store")[::-1].reset_index(drop=True)
    with pytest.raises(ConfigError, match=r"newest rows stand first.*--key"):
        found(rows, time="day of sale")
    mixed = found(rows.sample(frac=1, random_state=0).reset_index(drop=True), time="day of sale")
    assert mixed.numbered and any("order" in note for note in mixed.notes)


def test_rows_that_are_equal_throughout_are_counted_and_said() -> None:
    rows = panel()
    few = found(pd.concat([rows, rows[5:6]], ignore_index=True), time="day of sale")
    assert few.key == ("store",) and any("1 of 1,201 rows equal" in note for note in few.notes)
    many = found(pd.concat([rows, rows], ignore_index=True).sort_values("day of sale"), time="day of sale")
    assert many.numbered and any("too many" in note for note in many.notes)


def test_codes_are_names_and_counters_are_nothing() -> None:
    random = np.random.default_rng(2)
    rows = pd.DataFrame(
        {
            "n": range(1, 1001),
            "zip": random.integers(10000, 10400, 1000),
            "dept": random.integers(1, 9, 1000),
            "customer_id": random.permutation(1000) + 5000,
            "rooms": random.integers(1, 9, 1000),
            "y": random.normal(size=1000),
        }
    )
    one = found(rows)
    assert one.key == ("customer_id",)
    assert one.numeric == ("rooms",) and one.categorical == ("dept",) and one.target_encoded == ("zip",)
    assert "counts the rows" in one.left_out["n"]


@pytest.fixture
def sold() -> pd.DataFrame:
    random = np.random.default_rng(3)
    late = random.random(2000) < 0.3
    return pd.DataFrame({"order_id": range(2000), "x": random.normal(size=2000), "y": late.astype(int)})


def leaking(rows: pd.DataFrame, **columns: Any) -> set[str]:
    return set(found(rows.assign(**columns)).suspects)


def test_a_table_without_leaks_has_no_suspects(sold: pd.DataFrame) -> None:
    random = np.random.default_rng(4)
    harmless = {"city": random.choice(list("abcdef"), 2000), "z": random.normal(size=2000) + sold["y"]}
    assert leaking(sold, **harmless) == set()


def test_text_of_many_values_gives_the_label_away(sold: pd.DataFrame) -> None:
    random = np.random.default_rng(5)
    places = random.integers(0, 300, 2000)
    sold["y"] = (places * 7919 % 101 < 30).astype(int)
    assert leaking(sold, place=[f"p{place}" for place in places]) == {"place"}


def test_what_is_only_filled_in_afterwards_gives_the_label_away(sold: pd.DataFrame) -> None:
    random = np.random.default_rng(6)
    some = (sold["y"] == 1) & (random.random(2000) < 0.5)
    returned = pd.Series(pd.Timestamp("2025-01-01"), index=sold.index) + pd.to_timedelta(range(2000), unit="D")
    assert leaking(sold, returned=returned.where(some)) == {"returned"}
    reason = pd.Series(random.choice(["broken", "late"], 2000), dtype=object).where(some, None)
    assert leaking(sold, reason=reason) == {"reason"}
    often = random.random(2000) < 0.5
    assert leaking(sold, phoned=returned.where(often)) == set(), "filled in for both classes alike"


def test_columns_that_make_up_the_label_together_are_suspects(sold: pd.DataFrame) -> None:
    random = np.random.default_rng(7)
    a, b, noise = random.gamma(2, 5, (3, 2000))
    rows = sold.assign(a=a, b=b, noise=noise)
    assert set(found(rows.assign(y=a + b)).suspects) == {"a", "b"}
    assert set(found(rows.assign(y=a - 3 * b)).suspects) == {"a", "b"}
    assert set(found(rows.assign(y=a * b)).suspects) == {"a", "b"}
    assert set(found(rows.assign(y=(a > b).astype(int))).suspects) == {"a", "b"}
    assert found(rows.assign(y=a + b + noise + random.normal(size=2000))).suspects == {}


def test_a_copy_of_the_label_is_a_suspect(sold: pd.DataFrame) -> None:
    copy = np.where(sold["y"] == 1, "JA", "NEIN")
    assert leaking(sold, copy=copy, almost=sold["y"] * 2.0) == {"copy", "almost"}
    rows = sold.assign(y=np.random.default_rng(8).gamma(2, 9, 2000))
    assert set(found(rows.assign(cents=(rows["y"] * 100).round())).suspects) == {"cents"}


def test_many_columns_take_no_minutes() -> None:
    random = np.random.default_rng(9)
    rows = pd.DataFrame(random.normal(size=(400, 300)), columns=[f"c{number}" for number in range(300)])
    one = found(rows.assign(order_id=range(400), y=random.integers(0, 2, 400)))
    assert len(one.numeric) == 300


def test_dates_give_what_varies_and_a_short_history_what_must_move() -> None:
    rows = panel()
    rows["opened"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(len(rows)) % 700, unit="D")
    rows["trend"] = np.arange(len(rows)) // 6 * 3 + 7
    one = found(rows, time="day of sale")
    assert one.times == {"opened": ("day_of_week", "month"), "day of sale": ("day_of_week", "month")}
    assert {"day of sale_month", "trend"} <= set(one.moving) and "price" not in one.moving
    years = found(panel(900, 2), time="day of sale")
    assert "day of sale_month" not in years.moving


def test_what_is_empty_of_late_is_left_out() -> None:
    rows = panel()
    rows["gone"] = rows["price"].where(rows["day of sale"] < "2025-06-01")
    rows["new"] = rows["price"].where(rows["day of sale"] > "2025-07-15")
    one = found(rows, time="day of sale")
    assert one.numeric == ("price",)
    assert "last value is of 2025-05-31" in one.left_out["gone"]
    assert "first value is of 2025-07-16" in one.left_out["new"]


def test_labels_that_come_late_are_waited_for() -> None:
    rows = panel()
    rows["y"] = rows["y"].where(rows["day of sale"] < "2025-07-10")
    one = found(rows, time="day of sale")
    assert one.delay == 11 and any("11 days late" in note for note in one.notes)
    assert one.spans is not None and one.spans.edges["holdout"][1] == pd.Timestamp("2025-07-10")


@pytest.mark.parametrize(
    ("days", "per_day"),
    [
        (pd.date_range("2024-01-01", periods=700), 1),
        (pd.date_range("2024-01-01", periods=60), 5),
        (pd.bdate_range("2024-01-01", periods=500), 3),
        (pd.date_range("1990-01-01", periods=400, freq="MS"), 1),
        (pd.date_range("1952-01-01", periods=12, freq="5YS"), 142),
        (pd.date_range("2020-01-05", periods=150, freq="W"), 2),
        (pd.date_range("2024-01-01", periods=3), 50),
        (pd.date_range("2024-01-01", periods=1500), 300),
    ],
)
def test_windows_fit_the_history(days: pd.DatetimeIndex, per_day: int) -> None:
    moments = pd.Series(np.repeat(days.to_numpy(), per_day), name="when")
    spans = spans_of(moments)
    last = moments.max() + pd.Timedelta(days=1)
    for part in ("holdout", "validation", "train"):
        first = last - pd.Timedelta(days=spans.days[part])
        rows = int(((moments >= first) & (moments < last)).sum())
        assert rows == spans.rows[part] >= LEAST_ROWS, part
        last = first
    allowed = 0.1 if spans.missing_share is None else spans.missing_share
    assert spans.empty / spans.whole <= allowed < 1 and spans.worst <= max(0.5, allowed)


@pytest.mark.parametrize(("days", "per_day"), [(20, 2), (2, 500), (1, 40), (149, 1)])
def test_a_young_history_is_drafted_for_the_days_that_it_will_take(days: int, per_day: int) -> None:
    moments = pd.Series(np.repeat(pd.date_range("2024-01-01", periods=days).to_numpy(), per_day), name="when")
    spans = spans_of(moments)
    assert spans.young and not spans.edges
    assert all(rows >= LEAST_ROWS for rows in spans.rows.values())
    assert spans.whole == sum(spans.days.values()) > days


def test_a_draft_says_that_a_history_is_young_and_refuses_a_small_snapshot() -> None:
    young = found(panel(4), time="day of sale")
    note = "24 rows with a y on 4 days are too few to train on"
    assert [said for said in young.notes if said.startswith(note)]
    with pytest.raises(ConfigError, match="150 rows would do"):
        found(panel()[:149])


@pytest.mark.parametrize(
    ("label", "kind", "task", "said"),
    [
        (list("abcd") * 50, "string", "regression", "a regression predicts"),
        (list("abcd") * 50, "string", "binary", "4 values"),
        (list("ab") * 100, "string", "multiclass", "two values"),
        ([0.5, 1.5, 2.5, 3.5] * 50, "number", "multiclass", "fractions"),
        (list(pd.date_range("2024-01-01", periods=4)) * 50, "date", None, "dates"),
        ([f"v{number}" for number in range(200)], "string", None, "too many for classes"),
        ([None] * 200, "string", None, "no value"),
        (["a"] * 200, "string", None, "nothing to learn"),
    ],
)
def test_a_target_that_cannot_be_is_refused(label: list[Any], kind: Any, task: Any, said: str) -> None:
    rows = pd.DataFrame({"x": np.random.default_rng(0).normal(size=200), "y": label})
    with pytest.raises(ConfigError, match=said):
        profile(rows, {"x": "number", "y": kind}, "y", task=task)


def test_rare_classes_are_said() -> None:
    rows = panel().assign(y=["usual", "other"] * 598 + ["rare"] * 4)
    one = found(rows, time="day of sale")
    assert one.task == "multiclass" and any("'rare' (4)" in note for note in one.notes)

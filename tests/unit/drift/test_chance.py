"""The null of a snapshot, in small; `benchmarks/snapshots.py` is the long form."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from include.config.monitoring import DriftConfig
from include.contracts import DriftFinding
from include.drift import chance
from include.drift.distances import Kind, tally

KINDS: dict[str, Kind] = {
    **{f"n{number}": "numeric" for number in range(4)},
    **{f"c{number}": "categorical" for number in range(3)},
}
RULES = DriftConfig()
TRAINED, UNSEEN = 480, 320
DRAWS = chance.draws_needed(KINDS.values(), RULES.false_discovery_rate)


def table(seed: int, rows: int = TRAINED + UNSEEN) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame: dict[str, np.ndarray] = {f"n{number}": rng.normal(size=rows) for number in range(3)}
    frame["n3"] = rng.lognormal(0, 1.5, rows)
    for number, kinds in enumerate((3, 30, 600)):  # of the last, most rows have a kind of their own
        frame[f"c{number}"] = np.array([f"k{kind}" for kind in rng.integers(0, kinds, rows)], dtype=object)
    return pd.DataFrame(frame)


def null_of(train: pd.DataFrame) -> chance.Drawn:
    reference = {name: chance.pooled(tally(kind, train[name]), train[name])[0] for name, kind in KINDS.items()}
    return chance.build(reference, dict.fromkeys(KINDS, UNSEEN), TRAINED + UNSEEN, DRAWS)


def look(
    null: chance.Drawn, train: pd.DataFrame, tonight: pd.DataFrame, rules: DriftConfig = RULES
) -> list[DriftFinding]:
    sides = {name: chance.pooled(tally(kind, train[name]), tonight[name]) for name, kind in KINDS.items()}
    reference, current = ({name: side[place] for name, side in sides.items()} for place in (0, 1))
    return chance.judge(null, reference, current, null.rows, rules)


def test_tables_without_a_change_do_not_alarm_and_their_p_values_are_honest() -> None:
    """Ten tables, each dealt by chance into two parts. Draws of one side alone tell a quarter of them at 5 %."""
    alarms, told = 0, []
    for seed in range(10):
        frame = table(seed)
        train, unseen = frame.iloc[:TRAINED], frame.iloc[TRAINED:]
        found = look(null_of(train), train, unseen)
        alarms += any(one.alarm for one in found)
        told += [one.p < 0.05 for one in found if one.measure == "distance"]
    assert alarms == 0 and np.mean(told) < 0.15


@pytest.mark.parametrize("column", ["n0", "n3", "c0", "c2"])
def test_a_change_in_every_row_or_in_new_keys_alone_is_seen(column: str) -> None:
    frame = table(1)
    train, unseen = frame.iloc[:TRAINED], frame.iloc[TRAINED:]
    null = null_of(train)
    moved = unseen[column] * 2 + 1 if KINDS[column] == "numeric" else unseen[column].where(unseen.index % 3 > 0, "new")
    assert {one.column for one in look(null, train, unseen.assign(**{column: moved})) if one.alarm} == {column}


def test_one_outlier_of_a_skewed_column_is_no_alarm() -> None:
    """A single row moves the distance by more than the floor; draws from the training rows do not know its value."""
    frame = table(1)
    train, unseen = frame.iloc[:TRAINED], frame.iloc[TRAINED:]
    odd = unseen.assign(n3=unseen["n3"].where(unseen.index > TRAINED, 600.0))
    found = [one for one in look(null_of(train), train, odd) if (one.column, one.measure) == ("n3", "distance")]
    assert found[0].effect > found[0].floor and found[0].p > 0.01 and not found[0].alarm


def test_one_measure_alone_can_alarm_at_the_declared_rate() -> None:
    needed = chance.draws_needed(KINDS.values(), RULES.false_discovery_rate)
    watched = 1 + 4 * 3 + 3 * 4
    assert needed == watched / RULES.false_discovery_rate
    assert watched / (needed + 1) <= RULES.false_discovery_rate  # its q-value, where no draw is as large
    assert chance.draws_needed(list(KINDS.values()) * 100, 0.001) == chance.MOST_DRAWS


def test_a_p_value_is_the_rank_among_the_draws_and_never_too_small() -> None:
    values = np.random.default_rng(0).gamma(3.0, size=5000)
    kept = chance._tail(values)
    assert len(kept.values) < 200
    for value in (0.1, 1.0, 3.0, 8.0, 30.0):
        exact = (1 + (values >= value).sum()) / 5001
        assert exact * 0.999 <= kept.p_value(value) <= exact * 1.07 + 1e-3
    assert kept.usual == pytest.approx(np.quantile(values, 0.95), rel=0.01)


def test_the_null_comes_back_from_its_file_and_only_for_the_same_settings() -> None:
    train = table(2).iloc[:TRAINED]
    null = null_of(train)
    text = chance.to_json(null, "draws")
    again = chance.from_json(text, "draws")
    assert chance.from_json(text, "others") is None and len(text) < 60_000
    tonight = table(3).iloc[:UNSEEN]
    assert again is not None and look(again, train, tonight) == look(null, train, tonight)


def test_a_table_that_grows_a_little_needs_no_new_draws() -> None:
    assert chance.level(1030) == chance.level(1200) <= 1030 and chance.level(2000) > chance.level(1030)
    assert all(0.8 * rows < chance.level(rows) <= rows for rows in (20, 100, 333, 7000, 20_000))

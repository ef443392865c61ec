from __future__ import annotations

import logging
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from include.config.schema import ModelConfig
from include.data import tables
from include.errors import PermanentError
from include.scoring import loader
from include.scoring.batch import PREDICTIONS, score
from include.scoring.rows import score_rows
from include.tracking import registry
from include.validation import labels
from tests.unit.served import MODEL, ROWS_A_DAY, rows_of, write

NIGHT = date(2024, 3, 5)


def predictions(role: str = "champion") -> pd.DataFrame:
    return tables.read(MODEL, PREDICTIONS, where={"role": role})


def versions_by_day(role: str = "champion") -> dict[str, int]:
    return predictions(role).groupby("day")["version"].first().to_dict()


def days(*numbers: int) -> tuple[date, ...]:
    return tuple(date(2024, 3, number) for number in numbers)


class Picky:
    """A pipeline that raises on some rows and gives another a score that is no number."""

    def __init__(self, bad: set[int], nan: int) -> None:
        self.bad, self.nan, self.calls = bad, nan, 0

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        self.calls += 1
        if bad := self.bad & set(rows["weight"].astype(int)):
            raise ValueError(f"weight {min(bad)} is not known")
        scores = np.where(rows["weight"] == self.nan, np.nan, 0.25)
        return np.column_stack([1 - scores, scores])


def test_before_the_first_release_nothing_is_scored_and_nothing_fails(
    unreleased: ModelConfig, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        result = score(unreleased, NIGHT)
    assert (result.versions, result.rows, result.scored_days) == ({}, 0, ())
    assert "no champion yet" in caplog.text
    assert predictions().empty


def test_the_days_before_the_night_are_scored_by_both_and_only_once(served: ModelConfig) -> None:
    result = score(served, NIGHT)
    assert result.versions == {"champion": 1, "challenger": 2}
    assert result.scored_days == (date(2024, 2, 29), *days(1, 2, 3, 4))  # the holdout's last day: never trained on
    assert result.rows == 2 * 5 * ROWS_A_DAY and result.rows_failed == 0
    champion, challenger = predictions(), predictions("challenger")
    assert sorted(champion["row_key"]) == sorted(challenger["row_key"])
    assert champion["row_key"].is_unique and champion["score"].between(0, 1).all() and champion["error"].isna().all()
    assert set(champion["night"]) == {NIGHT}
    before = tables.table_version(MODEL, PREDICTIONS)
    again = score(served, NIGHT)
    assert again.scored_days == () and again.rows == 0
    assert tables.table_version(MODEL, PREDICTIONS) == before


def test_a_day_that_was_validated_again_is_replaced_whole(served: ModelConfig) -> None:
    score(served, NIGHT)
    write(rows_of(days(3), seed=9).head(50), days(3))
    result = score(served, NIGHT)
    assert result.scored_days == days(3)
    stored = predictions()
    assert (stored["day"] == "2024-03-03").sum() == 50
    assert set(stored.loc[stored["day"] == "2024-03-03", "snapshot"]) == {
        tables.partition_snapshots(MODEL, "validated")["2024-03-03"]
    }
    assert (stored["day"] == "2024-03-02").sum() == ROWS_A_DAY


def test_days_that_the_former_champion_scored_stay_as_they_were_served(served: ModelConfig) -> None:
    score(served, NIGHT)
    registry.set_champion(MODEL, 2, 1)
    later = score(served, NIGHT + timedelta(days=1))
    assert later.scored_days == days(5) and later.versions == {"champion": 2}  # no shadow: it is the challenger
    assert versions_by_day()["2024-03-04"] == 1 and versions_by_day()["2024-03-05"] == 2
    by_hand = score(served, NIGHT + timedelta(days=1), start=days(4)[0])
    assert by_hand.scored_days == days(4)
    assert versions_by_day()["2024-03-04"] == 2 and versions_by_day()["2024-03-03"] == 1


def test_days_that_a_version_was_trained_or_chosen_on_are_scored_by_hand_only(served: ModelConfig) -> None:
    trained = loader.training(MODEL, 1)
    assert (trained.train.start, trained.validation.end) == (date(2024, 2, 6), date(2024, 2, 21))
    night = date(2024, 2, 24)  # looks back to 19 February, of which 22 and 23 are the holdout's
    assert score(served, night).scored_days == (date(2024, 2, 22), date(2024, 2, 23))
    first, last = date(2024, 2, 19), date(2024, 2, 20)
    assert score(served, night, first, last).scored_days == (first, last)
    assert score(served, date(2024, 2, 6)).scored_days == ()  # a night before it was trained


def test_scores_do_not_depend_on_what_is_known_only_afterwards(served: ModelConfig) -> None:
    score(served, NIGHT)
    before = predictions().set_index("row_key")["score"]
    day = days(4)
    changed = tables.read(MODEL, "validated", days=(day[0], day[0])).drop(columns="day")
    write(changed.assign(late=1 - changed["late"], hours_late=99.0), day)
    assert score(served, NIGHT).scored_days == day
    after = predictions().set_index("row_key")["score"]
    pd.testing.assert_series_equal(before.sort_index(), after.sort_index())


def test_a_row_that_cannot_be_scored_has_no_score_and_a_reason(served: ModelConfig) -> None:
    rows = pd.DataFrame({"weight": np.arange(100.0), "queue": 0.0, "depot": "north", "shift": 1, "depot_rate_3d": 0.5})
    picky = Picky({17, 60}, nan=80)
    scores, errors = score_rows(picky, rows, served)  # type: ignore[arg-type]
    assert {row for row, error in enumerate(errors) if error} == {17, 60, 80} == set(np.flatnonzero(np.isnan(scores)))
    assert errors[17] == "ValueError: weight 17 is not known" and "nan" in str(errors[80])
    assert (np.delete(scores, [17, 60, 80]) == 0.25).all()
    assert picky.calls < 40  # halves, not rows one by one


def test_failed_rows_are_stored_with_their_reason(served: ModelConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    picky = Picky({1}, nan=10_000)
    rows = rows_of(days(4))
    write(rows.assign(weight=np.where(rows["number"] == 7, 1.0, 0.0)), days(4))
    monkeypatch.setattr(loader, "load", lambda model, version: picky)
    result = score(served, NIGHT, days(4)[0])
    assert result.rows_failed == 2  # one by each role
    stored = predictions()
    failed = stored[stored["score"].isna()]
    assert list(failed["row_key"]) == ["2024-03-04|7"]
    assert list(failed["error"]) == ["ValueError: weight 1 is not known"]
    assert len(stored) == ROWS_A_DAY and stored["error"].notna().sum() == 1


def test_a_challenger_that_cannot_be_used_stops_nothing(
    served: ModelConfig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    load = loader.load

    def only_the_champion(model: str, version: int) -> object:
        if version == 2:
            raise PermanentError("no such model file")
        return load(model, version)

    monkeypatch.setattr(loader, "load", only_the_champion)
    result = score(served, NIGHT)
    assert result.versions == {"champion": 1} and result.rows == 5 * ROWS_A_DAY
    assert "challenger version 2" in caplog.text and "no such model file" in caplog.text


def test_a_version_is_scored_with_the_features_that_it_was_trained_with(served: ModelConfig) -> None:
    edited = served.model_copy(update={"features": served.features.model_copy(update={"numeric": ("weight",)})})
    assert score(edited, NIGHT).rows_failed == 0
    assert predictions()["score"].nunique() > ROWS_A_DAY


def test_days_that_do_not_exist_yet_cannot_be_named(served: ModelConfig) -> None:
    with pytest.raises(PermanentError, match=r"start=2024-03-05 .* nor after 2024-03-04"):
        score(served, NIGHT, NIGHT)
    with pytest.raises(PermanentError, match="start must not be after end"):
        score(served, NIGHT, days(4)[0], days(3)[0])
    assert score(served, NIGHT, days(3)[0], date(2024, 12, 1)).scored_days == days(3, 4)


def test_many_days_take_one_commit_a_role(served: ModelConfig) -> None:
    score(served, NIGHT, days(4)[0])
    before = tables.table_version(MODEL, PREDICTIONS)
    result = score(served, NIGHT, date(2024, 2, 22), days(4)[0])
    assert before is not None and tables.table_version(MODEL, PREDICTIONS) == before + 2
    assert len(result.scored_days) == 12 and result.rows == 2 * 12 * ROWS_A_DAY
    assert predictions().groupby("day").size().eq(ROWS_A_DAY).all()


def test_a_night_before_any_data_scores_nothing(served: ModelConfig) -> None:
    assert score(served, date(2023, 1, 1)).rows == 0


def test_a_label_that_came_late_does_not_let_a_newer_champion_score_the_day_again(
    served: ModelConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    score(served, NIGHT)
    registry.set_champion(MODEL, 2, 1)
    before = predictions().sort_values("row_key", ignore_index=True)
    known = tables.read(MODEL, "validated", ["sent", "number"], (date(2024, 3, 1), date(2024, 3, 4)))
    monkeypatch.setattr(labels, "read_labels", lambda config, start, end: known.assign(late=1))
    assert sum(day.corrected for day in labels.refresh_labels(served, NIGHT).days) > 100
    assert score(served, NIGHT).scored_days == ()
    pd.testing.assert_frame_equal(predictions().sort_values("row_key", ignore_index=True), before)

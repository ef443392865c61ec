from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from include.config.schema import ModelConfig
from include.contracts import DayRange
from include.data import tables, windows
from include.drift import compare_days
from include.replay import plan as planned
from include.replay import pool
from include.replay.history import History, Place
from include.replay.leaks import check_leaks, spread
from include.replay.nights import Night, train_night
from include.replay.page import page
from include.replay.plan import Plan
from include.replay.run import Replayed, Request, Silent, decide, replay
from include.replay.store import Store


@pytest.fixture(scope="module")
def trained(plan: Plan, place: Place, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Every night of the stretch, trained once in this process."""
    store, rows = Store(tmp_path_factory.mktemp("nights")), History.load(plan.config, place, plan.days)
    for night in plan.nights:
        store.keep(train_night(plan.config, rows, night))
    return store


@pytest.fixture(scope="module")
def state_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def replayed(plan: Plan, place: Place, trained: Store, state_folder: Path) -> Iterator[Replayed]:
    """A whole replay on nights that are trained already; MLflow's address answers nobody."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHTSHIFT_STATE", str(state_folder))
        patch.setenv("NIGHTSHIFT_TABLES", place.root)
        patch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        planned.nights_folder(plan.config).parent.mkdir(parents=True)
        planned.nights_folder(plan.config).symlink_to(trained.folder)
        yield replay(Request({"policy": plan}))[0]


def test_a_turn_of_the_world_is_seen_and_met(replayed: Replayed, plan: Plan) -> None:
    one = replayed.outcome
    assert [night.night for night in one.nights] == plan.nights
    assert one.nights[0].verdict == "promoted" and one.nights[0].rule == "first_release"
    assert one.promotions, "versions that have seen more of the turn take the champion's place"
    told = [item.later for item in one.promotions if item.later]
    assert told and all(later.difference > 0 and later.low is not None for later in told)
    assert one.worse_later == 0 and any(item.later is None for item in one.promotions), "the last are too young"
    policy, never, always = (one.mean_weekly[name] for name in ("policy", "never", "always"))
    assert policy is not None and never is not None and always is not None
    assert never < policy and one.share_kept == pytest.approx((policy - never) / (always - never))
    refused = [night for night in one.nights if night.verdict == "refused"]
    assert refused and all(night.gates for night in refused) and sum(one.refusals.values()) >= len(refused)
    assert one.compute.nights == len(plan.nights) and one.compute.trained_now == 0


def test_the_champion_serves_from_the_day_of_its_own_night(replayed: Replayed, plan: Plan, place: Place) -> None:
    """What is scored as served is what the stored pipeline of that night's champion says of that day's rows."""
    rows = History.load(plan.config, place, plan.days)
    nights, records = decide(plan, rows, replayed.store)
    champion = {one.night: one.champion for one in records}
    assert [one.day for one in nights.served] == plan.nights[:-1]
    for one in nights.served:
        number = champion[one.day]
        assert number is not None
        made = nights.state.version(number).trained
        expected = replayed.store.pipeline(made.night, made.estimator).predict_proba(
            rows.day(plan.config, one.day)[list(plan.config.features.names)]
        )[:, 1]
        np.testing.assert_array_equal(one.scores["policy"], expected)
        assert np.isfinite(one.y).all()


def test_nothing_outside_the_replay_s_folder_is_written(
    replayed: Replayed, live: Path, state_folder: Path, place: Place
) -> None:
    assert {path.name for path in state_folder.iterdir()} == {"replays"}
    assert tables.table_version("parcels", windows.VALIDATED) == place.version
    assert tables.table_version("parcels", "predictions") is tables.table_version("parcels", "releases") is None


def test_what_was_trained_is_not_trained_again(
    plan: Plan, place: Place, live: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted after two nights: they are kept whole, the third run trains nothing, and a half-written night counts
    as none."""
    short = Plan(plan.config, plan.first, plan.first + timedelta(days=3))
    store = Store(planned.nights_folder(short.config))

    class Interrupt(Silent):
        done = 0

        def stage(self, title: str, total: int) -> Callable[[], None]:
            def tick() -> None:
                self.done += 1
                if "training" in title and self.done == 2:
                    raise KeyboardInterrupt

            return tick

    with pytest.raises(KeyboardInterrupt):
        replay(Request({"policy": short}, processes=1), Interrupt())
    kept = sorted(path.stem for path in store.folder.glob("*.json"))
    assert 2 <= len(kept) <= 4, "the night under way ends, and is kept"
    (store.folder / f"{kept[0]}.json").write_text("{")
    finished = replay(Request({"policy": short}, processes=1))[0].outcome
    assert finished.compute.trained_now == 4 - len(kept) + 1
    monkeypatch.setattr(pool, "ProcessPoolExecutor", None)  # no process is started when nothing is due
    again = replay(Request({"policy": short}))[0].outcome
    assert again.compute.trained_now == 0
    assert again.nights == finished.nights and again.weekly == finished.weekly


def test_other_rules_ask_the_same_nights(plan: Plan, place: Place, trained: Store, history: History) -> None:
    """With alpha so large and so small that the verdicts differ; nothing is trained."""
    seen = []
    for alpha in (0.49, 1e-9):
        against = plan.config.release.against_champion.model_copy(update={"alpha": alpha})
        release = plan.config.release.model_copy(update={"against_champion": against})
        other = Plan(plan.config.model_copy(update={"release": release}), plan.first, plan.first + timedelta(days=8))
        _, records = decide(other, history, trained)
        seen.append(sum(one.verdict == "promoted" for one in records))
    assert seen[0] > seen[1] == 1


def test_harm_asks_for_a_night_that_the_schedule_leaves_out(plan: Plan, place: Place, trained: Store) -> None:
    schedule = plan.config.schedule.model_copy(update={"retrain": "0 3 1 * *"})
    other = Plan(plan.config.model_copy(update={"schedule": schedule}), plan.first, plan.last)
    assert other.scheduled == [plan.first]
    rows = History.load(other.config, place, other.days)
    _, records = decide(other, rows, trained)
    asked = [one for one in records if one.requested]
    assert asked and all(one.look and one.look.harm and one.look.request for one in asked)
    assert len(asked) < len(records) - 1
    assert all(one.verdict == "no run" for one in records[1:] if not one.requested)


def test_no_leak_is_found_where_there_is_none(plan: Plan, place: Place, trained: Store) -> None:
    assert check_leaks(plan, place, trained, [plan.first + timedelta(days=3)]) == []


@pytest.mark.parametrize("how", ["trains on a day too many", "knows labels early", "looks at tomorrow"])
def test_a_planted_leak_is_caught(
    plan: Plan, place: Place, trained: Store, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Each leak is one that code could have: a window one day too far, a label before it arrived, a look ahead."""
    night = plan.first + timedelta(days=3)
    train = train_night
    honest = windows.read_rows
    if how == "trains on a day too many":

        def train(config: ModelConfig, rows: History, night: date) -> Night:
            made = train_night(config, rows, night + timedelta(days=1))
            return Night(made.trained.model_copy(update={"night": night}), made.holdout, made.first_day, made.stored)

    elif how == "knows labels early":
        early = lambda config, days, as_of, *args, **kwargs: honest(  # noqa: E731
            config, DayRange(start=days.start, end=min(days.end, as_of - timedelta(days=1))), date.max, *args, **kwargs
        )
        monkeypatch.setattr(windows, "read_rows", early)
        # The window must end on a label that has not arrived, which honest rows leave out.
        shifted = windows.training_windows
        monkeypatch.setattr(
            windows, "training_windows", lambda config, as_of: shifted(config, as_of + timedelta(days=1))
        )
    else:
        recent = compare_days.recent_rows
        monkeypatch.setattr(
            compare_days,
            "recent_rows",
            lambda config, declared, night, read: recent(config, declared, night + timedelta(days=1), read),
        )
    leaks = check_leaks(plan, place, trained, [night], train)
    assert leaks and all(leak.changed == night for leak in leaks)
    assert "saw the future" in leaks[0].told()


def test_the_checked_nights_are_spread_over_the_stretch(plan: Plan) -> None:
    assert [night.day for night in spread(plan.nights)] == [2, 9, 17]
    assert len(spread(plan.nights[:1])) == 1


def test_a_night_that_cannot_train_says_why_and_the_next_goes_on(plan: Plan, history: History, tmp_path: Path) -> None:
    lost = date(2024, 2, 2)
    holed = History("parcels", history.table, {day: digest for day, digest in history.there.items() if day != lost})
    short = Plan(plan.config, plan.first, date(2024, 2, 6))
    _, records = decide(short, holed, Store(tmp_path))
    verdicts = {one.night.day: one.verdict for one in records}
    assert verdicts[4] == "not trained" and verdicts[6] != "not trained"  # day 2 is the last labelled one on night 4
    assert "2024-02-02" in next(one.reasons[0] for one in records if one.night.day == 4)


def test_the_page_opens_without_a_network_and_shows_text_as_text(replayed: Replayed) -> None:
    evil = "<script>alert(1)</script>"
    one = replayed.outcome
    nights = tuple(night.model_copy(update={"candidate": evil, "gates": (evil,)}) for night in one.nights)
    promotions = tuple(item.model_copy(update={"candidate": evil}) for item in one.promotions)
    outcome = one.model_copy(
        update={"name": evil, "nights": nights, "promotions": promotions, "refusals": {evil: 3}, "rows_from": evil}
    )
    text = page([outcome, one])
    assert "<script" not in text and "&lt;script&gt;" in text
    assert 'src="http' not in text and "@import" not in text and 'href="http' not in text
    assert text.count("<svg") == 4, "two policies, each with its metric and its map of drift"


def test_the_command_runs_checks_and_writes(
    live: Path, flight_delay: ModelConfig, smaller_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from include.cli import app

    monkeypatch.setenv("NIGHTSHIFT_MODELS", str(smaller_model(live / "models")))
    sets = ["training.train_days=5", "training.validation_days=2", "training.holdout_days=4", "features.rates=[]"]
    sets += [
        "training.candidates=[{name: prior, estimator: DummyClassifier}, {name: lr, estimator: LogisticRegression}]"
    ]
    sets += ["monitoring.expected_to_move=[]", "release.min_holdout_rows=2000", "release.thresholds=[]"]
    stretch = ["--from", "2013-06-20", "--to", "2013-06-21"]
    command = ["replay", "flight_delay", *stretch, *(part for one in sets for part in ("--set", one))]
    done = CliRunner().invoke(app, [*command, "--data", "source", "--check-leaks", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert told["leaks"] == [] and told["policies"][0]["compute"]["trained_now"] == 2
    whole = json.loads(Path(told["page"]).with_name("replay.json").read_text())
    assert len(whole["policies"][0]["nights"]) == 2
    assert Path(told["page"]).read_text().startswith("<!doctype html>")
    wrong = CliRunner().invoke(app, [*command, "--set", "release.alpha=0.1"])
    assert wrong.exit_code == 1

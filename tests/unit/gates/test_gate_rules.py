"""Which rule a version is judged by, and the gates beside the scores: each with the danger that it is there for."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from include.config.schema import ModelConfig
from include.contracts import GateDecision, GateResult
from include.evidence.paired_difference import Interval
from include.gates.decide import decide
from include.gates.inputs import Facts, HoldoutScores, Live, Replay
from include.release.gather import judgements_in_a_year, scheduled_in_a_year

GOLDEN = Replay(np.array([0.1, 0.7]), np.array([0.1, 0.7]))
STALE = {"after_days": 30, "live_loss": 0.03, "margin": 0.05}


def _rows(noise: dict[str, float], days: int = 14, a_day: int = 100, seed: int = 0) -> HoldoutScores:
    """Models that see the same signal through noise of their own: more noise, a worse model."""
    rng = np.random.default_rng(seed)
    count = days * a_day
    signal = rng.normal(size=count)
    y = (rng.random(count) < 1 / (1 + np.exp(-2 * signal))).astype(float)
    seen = {
        role: 1 / (1 + np.exp(-(2 * signal + rng.normal(0, size, count)))) if size is not None else None
        for role, size in noise.items()
    }
    day = np.repeat(np.datetime64("2024-01-01", "D") + np.arange(days), a_day)
    return HoldoutScores(
        y, day, seen["challenger"], seen.get("champion"), anchor=seen.get("anchor"), baseline={"rate": 0.5}
    )


def _with(config: ModelConfig, **release: object) -> ModelConfig:
    return ModelConfig.model_validate(
        {**config.model_dump(), "release": {**config.release.model_dump(), "resamples": 400, **release}}
    )


def _judge(config: ModelConfig, rows: HoldoutScores, facts: Facts, champion: int | None = 3) -> GateDecision:
    return decide(config, 4, champion, rows, GOLDEN, facts)


def _gate(decision: GateDecision, name: str) -> GateResult:
    return next(gate for gate in decision.gates if gate.name == name)


def _failed(decision: GateDecision) -> list[str]:
    return [gate.name for gate in decision.gates if not gate.passed]


EQUAL = {"challenger": 0.5, "champion": 0.5}


def test_a_fresh_champion_is_replaced_only_by_a_better_one_and_a_stale_one_by_one_that_is_not_worse(config):
    stale = _with(config, stale_champion=STALE)
    fresh = _judge(stale, _rows(EQUAL), Facts(champion_age_days=29, anchor_version=3))
    assert (fresh.verdict, fresh.rule, _failed(fresh)) == ("refuse", "superiority", ["against_champion"])
    old = _judge(stale, _rows(EQUAL), Facts(champion_age_days=30, anchor_version=3))
    assert (old.verdict, old.rule, old.anchor_version) == ("promote", "non_inferiority", 3)
    assert "version 3 is 30 nights old, and stale after 30" in _gate(old, "against_champion").sentence
    assert "The anchor is the champion itself" in _gate(old, "against_anchor").sentence


def test_small_losses_cannot_creep_past_the_anchor(config):
    """Not worse than a champion that lost a little itself is not enough."""
    stale = _with(config, stale_champion=STALE)
    rows = _rows({"challenger": 2.5, "champion": 2.5, "anchor": 0.2})
    decision = _judge(stale, rows, Facts(champion_age_days=60, anchor_version=1))
    assert decision.verdict == "refuse"
    assert _failed(decision) == ["against_anchor"]
    assert _gate(decision, "against_anchor").sentence.startswith("Worse than version 1 by more than 0.05")
    gone = replace(rows, anchor=None, anchor_fault="OSError: gone")
    assert "the anchor (version 1) is possible: it could not score" in " ".join(
        _judge(stale, gone, Facts(champion_age_days=60, anchor_version=1)).reasons
    )
    nameless = _judge(stale, rows, Facts(champion_age_days=60))
    assert _failed(nameless) == ["against_anchor"]


@pytest.mark.parametrize(
    ("high", "rule"), [(0.64, "non_inferiority"), (0.68, "superiority")], ids=["surely fallen", "perhaps fallen"]
)
def test_only_a_live_metric_that_has_surely_fallen_makes_a_champion_stale(config, high, rule):
    live = Live(0.7, Interval(0.6, 0.55, high, 0.9), 5000, date(2024, 1, 1), date(2024, 1, 14))
    decision = _judge(
        _with(config, stale_champion=STALE),
        _rows(EQUAL),
        Facts(champion_age_days=5, live=live, anchor_version=3),
    )
    assert decision.rule == rule
    assert ("was 0.7000 at its release" in _gate(decision, "against_champion").sentence) == (rule != "superiority")


def test_a_yearly_budget_is_shared_among_the_nights_and_no_more_are_judged(config):
    shared = _with(config, against_champion={"metric": "roc_auc", "alpha_per_year": 0.2})
    rows = _rows({"challenger": 0.2, "champion": 3.0})
    last = _judge(shared, rows, Facts(earlier_judgements=99, judgements_a_year=100))
    assert last.verdict == "promote"
    assert last.alpha == pytest.approx(0.002)
    assert "judgement 100 in 365 days, of 100" in _gate(last, "alpha_budget").sentence
    assert last.evidence[0].confidence == pytest.approx(1 - 2 * 0.002)
    spent = _judge(shared, rows, Facts(earlier_judgements=100, judgements_a_year=100))
    assert _failed(spent) == ["alpha_budget"]
    assert scheduled_in_a_year("0 3 * * *", date(2024, 6, 1)) == 365
    assert scheduled_in_a_year("0 3 * * 1", date(2024, 6, 1)) == 52


def test_one_holdout_cannot_be_tried_until_it_yields(config):
    rows = _rows({"challenger": 0.2, "champion": 3.0})
    few = _with(config, max_holdout_uses=2)
    assert _judge(few, rows, Facts(earlier_uses=1)).verdict == "promote"
    again = _judge(few, rows, Facts(earlier_uses=2))
    assert _failed(again) == ["holdout_uses"]
    assert "use 3 of 2" in again.reasons[0]


def test_what_a_person_took_back_does_not_return_by_itself(config):
    rows = _rows({"challenger": 0.2, "champion": 3.0})
    decision = _judge(config, rows, Facts(taken_back="Version 2, the same, was rolled back by ann: wrong prices."))
    assert _failed(decision) == ["not_taken_back"]
    assert "by ann: wrong prices" in decision.reasons[0]


def test_cost_is_bounded_and_what_was_not_measured_is_refused(config):
    bounded = _with(config, max_scoring_ms_per_1000_rows=50, max_model_mb=2)
    rows = _rows({"challenger": 0.2, "champion": 3.0})
    cheap = _judge(bounded, rows, Facts(scoring_ms=49.0, model_mb=1.5))
    assert cheap.verdict == "promote"
    assert _gate(cheap, "scoring_latency").margin == pytest.approx(1.0)
    dear = _judge(bounded, rows, Facts(scoring_ms=51.0, cost_fault="OSError: gone"))
    assert _failed(dear) == ["scoring_latency", "model_size"]
    assert "51 ms; only allowed are 50 ms" in dear.reasons[0]
    assert "unknown number of MB: OSError: gone" in dear.reasons[1]


def test_skill_is_measured_against_a_constant_prediction(config):
    rows = _rows({"challenger": 0.2})
    some = _with(config, thresholds=[{"metric": "log_loss", "min_skill": 0.1}])
    decision = _judge(some, rows, Facts(), champion=None)
    gate = _gate(decision, "log_loss_skill")
    assert gate.passed
    assert 0.1 < gate.judged < gate.value < 1
    unskilled = replace(rows, challenger=np.full(len(rows.y), rows.y.mean()))
    assert _failed(_judge(some, unskilled, Facts(), champion=None)) == ["log_loss_skill", "against_constant"]
    assert "rate is not known" in _judge(some, replace(rows, baseline={}), Facts(), champion=None).reasons[0]


def test_calibration_has_a_bound_of_its_own_that_ranking_cannot_buy(config):
    rows = _rows({"challenger": 0.2})
    bounded = _with(config, thresholds=[{"metric": "expected_calibration_error", "max": 0.1}])
    assert _judge(bounded, rows, Facts(), champion=None).verdict == "promote"
    overconfident = replace(rows, challenger=np.clip(rows.challenger, 0.45, 0.55) * 0.2)
    refused = _judge(bounded, overconfident, Facts(), champion=None)
    assert "expected_calibration_error_max" in _failed(refused)


def _sliced(hurt: float, small: int = 0) -> HoldoutScores:
    """Rows of three depots; in one of them the model's score is noise for a share `hurt` of the rows."""
    rows = _rows({"challenger": 0.2}, a_day=300)
    rng = np.random.default_rng(1)
    depot = rng.choice(["north", "south", "east"], len(rows.y)).astype(object)
    spoiled = (depot == "south") & (rng.random(len(rows.y)) < hurt)
    scores = np.where(spoiled, rng.random(len(rows.y)), rows.challenger)
    depot[:small] = "island"
    return replace(rows, challenger=scores, columns={"depot": depot})


def _slices(config: ModelConfig, **more: object) -> ModelConfig:
    declared = {"column": "queue", "metric": "roc_auc", "max_gap": 0.1, "min_rows": 100} | more
    with_depot = config.model_dump()
    with_depot["release"] |= {"slices": [declared | {"column": "depot"}], "resamples": 400}
    return ModelConfig.model_validate(with_depot)


def test_a_group_that_is_served_worse_refuses_a_model_that_is_good_on_average(config):
    fair = _judge(_slices(config), _sliced(hurt=0.0), Facts(), champion=None)
    assert fair.verdict == "promote", fair.reasons
    assert {found.value for found in fair.slices} == {"north", "south", "east"}
    assert all(found.protected for found in fair.slices)
    unfair = _judge(_slices(config), _sliced(hurt=0.8), Facts(), champion=None)
    assert _failed(unfair) == ["slice_depot_roc_auc"]
    assert "depot south is served worse" in unfair.reasons[0]
    unsure = _judge(_slices(config, max_gap=0.005), _sliced(hurt=0.0), Facts(), champion=None)
    assert unsure.reasons[0].startswith("Insufficient evidence that every value of depot")


def test_a_group_too_small_to_judge_goes_to_a_person_even_where_approval_is_automatic(config):
    decision = _judge(_slices(config), _sliced(hurt=0.0, small=40), Facts(), champion=None)
    assert decision.verdict == "promote"
    assert len(decision.ask_person) == 1
    assert "island (40 rows, fewer than 100)" in decision.ask_person[0]
    island = next(found for found in decision.slices if found.value == "island")
    assert island.high is None
    none = _judge(_slices(config, min_rows=100_000), _sliced(hurt=0.9), Facts(), champion=None)
    assert none.verdict == "promote"
    assert none.ask_person[0].startswith("No value of depot has enough rows")
    assert (
        _judge(_slices(config), _rows({"challenger": 0.2}), Facts(), champion=None)
        .reasons[0]
        .startswith("The holdout rows have no column depot")
    )


@pytest.mark.parametrize("metric", ["selection_rate", "recall", "false_positive_rate"])
def test_rates_of_groups_are_held_to_a_gap_either_way(config, metric):
    rows = _sliced(hurt=0.0)
    pushed = replace(rows, challenger=np.where(rows.columns["depot"] == "south", 0.9, rows.challenger))
    decision = _judge(_slices(config, metric=metric, max_gap=0.15), pushed, Facts(), champion=None)
    assert _failed(decision) == [f"slice_depot_{metric}"]


def test_approval_is_asked_for_when_the_model_file_says_so_and_never_for_a_refusal(config):
    better = _rows({"challenger": 0.2, "champion": 3.0})
    first = _with(config, approval="first_release")
    always = _with(config, approval="always")
    assert len(_judge(first, better, Facts(), champion=None).ask_person) == 1
    assert _judge(first, better, Facts()).ask_person == ()
    assert len(_judge(always, better, Facts()).ask_person) == 1
    refused = _judge(always, _rows({"challenger": 3.0, "champion": 0.2}), Facts())
    assert (refused.verdict, refused.ask_person) == ("refuse", ())


def test_a_declared_entity_replaces_the_day_as_what_rows_depend_on(config):
    by_customer = config.model_dump()
    by_customer["data"]["columns"]["customer"] = "string"
    by_customer["release"] |= {"cluster_by": "customer", "resamples": 400}
    entity = ModelConfig.model_validate(by_customer)
    rows = _rows(EQUAL)
    customers = np.arange(len(rows.y)) % 70
    decision = _judge(entity, replace(rows, clusters=customers.astype(str)), Facts())
    assert decision.evidence[0].clusters == 70
    few = _judge(entity, replace(rows, clusters=np.where(customers < 35, "a", "b")), Facts())
    assert "2 customers" in _gate(few, "against_champion").sentence


def test_with_evidence_from_the_shadow_the_holdout_compares_with_nobody_but_the_anchor(config):
    """A trial scores the champion alone, so a row of small losses can be seen only where the anchor is scored."""
    tried = _with(config, evidence="shadow", shadow={"bound": 0.1}, stale_champion=STALE)
    worse = {"challenger": 3.0, "champion": 0.3}
    fresh = _judge(tried, _rows(worse), Facts(champion_age_days=1, anchor_version=3))
    assert (fresh.verdict, fresh.rule, fresh.evidence) == ("trial", "superiority", ())
    assert "goes on trial against version 3" in fresh.reasons[0] and not _failed(fresh)
    stale = Facts(champion_age_days=30, anchor_version=1)
    crept = _judge(tried, _rows({**worse, "anchor": 0.3}), stale)
    assert (crept.verdict, crept.rule, _failed(crept)) == ("refuse", "non_inferiority", ["against_anchor"])
    held = _judge(tried, _rows({**EQUAL, "anchor": 0.5}), stale)
    assert (held.verdict, len(held.evidence)) == ("trial", 1)


def test_models_that_cannot_score_go_on_no_trial(config):
    tried = _with(config, evidence="shadow", thresholds=[])
    for rows in (_rows({"challenger": None, "champion": 0.5}), _rows({"challenger": 0.5, "champion": None})):
        refused = _judge(tried, rows, Facts())
        assert (refused.verdict, _failed(refused)) == ("refuse", ["against_champion"])
        assert "possible" in refused.reasons[0]


def test_a_years_budget_is_shared_among_the_trials_that_fit_in(config):
    tried = _with(config, evidence="shadow", shadow={"min_nights": 14})
    assert judgements_in_a_year(config, date(2024, 1, 1)) == scheduled_in_a_year("0 3 * * *", date(2024, 1, 1))
    assert judgements_in_a_year(tried, date(2024, 1, 1)) == 27

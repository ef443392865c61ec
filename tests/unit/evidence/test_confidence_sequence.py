"""A trial's arithmetic: capital worked by hand, limits that agree with calls, and order that does not matter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from include.evidence import confidence_sequence
from include.evidence.confidence_sequence import CALLS, Plan, calls, log_capital, lower_limits, sequence

PLAN = Plan(bound=0.05, alpha=0.01, futility_alpha=0.1, least=0.0, worth=0.005, min_nights=7, max_nights=90)


def nights(mean: float, sd: float, count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, sd, count)


def test_the_capital_is_that_of_a_calculation_by_hand() -> None:
    """Half the bound, then minus a fifth of it, against 0: factors 1 + c / 2, then 1 - c / 5."""
    by_hand = [
        (1.0625 + 1.125 + 1.25 + 1.475) / 4,
        (1.0625 * 0.975 + 1.125 * 0.95 + 1.25 * 0.9 + 1.475 * 0.81) / 4,
    ]
    assert np.exp(log_capital(np.array([0.025, -0.01]), 0.0, 0.05)) == pytest.approx(by_hand, rel=1e-12)
    # against a mean of 0.01 a night of 0.025 gains 0.015 on the 0.06 that could be lost: a quarter
    against = (1 + 0.125 / 4 + 1 + 0.25 / 4 + 1 + 0.5 / 4 + 1 + 0.95 / 4) / 4
    assert np.exp(log_capital(np.array([0.025]), 0.01, 0.05)) == pytest.approx([against], rel=1e-12)


def test_a_night_counts_with_no_more_than_the_bound() -> None:
    wild, tame = np.array([0.01, -0.8, 0.9]), np.array([0.01, -0.05, 0.05])
    assert log_capital(wild, 0.0, 0.05) == pytest.approx(log_capital(tame, 0.0, 0.05))
    assert np.exp(log_capital(np.array([-1.0]), 0.0, 0.05))[0] == pytest.approx(1 - (0.125 + 0.25 + 0.5 + 0.95) / 4)


def test_no_bet_is_expected_to_gain_under_the_claim() -> None:
    """Exactly, for every two-point night of mean m: the factor's expectation is 1, and below it under a lower mean."""
    for mean in (-0.02, 0.0, 0.03):
        low, high = -0.05, 0.05
        chance = (mean - low) / (high - low)
        factors = np.exp([log_capital(np.array([end]), mean, 0.05)[0] for end in (high, low)])
        assert chance * factors[0] + (1 - chance) * factors[1] == pytest.approx(1.0, rel=1e-12)
        assert (chance - 0.1) * factors[0] + (1.1 - chance) * factors[1] < 1


def test_a_week_that_evens_out_is_no_lead() -> None:
    """Sure leads on two weekdays, sure losses on five, 0 over the week: no capital is made from week to week."""
    weeks = np.tile([-0.004] * 5 + [0.01] * 2, 50)
    assert log_capital(weeks, 0.0, 0.05)[6::7].max() <= 0


def test_the_order_of_the_nights_changes_nothing_in_the_end() -> None:
    """A night whose labels come late counts as if it had come in time."""
    seen = nights(0.01, 0.02, 30)
    late = np.concatenate([np.delete(seen, 3), seen[3:4]])
    assert log_capital(seen, 0.0, 0.05)[-1] == pytest.approx(log_capital(late, 0.0, 0.05)[-1], rel=1e-12)
    assert sequence(seen, PLAN).low[-1] == pytest.approx(sequence(late, PLAN).low[-1])


def test_limits_and_calls_are_two_sides_of_one_thing() -> None:
    reached = set()
    for seed, mean in enumerate([0.0, 0.015, -0.02, 0.03] * 3):
        seen = nights(mean, 0.015, 60, seed)
        found, looks = sequence(seen, replace(PLAN, max_nights=60)), calls(seen, replace(PLAN, max_nights=60))
        for index in range(6, 59):
            expected = "goes_on"
            if found.low[index] > 0:
                expected = "promote"
            elif found.high[index] < 0:
                expected = "worse"
            elif found.high[index] < PLAN.worth:
                expected = "futile"
            assert CALLS[looks[index]] == expected
            reached.add(expected)
        assert found.call == CALLS[looks[-1]] != "goes_on"
        assert (found.low <= found.means).all() and (found.means <= found.high).all()
    assert reached == {"goes_on", "promote", "worse", "futile"}


def test_nothing_ends_before_its_time_and_everything_in_time() -> None:
    sure = np.full(90, 0.05)
    looks = calls(sure, PLAN)
    capital = np.exp(log_capital(sure, 0.0, 0.05))
    assert capital[7] < 100 <= capital[8]  # 1.95 ** 9 / 4 is 102
    assert np.flatnonzero(looks == confidence_sequence.PROMOTE)[0] == 8
    eager = calls(sure, replace(PLAN, alpha=0.2))
    assert (eager[:6] == confidence_sequence.GOES_ON).all() and eager[6] == confidence_sequence.PROMOTE
    undecided = np.tile([0.05, -0.045], 45)
    assert set(calls(undecided, PLAN)[:89]) == {confidence_sequence.GOES_ON}
    assert sequence(undecided, PLAN).call == "spent"
    assert sequence(np.array([]), PLAN).call == "goes_on"


def test_non_inferiority_asks_for_no_lead_worth_having() -> None:
    """A model that is as good as the champion: futile where it must be better, promoted where it may be as good."""
    seen = nights(0.0, 0.01, 80)
    assert sequence(seen, PLAN).call == "futile"
    assert sequence(seen, replace(PLAN, least=-0.01)).call == "promote"
    assert sequence(seen - 0.03, replace(PLAN, least=-0.01)).call == "worse"


def test_the_limit_is_never_above_the_exact_one() -> None:
    seen = nights(0.01, 0.02, 40)
    low = lower_limits(seen, 0.05, 0.01)[-1]
    assert log_capital(seen, low, 0.05)[-1] >= -np.log(0.01) > log_capital(seen, low + 1e-9, 0.05)[-1]


def test_a_claim_outside_the_bound_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be judged"):
        log_capital(np.zeros(3), 0.06, 0.05)


def test_nights_that_go_on_into_the_next_are_told_from_those_that_do_not() -> None:
    draws = np.random.default_rng(2)
    chance = [confidence_sequence.lasting(draws.normal(0.01, 0.03, 60)) for _ in range(400)]
    assert 0.02 < np.mean([found > usual for found, usual in chance]) < 0.08
    assert confidence_sequence.lasting(np.array([1.0, 1.0, -1.0, -1.0])) == pytest.approx((0.25, 1.645 / 2), abs=1e-3)
    assert confidence_sequence.lasting(np.full(15, 0.05))[0] == 0


def test_nights_that_are_all_alike_still_need_a_lead() -> None:
    """The largest bet makes 1 / alpha of nothing less, in the nights that there are."""
    lead = confidence_sequence.smallest_detectable(np.zeros(5), PLAN)
    assert sequence(np.full(90, lead), replace(PLAN, max_nights=91)).call == "promote"
    assert sequence(np.full(90, 0.7 * lead), replace(PLAN, max_nights=91)).call != "promote"


def test_the_smallest_lead_that_is_seen_is_seen_four_times_in_five() -> None:
    """With bets that the bound does not keep small."""
    plan = replace(PLAN, bound=0.2, worth=0.005, alpha=0.05)
    lead = confidence_sequence.smallest_detectable(nights(0.0, 0.05, 4000), plan)
    draws = np.random.default_rng(1).normal(lead, 0.05, (400, 90))
    promoted = float((calls(draws, plan) == confidence_sequence.PROMOTE).any(axis=1).mean())
    assert 0.75 < promoted < 0.97

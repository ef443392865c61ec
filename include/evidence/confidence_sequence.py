"""Whether a challenger is better, looked at every night: a confidence sequence over nightly paired differences. Pure.

The method is testing by betting: Waudby-Smith and Ramdas (2024), "Estimating means of bounded random variables by
betting", Journal of the Royal Statistical Society B 86(1), 1-27, with one side of Theorem 3's hedged capital process
and constant bets, whose capitals are averaged (their "diversified Kelly betting").

Let D_1, D_2, ... be the differences, each within [-b, b]. Whoever claims that the challenger is no better than m on any
night claims E[D_t | the past] <= m. Against that claim, stake the share c of a capital of 1, night by night:

    K_t(c, m) = product over s <= t of (1 + c (D_s - m) / (b + m)),  0 < c < 1;    K_t(m) = mean of K_t(c, m) over c

No factor is negative and, under the claim, none is expected to be above 1: K_t(m) is a non-negative supermartingale
that starts at 1, and by Ville's inequality (1939) it reaches 1 / alpha on any night at all with a chance of at most
alpha. That needs no independence of nights, no distribution, and no number of nights fixed beforehand. K_t(m) falls as
m rises, so {m: K_t(m) < 1 / alpha} is an interval from L_t upwards: L_t is a lower confidence limit on all nights at
once. Upper limits are those of -D.

Constant bets, because the capital then does not depend on the order of the nights: a night whose labels come late
changes it as if it had come in time. And where the challenger is better on some weekdays and worse on others by a fixed
pattern that is 0 on average over the week, the claim is false on some nights, yet the product of a week's expected
factors stays at most 1 (the geometric mean is at most the arithmetic one): no capital is made from week to week.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.special import logsumexp
from scipy.stats import norm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FRACTIONS = np.array([0.125, 0.25, 0.5, 0.95])
"""Shares of the capital that are staked. The best one is near b * mean / variance, which nobody knows beforehand."""
Call = Literal["goes_on", "promote", "worse", "futile", "spent"]
CALLS: tuple[Call, ...] = ("goes_on", "promote", "worse", "futile", "spent")
GOES_ON, PROMOTE, WORSE, FUTILE, SPENT = range(len(CALLS))
STEPS = 40
"""Halvings of [-bound, bound] that find a limit."""
POWER = 0.8


@dataclass(frozen=True)
class Plan:
    """What ends a trial, declared before its first night.

    `bound` is the most that one night counts with. Promotion takes a lower limit at `alpha` above `least`: 0, or
    -margin where not being worse suffices. `worth` is the gain that giving up may miss with a chance of
    `futility_alpha`.
    """

    bound: float
    alpha: float
    futility_alpha: float
    least: float
    worth: float
    min_nights: int
    max_nights: int


@dataclass(frozen=True)
class Sequence:
    """After each night: mean of the bounded differences, limits, capital against "no better than `least`"; each (n,).

    `low` holds on all nights at once with confidence 1 - alpha, `high` with 1 - futility_alpha. `call` is what follows
    from the last night.
    """

    means: Floats
    low: Floats
    high: Floats
    capital: Floats
    call: Call
    smallest_detectable: float

    @property
    def p_value(self) -> float:
        """Of "no better than `least`", valid on all nights at once: one over the most that the capital has been."""
        return float(min(1.0, 1.0 / self.capital.max(initial=1.0)))


def log_capital(differences: Floats, mean: float, bound: float) -> Floats:
    """Logarithm of K_t(mean) after each night.

    Parameters
    ----------
    differences : (..., n) one for each night; what lies beyond [-bound, bound] counts as its end
    mean : the claim, in (-bound, bound)

    Returns
    -------
    (..., n) logarithms; 0 is the capital that the bets began with
    """
    if not -bound < mean < bound:
        raise ValueError(f"a mean of {mean:g} cannot be judged by differences within [-{bound:g}, {bound:g}]")
    gains = (np.clip(differences, -bound, bound) - mean) / (bound + mean)
    games = [np.log1p(fraction * gains).cumsum(axis=-1) for fraction in FRACTIONS]
    return np.asarray(logsumexp(games, axis=0) - np.log(len(FRACTIONS)))


def calls(differences: Floats, plan: Plan) -> NDArray[np.int8]:
    """What follows from each night if the trial has lasted until then: (..., n) indices into CALLS."""
    nights = np.arange(1, differences.shape[-1] + 1)
    surely, sure_enough = -np.log(plan.alpha), -np.log(plan.futility_alpha)
    promote = log_capital(differences, plan.least, plan.bound) >= surely
    worse = log_capital(-differences, -plan.least, plan.bound) >= sure_enough
    futile = np.zeros_like(worse)
    if plan.least == 0:
        futile = log_capital(-differences, -plan.worth, plan.bound) >= sure_enough
    ready = nights >= plan.min_nights
    conditions = [
        ready & promote,
        ready & worse,
        ready & futile,
        np.broadcast_to(nights >= plan.max_nights, ready.shape),
    ]
    return np.select(conditions, [PROMOTE, WORSE, FUTILE, SPENT], GOES_ON).astype(np.int8)


def sequence(differences: Floats, plan: Plan) -> Sequence:
    """The whole sequence of one trial, from its first night: (n,) differences, none yet being allowed."""
    bounded = np.clip(differences, -plan.bound, plan.bound)
    return Sequence(
        means=bounded.cumsum() / np.arange(1, len(differences) + 1),
        low=lower_limits(differences, plan.bound, plan.alpha),
        high=-lower_limits(-differences, plan.bound, plan.futility_alpha),
        capital=np.exp(log_capital(differences, plan.least, plan.bound)),
        call=CALLS[int(calls(differences, plan)[-1])] if len(differences) else "goes_on",
        smallest_detectable=smallest_detectable(bounded, plan),
    )


def lower_limits(differences: Floats, bound: float, alpha: float) -> Floats:
    """L_t after each night, (n,) for (n,) differences: every mean below it is rejected by the nights so far.

    By bisection, all nights at once; never above the exact limit, and -bound where nothing is rejected.
    """
    count = len(differences)
    bounded = np.clip(differences, -bound, bound)
    known = np.tri(count, dtype=bool)
    rejected, kept = np.full(count, -bound), np.full(count, bound)
    for _ in range(STEPS):
        middle = ((rejected + kept) / 2)[:, None]
        gains = np.where(known, (bounded - middle) / (bound + middle), 0.0)
        games = [np.log1p(fraction * gains).sum(axis=1) for fraction in FRACTIONS]
        beyond = logsumexp(games, axis=0) - np.log(len(FRACTIONS)) >= -np.log(alpha)
        rejected, kept = np.where(beyond, middle[:, 0], rejected), np.where(beyond, kept, middle[:, 0])
    return rejected


def lasting(bounded: Floats) -> tuple[float, float]:
    """Correlation of each night's difference with the next one's, and what chance alone exceeds in one of 20 trials.

    (n,) differences; of independent nights the correlation is about normal with variance 1 / n (Bartlett 1946). 0 where
    all nights are the same.
    """
    usual = float(norm.ppf(0.95) / np.sqrt(len(bounded)))
    if np.ptp(bounded) == 0:
        return 0.0, usual
    around = bounded - bounded.mean()
    return float(around[1:] @ around[:-1] / (around @ around)), usual


def smallest_detectable(bounded: Floats, plan: Plan) -> float:
    """The nightly lead over `least` that `max_nights` nights promote four times in five; nan for fewer than two nights.

    For bets near the best one the logarithm of the capital after n nights is about normal, with mean n g^2 / (2 s^2)
    and standard deviation sqrt(n) g / s, for a lead g and nights of standard deviation s; averaging costs log(4) at
    most. A lead below what the largest bet can turn into 1 / alpha is out of sight however alike the nights are.
    """
    if len(bounded) < 2:
        return float("nan")
    needed = np.log(len(FRACTIONS) / plan.alpha)
    quantile = float(norm.ppf(POWER))
    in_errors = quantile + np.sqrt(quantile**2 + 2 * needed)
    by_spread = in_errors * bounded.std(ddof=1) / np.sqrt(plan.max_nights)
    by_bound = (plan.bound + plan.least) * np.expm1(needed / plan.max_nights) / FRACTIONS[-1]
    return float(max(by_spread, by_bound))

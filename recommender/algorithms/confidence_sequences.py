"""Intervals that stay valid however often one looks.

A 95 % interval of the usual kind is right at one moment that was fixed beforehand. Who looks every day and stops at the
first interval without zero is wrong far more often than in 5 % of cases. Those here cover the truth at all moments at
once with 95 %, so that one may look at any time and stop at any time.

For an estimate d with variance v let the information be I = 1/v. The score S = d·I of an efficient estimate moves like
a Brownian motion in I, with drift equal to the effect (D. Scharfstein, A. Tsiatis, J. Robins: Semiparametric
efficiency and its implication on the design and analysis of group-sequential studies, JASA 92, 1997). Without an effect
exp(θS − θ²I/2) is a martingale for each θ, and so is its mean over θ ~ N(0, 1/r):

    M = √(r / (I + r)) · exp(S² / (2·(I + r))).

By Ville's inequality M ever reaches 1/α with probability α at most, hence at all times together, with 1 − α,

    |S| < √((I + r) · (log((I + r) / r) + 2·log(1/α))).

H. Robbins: Statistical methods related to the law of the iterated logarithm, Annals of Mathematical Statistics 41, 1970
(the mixture). S. Howard, A. Ramdas, J. McAuliffe, J. Sekhon: Time-uniform, nonparametric, nonasymptotic confidence
sequences, Annals of Statistics 49, 2021, section 3.2 (this boundary, as "two-sided normal mixture"). I. Waudby-Smith,
D. Arbour, R. Sinha, E. Kennedy, A. Ramdas: Time-uniform central limit theory and asymptotic confidence sequences,
Annals of Statistics 52, 2024 (estimated variances, as here). R. Johari, P. Koomen, L. Pekelis, D. Walsh: Always valid
inference: continuous monitoring of A/B tests, Operations Research 70, 2022 (the same as a test, mSPRT).

That the score is Brownian holds in the limit of many people. What holds with few is checked by simulation, and
``engagement_effects`` says from how many people on.
"""

from __future__ import annotations

import math

ALPHA = 0.05


def radius(variance: float, mixing: float, alpha: float = ALPHA) -> float:
    """How far the truth lies from the estimate at most: half the width of the interval.

    ``variance``: of the estimate; infinite where nothing is known. ``mixing``: r > 0, in units of information, fixed
    before the first look. ValueError for a variance below 0 or a mixing that is not above 0.
    """
    if variance < 0 or not mixing > 0 or math.isnan(variance):
        raise ValueError("a variance is at least 0, a mixing above 0")
    if math.isinf(variance):
        return math.inf
    if variance == 0:
        return 0.0
    # (I + r)/I² = v·(1 + r·v), and (I + r)/r = 1 + 1/(r·v).
    mixed = mixing * variance
    return math.sqrt(variance * (1 + mixed) * (math.log1p(1 / mixed) + 2 * math.log(1 / alpha)))


def interval(estimate: float, variance: float, mixing: float, alpha: float = ALPHA) -> tuple[float, float]:
    """The always-valid 1 − ``alpha`` interval; infinitely wide where the variance is infinite."""
    half = radius(variance, mixing, alpha)
    return estimate - half, estimate + half


def excludes_zero(estimate: float, variance: float, mixing: float, alpha: float = ALPHA) -> bool:
    """Whether one may stop: the interval has no zero in it."""
    return abs(estimate) > radius(variance, mixing, alpha)


def p_value(estimate: float, variance: float, mixing: float) -> float:
    """1/M, at most 1: it falls below α exactly where the 1 − α interval leaves zero. The smallest one of all looks so
    far is the always-valid p-value (Johari et al. 2022)."""
    if math.isinf(variance) or estimate == 0:
        return 1.0
    if variance == 0:
        return 0.0
    mixed = mixing * variance
    log_m = estimate**2 / (2 * variance * (1 + mixed)) - math.log1p(1 / mixed) / 2
    return min(1.0, math.exp(-log_m))


def _ratio(alpha: float) -> float:
    """(I + r)/r of the mixing that makes the interval narrowest at information I: the larger root of
    x = 1 + 2·log(1/α) + log x, which is −W₋₁(−α²/e) (Howard et al. 2021, on tuning)."""
    if not 0 < alpha < 1:
        raise ValueError("alpha lies between 0 and 1")
    x = constant = 1 - 2 * math.log(alpha)
    for _ in range(200):
        # The slope 1/x is below 1 above the root of x = 1: it contracts.
        x = constant + math.log(x)
    return x


def mixing_for_information(information: float, alpha: float = ALPHA) -> float:
    """The r under which the interval is narrowest when ``information`` (1/variance) has come in.

    At other times it is wider than it could be, but valid. The choice must not depend on the data of the experiment.
    """
    if not information > 0:
        raise ValueError("information is above 0")
    return information / (_ratio(alpha) - 1)


def information_for_effect(effect: float, alpha: float = ALPHA) -> float:
    """The information at which the narrowest interval is as wide as ``effect`` to each side: x/effect², since under the
    best mixing the radius is √(x/I)."""
    if effect == 0:
        raise ValueError("no amount of information tells nothing from nothing")
    return _ratio(alpha) / effect**2


def mixing_for_effect(effect: float, alpha: float = ALPHA) -> float:
    """The r for experiments whose smallest effect of interest is ``effect``: tuned to when that one would be found."""
    return mixing_for_information(information_for_effect(effect, alpha), alpha)


def lists_needed(
    estimate: float,
    variance: float,
    n_lists: int,
    mixing: float,
    alpha: float = ALPHA,
    *,
    effect: float | None = None,
) -> int | None:
    """How many more lists until the interval would exclude zero, if the effect stays as it is (or is ``effect``).

    Information is taken to grow in proportion to lists, as it does while people keep coming. 0 where an effect of this
    size would be clear by now; None where the effect is 0, or nothing is known of the variance.
    """
    assumed = abs(estimate if effect is None else effect)
    if assumed == 0 or n_lists <= 0 or not 0 < variance < math.inf:
        return None

    def clear(times: float) -> bool:
        return excludes_zero(assumed, variance / times, mixing, alpha)

    if clear(1.0):
        return 0
    short, long = 1.0, 2.0
    while not clear(long):
        short, long = long, 2 * long
    while (long - short) * n_lists > 0.5 and long - short > 1e-9 * long:
        middle = (short + long) / 2
        short, long = (short, middle) if clear(middle) else (middle, long)
    return math.ceil((long - 1.0) * n_lists)

"""Whether people were assigned to the arms as intended, watched from the first person on.

A sample ratio mismatch, say 45 to 55 where halves were meant, is the commonest sign that an experiment is broken:
people get lost on the way in one arm only, and then the arms differ in more than what is tested (A. Fabijan et al.:
Diagnosing sample ratio mismatch in online controlled experiments, KDD 2019).

M. Lindon, A. Malek: Anytime-valid inference for multinomial count data, NeurIPS 2022: the Bayes factor of
"some other shares", with a Dirichlet prior around the intended ones, against the intended ones. It is a martingale of
mean 1 while all is well, so it ever exceeds 1/α with probability α at most, however often one looks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

# A false alarm stops an experiment that is well: rarer than an effect's error.
ALPHA = 0.01
# The prior weighs as much as so many people: shares are expected some five points in a hundred off, if they are.
CONCENTRATION = 100.0


@dataclass(frozen=True)
class SampleRatio:
    """``log_evidence``: the natural logarithm of the e-value, which overflows itself. ``odds``: the e-value, which is
    the posterior odds of a mismatch if one was as likely as not."""

    log_evidence: float
    alpha: float

    @property
    def odds(self) -> float:
        return math.exp(self.log_evidence) if self.log_evidence < 700 else math.inf

    @property
    def warns(self) -> bool:
        return self.log_evidence >= math.log(1 / self.alpha)


def sample_ratio(
    counts: Sequence[int],
    shares: Sequence[float] | None = None,
    *,
    alpha: float = ALPHA,
    concentration: float = CONCENTRATION,
) -> SampleRatio:
    """``counts``: people in each arm so far. ``shares``: the intended ones, equal where not given.

    With a = concentration·share: log Γ(Σa)/Γ(Σa + n) + Σ log Γ(a + count)/Γ(a) − Σ count·log share. A warning stands
    once it was given: one looks at the largest so far. ValueError for fewer than two arms, counts below 0, or shares
    that are not positive or do not add up to 1.
    """
    shares = [1 / len(counts)] * len(counts) if shares is None else shares
    if len(counts) < 2 or len(shares) != len(counts) or min(counts) < 0:
        raise ValueError("at least two arms, each with people and a share")
    if min(shares) <= 0 or abs(sum(shares) - 1) > 1e-9:
        raise ValueError("shares are positive and add up to 1")
    evidence = math.lgamma(concentration) - math.lgamma(concentration + sum(counts))
    for count, share in zip(counts, shares, strict=True):
        prior = concentration * share
        evidence += math.lgamma(prior + count) - math.lgamma(prior) - count * math.log(share)
    return SampleRatio(evidence, alpha)

"""Whether an effect is there to stay: does the later half of an experiment show the same as the early half?

What is new is tried because it is new, and what is unusual is shunned at first; both pass (R. Kohavi, D. Tang, Y. Xu:
Trustworthy online controlled experiments, 2020, section 3, "threats to external validity"). An effect that fades is no
reason to decide, however sure it is.

It is a test for one look, to be taken when the experiment is over. The halves are those of the same people, who are
compared with themselves. An experiment that was stopped by its effect ends on a high, so that later halves look a
little stronger than they are: fading is then reported too rarely rather than too often.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from recommender.algorithms.engagement_effects import ArmsCompared, Effect, Preference
from recommender.algorithms.ratio_of_sums import variance_of

ALPHA = 0.05


@dataclass(frozen=True)
class Novelty:
    """``change``: the later half's effect less the early half's. ``p_value``: two-sided, of no change."""

    early: Effect
    later: Effect
    change: Effect
    p_value: float
    alpha: float

    @property
    def warns(self) -> bool:
        """Whether the effect changed by more than chance; never where too few people came in either half."""
        enough = self.early.has_enough_people and self.later.has_enough_people
        return enough and self.p_value < self.alpha

    @property
    def fades(self) -> bool:
        """Whether it warns of an effect that was stronger at first, or has turned round since."""
        return self.warns and self.change.estimate * self.early.estimate < 0


def novelty(early: ArmsCompared | Preference, later: ArmsCompared | Preference, alpha: float = ALPHA) -> Novelty:
    """Compares two halves, each by ``ab_effect`` or by ``interleaving_effect`` over the same people in the same order.

    People who came in one half only stand in both, without lists in the other. The variance of the change is taken over
    people, each one's influence on the early half being set off against theirs on the later one, so that their being
    themselves in both does not count as chance. ValueError where the people are not the same.
    """
    if early.influences.shape != later.influences.shape:
        raise ValueError("both halves are of the same people")
    first, second = _effect(early), _effect(later)
    n_people = max(first.n_people, second.n_people)
    known = math.isfinite(first.variance) and math.isfinite(second.variance)
    change = Effect(
        second.estimate - first.estimate,
        variance_of(later.influences - early.influences, n_people) if known else math.inf,
        n_people,
        first.n_lists + second.n_lists,
        min(first.effective_people, second.effective_people),
    )
    p_value = math.erfc(abs(change.estimate) / math.sqrt(2 * change.variance)) if known else 1.0
    return Novelty(first, second, change, p_value, alpha)


def _effect(half: ArmsCompared | Preference) -> Effect:
    return half.difference if isinstance(half, ArmsCompared) else half.effect

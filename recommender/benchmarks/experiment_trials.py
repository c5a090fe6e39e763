"""Experiments on the made-up crowd of ``simulated_people``, each from its own seed: what was seen at each look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.confidence_sequences import excludes_zero
from recommender.algorithms.engagement_effects import Effect, ab_effect, interleaving_effect
from recommender.algorithms.off_policy import PolicyValue, TooFew, plackett_probabilities, snips
from recommender.algorithms.sample_ratio import sample_ratio
from recommender.benchmarks.simulated_people import EXPLORED, Array, Crowd

# Of the usual test at 5 %, for contrast.
NAKED = 1.959963984540054


@dataclass(frozen=True)
class Schedule:
    """When one looks: at ``first`` lists and after every 12 % more, until ``last``: most often where least is known.
    People join as lists come, one for ``lists_per_person``."""

    first: int
    last: int
    lists_per_person: float = 5.0
    growth: float = 1.12

    @property
    def looks(self) -> list[int]:
        n = int(np.log(self.last / self.first) / np.log(self.growth)) + 1
        return sorted({*np.rint(self.first * self.growth ** np.arange(n)).astype(int).tolist(), self.last})


@dataclass(frozen=True, eq=False)
class Visits:
    """``person``: intp (n_people,) rows of the crowd, a row as often as chance has it. ``visitor``: intp (n_lists,)
    whose list each one is, in the order of time, as a position in ``person``."""

    person: NDArray[np.intp]
    visitor: NDArray[np.intp]


def visits(crowd: Crowd, schedule: Schedule, rng: np.random.Generator) -> Visits:
    """Of those who have joined by then, each list is somebody's by how often they come."""
    n_people = max(2, int(schedule.last / schedule.lists_per_person))
    person = rng.integers(0, len(crowd.rate), n_people)
    rate = crowd.rate[person]
    # Everybody has as many tickets as their rate, and one is drawn of those of people who have joined.
    tickets = np.repeat(np.arange(n_people), rate)
    joined = np.clip((np.arange(schedule.last) / schedule.lists_per_person).astype(np.intp), 1, n_people - 1)
    return Visits(person, tickets[(rng.random(schedule.last) * np.cumsum(rate)[joined]).astype(np.intp)])


def _sums(looks: Iterable[int], visitor: NDArray[np.intp], of_list: Array, n: int) -> Iterator[tuple[Array, Array]]:
    """Per person, up to each look: how many lists, and the sum over them. Two arrays that are added to."""
    lists, total, start, so_far = np.zeros(n), np.zeros(n), 0, 0
    for end in looks:
        here = visitor[start:end]
        n_seen = int(here.max()) + 1
        lists[:n_seen] += np.bincount(here)
        total[:n_seen] += np.bincount(here, of_list[start:end])
        start = end
        # Those who have not come yet stand at the end and would only cost time.
        so_far = max(so_far, n_seen)
        yield lists[:so_far], total[:so_far]


def ab_looks(
    crowd: Crowd, seen: Visits, schedule: Schedule, rng: np.random.Generator, *, differ: bool
) -> Iterator[Effect]:
    """The difference at each look, the second arm having the second ranking, or the first one too."""
    arm = rng.integers(0, 2, len(seen.person))
    chance = crowd.engaged[arm if differ else 0, seen.person]
    engaged = (rng.random(len(seen.visitor)) < chance[seen.visitor]).astype(np.float64)
    for lists, total in _sums(schedule.looks, seen.visitor, engaged, len(arm)):
        yield ab_effect(lists, total, arm[: len(lists)]).difference


def interleaving_looks(
    crowd: Crowd, seen: Visits, schedule: Schedule, rng: np.random.Generator, *, differ: bool
) -> Iterator[Effect]:
    """The mean preference at each look, between the two rankings or between two that are equally good: for each person
    it is drawn which of those is called the second, so that nobody's preference is known and the mean is 0."""
    outcomes = crowd.preferred if differ else crowd.preferred_none
    reading = rng.integers(0, outcomes.shape[1], len(seen.visitor))
    outcome = outcomes[seen.person[seen.visitor], reading].astype(np.float64)
    if not differ:
        outcome *= np.where(rng.integers(0, 2, len(seen.person)) == 1, 1.0, -1.0)[seen.visitor]
    for lists, total in _sums(schedule.looks, seen.visitor, outcome, len(seen.person)):
        yield interleaving_effect(total, lists).effect


@dataclass(frozen=True)
class Stop:
    n_lists: int
    n_people: int
    estimate: float


def first_stop(looks: Iterable[Effect], mixing: float) -> Stop | None:
    """When an experiment is decided that is looked at each time; None where it never is."""
    for effect in looks:
        if effect.has_enough_people and excludes_zero(effect.estimate, effect.variance, mixing):
            return Stop(effect.n_lists, effect.n_people, effect.estimate)
    return None


def naked_stop(looks: Iterable[Effect]) -> bool:
    """Whether p < .05 at any look, as if it were the only one."""
    return any(abs(effect.estimate) > NAKED * effect.variance**0.5 for effect in looks if effect.has_enough_people)


def people_at_wrong_stops(looks: Iterable[Effect], mixing: float) -> float:
    """The most effective people at a look that excludes zero, −1 where none does, whatever ``has_enough_people`` says:
    an experiment without an effect errs under all minimums up to this."""
    crossed = [effect.effective_people for effect in looks if excludes_zero(effect.estimate, effect.variance, mixing)]
    return max(crossed, default=-1.0)


def new_policy_value(crowd: Crowd, offset: float) -> float:
    """What drawing the explored film by the second ranking is worth per list."""
    chances = plackett_probabilities(EXPLORED, offset)[crowd.rank]
    of_person = (chances * crowd.explored).sum(axis=2).mean(axis=1)
    return float(of_person @ crowd.rate / crowd.rate.sum())


def snips_of_a_log(crowd: Crowd, n_lists: int, offset: float, rng: np.random.Generator) -> PolicyValue | None:
    """An estimate of that from a log of the first ranking, whatever the minimums say; None where nobody engaged."""
    seen = visits(crowd, Schedule(n_lists, n_lists), rng)
    person = seen.person[seen.visitor]
    visit = rng.integers(0, crowd.explored.shape[1], n_lists)
    logging, new = plackett_probabilities(EXPLORED), plackett_probabilities(EXPLORED, offset)
    film = np.minimum(np.searchsorted(logging.cumsum(), rng.random(n_lists), side="right"), EXPLORED - 1)
    engaged = rng.random(n_lists) < crowd.explored[person, visit, film]
    chance = new[crowd.rank[person, visit, film]]
    try:
        return snips(
            engaged.astype(np.float64), logging[film], chance, seen.visitor, min_effective=0, min_effective_people=0
        )
    except TooFew:
        return None


def warned_after(share: float, n_people: int, every: int, rng: np.random.Generator) -> int | None:
    """How many people were assigned when the sample ratio test warned, halves being intended; None where it never did.

    ``share``: of the second arm in truth. One looks after every ``every`` people."""
    in_second = rng.binomial(every, share, n_people // every).cumsum()
    for look, second in enumerate(in_second.tolist(), start=1):
        if sample_ratio([look * every - second, second]).warns:
            return look * every
    return None

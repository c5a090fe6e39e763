"""A made-up crowd whose preferences are known, so that it is known what an experiment on them ought to find.

People and films point somewhere in a space of tastes, and some films please everybody. A ranking orders a pool by a
noisy view of what somebody likes. Whoever looks at a list reads it from the top and ever less of it, and opens a film
with a chance that grows with how much they like it, and that differs from person to person as much as how often they
come. The view's errors are of a person and a film, not of a day: to some people one ranking is truly better, to some
the other.

Everybody has some visits, drawn beforehand with the lists of both rankings. An experiment draws people from this crowd,
then visits of theirs, then chance: hence its truth is a mean over the crowd and known exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.interleaving import credits, preference, team_draft
from recommender.algorithms.metrics import K

Array = NDArray[np.float64]

N_PEOPLE = 1200
N_VISITS = 16
N_FILMS = 300
POOL = 60
TASTES = 8
# Films among which the place that is given away by lot chooses, and how much is looked at that place.
EXPLORED = 20
EXPLORED_LOOK = 0.5
DRAFTS = 2  # of each visit
READINGS = 8  # of each draft
RELATIVE_DIFFERENCE = 0.05
# How much each place is looked at: a power of the place, as T. Joachims, A. Swaminathan, T. Schnabel simulate it
# (Unbiased learning-to-rank with biased feedback, WSDM 2017).
LOOK = np.arange(1, K + 1) ** -0.7


@dataclass(frozen=True, eq=False)
class Crowd:
    """``rate``: int64 (n_people,) how often each comes, for how often others do. ``engaged``: (2, n_people) chance that
    a list is engaged with, under the first ranking and under the second, which is the better one. ``preferred``,
    ``preferred_none``: int8 (n_people, m) preferences of single interleaved lists, of these two and of two that are
    equally good. ``explored``: (n_people, n_visits, EXPLORED) chance that a film at the explored place is engaged with,
    in the first ranking's order; ``rank``: intp, the films' places in the second's. ``noise``: what the first's view
    has more of. ``lists_by_form``: of ways to sum up an interleaved list, how many times the lists each would need for
    the same certainty."""

    rate: NDArray[np.int64]
    engaged: Array
    preferred: NDArray[np.int8]
    preferred_none: NDArray[np.int8]
    explored: Array
    rank: NDArray[np.intp]
    noise: float
    lists_by_form: dict[str, float]

    @property
    def rates(self) -> tuple[float, float]:
        """Engagement per list under either ranking, over lists."""
        weight = self.rate / self.rate.sum()
        return float(self.engaged[0] @ weight), float(self.engaged[1] @ weight)

    @property
    def relative_difference(self) -> float:
        """What an A/B experiment ought to find."""
        first, second = self.rates
        return second / first - 1

    @property
    def mean_preference(self) -> float:
        """What interleaving ought to find, in points per list."""
        return float(self.preferred.mean(axis=1) @ self.rate / self.rate.sum())


class _Tastes:
    """Who likes what, and their visits."""

    def __init__(self, rng: np.random.Generator, n_people: int, n_visits: int) -> None:
        people, films = rng.normal(size=(n_people, TASTES)), rng.normal(size=(N_FILMS, TASTES)) / np.sqrt(TASTES)
        self.liking: Array = people @ films.T + 0.5 * rng.normal(size=N_FILMS)
        self.readiness = rng.normal(-3.4, 1.0, n_people)
        drawn = [rng.random((n_visits, N_FILMS)).argpartition(POOL, axis=1)[:, :POOL] for _ in range(n_people)]
        self.pool = np.array(drawn)
        self.person = np.arange(n_people)[:, None, None]

    def ranked(self, view: Array) -> NDArray[np.intp]:
        """The pool of each visit, the best first: (n_people, n_visits, POOL)."""
        order = np.argsort(-view[self.person, self.pool], axis=2, kind="stable")
        return np.take_along_axis(self.pool, order, axis=2)

    def chance(self, films: NDArray[np.intp]) -> Array:
        """That each film of (n_people, n_visits, n) is opened once it is looked at."""
        chance: Array = 1 / (1 + np.exp(-self.liking[self.person, films] - self.readiness[:, None, None]))
        return chance

    def engaged(self, ranked: NDArray[np.intp]) -> Array:
        """(n_people,) the chance that a list is engaged with, over visits."""
        chances: Array = 1 - np.prod(1 - self.chance(ranked[:, :, :K]) * LOOK, axis=2).mean(axis=1)
        return chances


def crowd(seed: int, n_people: int = N_PEOPLE, n_visits: int = N_VISITS) -> Crowd:
    """The second ranking's view has some noise; the first's so much more that it earns RELATIVE_DIFFERENCE less, which
    is found by bisection on the same visits."""
    rng = np.random.default_rng((seed, 0))
    tastes = _Tastes(rng, n_people, n_visits)
    rate = np.ceil(8 * rng.gamma(0.7, size=n_people)).astype(np.int64)
    view = tastes.liking + 0.3 * rng.normal(size=tastes.liking.shape)
    more, yet_more = rng.normal(size=view.shape), rng.normal(size=view.shape)
    better = tastes.ranked(view)
    earned = tastes.engaged(better)
    low, high = 0.0, 4.0
    for _ in range(18):
        noise = (low + high) / 2
        worse = tastes.engaged(tastes.ranked(view + noise * more))
        low, high = (low, noise) if (earned @ rate) / (worse @ rate) - 1 > RELATIVE_DIFFERENCE else (noise, high)
    first, equal = tastes.ranked(view + noise * more), tastes.ranked(view + noise * yet_more)
    points = _points(tastes, first, better, rng)
    points_none = _points(tastes, first, equal, rng)
    pool = first[:, :, :EXPLORED]
    order = np.argsort(-view[tastes.person, pool], axis=2, kind="stable")
    return Crowd(
        rate=rate,
        engaged=np.stack([tastes.engaged(first), earned]),
        preferred=_preferred(points),
        preferred_none=_preferred(points_none),
        explored=tastes.chance(pool) * EXPLORED_LOOK,
        rank=np.argsort(order, axis=2),
        noise=noise,
        lists_by_form=_lists_by_form(points, rate),
    )


def _points(
    tastes: _Tastes, one: NDArray[np.intp], other: NDArray[np.intp], rng: np.random.Generator
) -> NDArray[np.int8]:
    """Of interleaved lists of every visit, (n_people, m, 4): either side's points, and those of films that tell
    anything alone."""
    n_people, n_visits = one.shape[:2]
    points = np.zeros((n_people, n_visits, DRAFTS, READINGS, 4), np.int8)
    for person, visit, draft in np.ndindex(n_people, n_visits, DRAFTS):
        listed = team_draft(one[person, visit], other[person, visit], K, rng)
        liking = tastes.liking[person, listed.items] + tastes.readiness[person]
        engaged = rng.random((READINGS, K)) < LOOK / (1 + np.exp(-liking))
        for reading in np.flatnonzero(engaged.any(axis=1)).tolist():
            everything = credits(listed.teams, engaged[reading])
            points[person, visit, draft, reading] = *everything, *credits(listed.teams, engaged[reading], listed.tells)
    return points.reshape(n_people, -1, 4)


def _preferred(points: NDArray[np.int8]) -> NDArray[np.int8]:
    """(n_people, m) what each list says."""
    table = np.array([[preference(a, b) for b in range(K + 1)] for a in range(K + 1)], np.int8)
    return table[points[:, :, 2], points[:, :, 3]]


def _lists_by_form(points: NDArray[np.int8], rate: NDArray[np.int64]) -> dict[str, float]:
    """variance / mean² over lists, by that of the form that is used."""
    weight = np.broadcast_to((rate / rate.sum() / points.shape[1])[:, None], points.shape[:2])
    needed = {}
    for films, first in (("films that tell", 2), ("all films", 0)):
        a, b = points[:, :, first].astype(float), points[:, :, first + 1].astype(float)
        for form, outcome in (
            ("difference", b - a),
            ("difference by sum", (b - a) / np.maximum(a + b, 1)),
            ("sign", np.sign(b - a)),
        ):
            mean = float((weight * outcome).sum())
            needed[f"{form}, {films}"] = float((weight * np.square(outcome - mean)).sum()) / mean**2
    used = needed["difference, films that tell"]
    return {form: each / used for form, each in needed.items()}

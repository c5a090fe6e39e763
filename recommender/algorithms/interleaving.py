"""Two rankings in one list, so that a person compares them without knowing it.

Two captains draft a team each from their own ranking, pair after pair of places, a coin deciding who goes first; a film
that is engaged with is a point for the captain who drafted it. Everybody sees both rankings under the same mood, the
same screen and the same readiness to engage, so what differs between people cancels, and far fewer lists tell which
ranking is preferred than by showing each half of the people one of them.

F. Radlinski, M. Kurup, T. Joachims: How does clickthrough data reflect retrieval quality?, CIKM 2008.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Films = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Interleaved:
    """``items``: intp (n,) films in the order shown. ``teams``: uint8 (n,) 0 where ``one`` drafted the film, 1 where
    ``other`` did. ``tells``: bool (n,) False where engagement says nothing about which ranking is preferred."""

    items: Films
    teams: NDArray[np.uint8]
    tells: NDArray[np.bool_]


class _Captain:
    """Somebody who drafts the best film of their ranking that is not in the list yet."""

    def __init__(self, ranking: Films) -> None:
        self._waiting: Iterator[int] = iter(ranking.tolist())
        self._best: int | None = next(self._waiting, None)

    def best(self, listed: set[int]) -> int | None:
        while self._best is not None and self._best in listed:
            self._best = next(self._waiting, None)
        return self._best


def team_draft(one: Films, other: Films, n: int, rng: np.random.Generator) -> Interleaved:
    """A list of ``n`` films drafted from two rankings, fewer where both together have fewer.

    ``one``, ``other``: film numbers, the best first, no film twice in a ranking. No film is listed twice. Where one
    ranking is exhausted the other fills on. One coin is drawn of ``rng`` per pair of places, whatever the rankings, so
    that the same generator gives the same list.

    ``tells`` is False for films whose team is the coin's alone: those that both captains would have drafted at the same
    place (the shared beginning above all), and those with which an exhausted ranking could not compete. Engagement with
    the former is a point by lot, noise without any signal. F. Radlinski and N. Craswell leave the shared beginning out
    for that reason (Optimized interleaving for online retrieval evaluation, WSDM 2013); the same reason holds at any
    pair of places. Given the places before it, what a pair leaves out does not depend on its coin, so that somebody who
    engages with places and never looks at films prefers neither ranking.
    """
    sides = _Captain(one), _Captain(other)
    items: list[int] = []
    teams: list[int] = []
    tells: list[bool] = []
    listed: set[int] = set()

    def show(film: int, team: int, does_tell: bool) -> None:
        if len(items) < n:
            items.append(film)
            teams.append(team)
            tells.append(does_tell)
            listed.add(film)

    for first in rng.integers(0, 2, max(0, -(-n // 2))).tolist():
        best = sides[0].best(listed), sides[1].best(listed)
        if best[0] is None or best[1] is None:
            break
        if best[0] != best[1]:
            # Both films are shown, and the coin decides on their order.
            show(best[first], first, True)  # type: ignore[arg-type]
            show(best[1 - first], 1 - first, True)  # type: ignore[arg-type]
            continue
        show(best[0], first, False)
        following = sides[0].best(listed), sides[1].best(listed)
        film = following[1 - first]
        if film is None:
            break
        show(film, 1 - first, following[0] is not None and following[0] != following[1])
    for team, side in enumerate(sides):
        while len(items) < n and (film := side.best(listed)) is not None:
            show(film, team, False)
    return Interleaved(np.array(items, np.intp), np.array(teams, np.uint8), np.array(tells, np.bool_))


def credits(
    teams: NDArray[np.uint8], engaged: NDArray[np.bool_], tells: NDArray[np.bool_] | None = None
) -> tuple[int, int]:
    """How many engaged films of a list were drafted by each side; with ``tells``, of those that tell anything.

    All (n,), by place. ValueError where they are not of one length.
    """
    if len(teams) != len(engaged) or (tells is not None and len(tells) != len(teams)):
        raise ValueError("every place has one team and was engaged with or not")
    counted = engaged if tells is None else engaged & tells
    b = int(np.count_nonzero(teams[counted]))
    return int(np.count_nonzero(counted)) - b, b


def preference(a: int, b: int) -> float:
    """What one list says: b − a, in points, positive for ``other``.

    Its expectation is 0 where the rankings are equally good, since each pair's coin gives either side the better place
    equally often, and has the sign of the difference else. Divided by a + b, or as a mere sign (O. Chapelle,
    T. Joachims, F. Radlinski, Y. Yue: Large-scale validation and analysis of interleaved search evaluation, ACM TOIS
    30(1), 2012), it would lose the former by a little, since how many films tell anything depends on earlier coins; and
    in ``recommender.benchmarks.experiments`` both need 3 to 11 % more lists for the same certainty. Who opens
    everything decides nothing here: of a pair of different films each side has one. Not to leave out what tells nothing
    would take 37 to 41 % more lists.
    """
    return float(b - a)

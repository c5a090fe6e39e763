"""The best of very many films for one person, without scoring each of them as exactly as what is shown.

One pass in float32 over the films that have a word of their own says how high each can stand at most; those that can be
among the best are then scored in float64, as every film of a small catalogue is. The bounds hold all rounding, so that
no film is missed. The others stand by popularity alone, in an order that is known beforehand.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.discovery import SMALL, Discovery
from recommender.algorithms.film_model import Array, Floats, Person
from recommender.algorithms.ordering import Ordering
from recommender.algorithms.ranking import inverse, inverse_spread
from recommender.algorithms.score_moments import Moments, spread, sums

# From so many films on a list is made from a shortlist: below, scoring all of them is as quick.
WIDE = 100_000
# Films whose vectors lie together, factor by factor: a product with a person's is then twice as fast as film by film.
_BLOCK = 16_384
# Films of which first the highest alone is looked at.
_GROUP = 256
_UNIT = 2.0**-24  # half the distance of float32's neighbours at 1
# So many groups are looked at while they are in the cache.
_GROUPS_AT_ONCE = 64
# Moments of wider vectors take longer to work out than they save.
_MAX_WIDTH = 128
# For what filters leave of the films, four bytes a film.
_MAX_FILTERS_BYTES = 64 * 1024**2
_LOWEST = np.finfo(np.float32).min

_lock = threading.Lock()


@dataclass(frozen=True, eq=False)
class Barred:
    """What a list may not show."""

    rows: NDArray[np.int64]  # these films, (n,)
    fits: NDArray[np.bool_] | None = None  # and all for which this says so, (n_items,)


@dataclass(frozen=True, eq=False)
class Field:
    """Films to choose a list from, the best ones among them. Arrays of length n, rows ascending."""

    rows: NDArray[np.intp]
    scores: Array  # what a list is sorted by
    ranker_scores: Array  # what of it is the ranker's word
    rating_scores: Array  # and what the rating model's
    network_scores: Array  # and what the network's
    values: Array  # what a discovery slot is given by; −inf for films that none may show


@dataclass(frozen=True, eq=False)
class WideOrdering:
    """How a version with very many films orders lists."""

    ordering: Ordering
    discovery: Discovery

    @cached_property
    def rows(self) -> NDArray[np.intp]:
        """The films of which anything is said but how popular they are, ascending, (n,)."""
        return np.flatnonzero(self.ordering.has_taste | (self.discovery.sd > 0))

    @cached_property
    def _others(self) -> NDArray[np.intp]:
        """All others, as a list sorts them."""
        others = np.setdiff1d(np.arange(self.ordering.films.n_items), self.rows, assume_unique=True)
        return others[np.argsort(-self.ordering.tie_breaks[others], kind="stable")]

    def prepare(self) -> None:
        """Works out what does not depend on the person: a second for a million films."""
        _ = self._vectors, self._moments, self._unfiltered, self._ties, self._prices, self._others, self._targets

    @cached_property
    def _vectors(self) -> tuple[Floats, float]:
        """What of each film is multiplied with a person's: x − x̄ of the rating model, zeros where it has no word, and
        the vectors of the implicit-feedback factors. In blocks (n_blocks, width, _BLOCK), zeros behind the last film;
        and the length of the longest."""
        films, factors, has_taste = self.ordering.films, self.ordering.ranker.factors, self.ordering.has_taste
        n_blocks, longest = -(-len(self.rows) // _BLOCK), 0.0
        blocks = np.zeros((n_blocks, self._n_tastes + (factors.vectors.shape[1] if factors else 0), _BLOCK), np.float32)
        for number in range(n_blocks):
            rows = self.rows[number * _BLOCK : (number + 1) * _BLOCK]
            blocks[number, : self._n_tastes, : len(rows)] = (films.characters(rows) * has_taste[rows, None]).T
            if factors is not None:
                blocks[number, self._n_tastes :, : len(rows)] = factors.vectors[rows].T
            longest = max(longest, float(np.linalg.norm(blocks[number], axis=0).max()))
        # The mean was rounded too.
        return blocks, longest + float(np.linalg.norm(films.mean_features))

    @property
    def _n_tastes(self) -> int:
        return self.ordering.films.mean_features.size

    @cached_property
    def _moments(self) -> Moments | None:
        """Of all vectors; None where they are too wide."""
        return self._moments_of(np.ones(len(self.rows), np.bool_))

    def _moments_of(self, inside: NDArray[np.bool_]) -> Moments | None:
        blocks, _ = self._vectors
        if blocks.shape[1] > _MAX_WIDTH:
            return None
        ties, wide = np.zeros(len(self._ties)), np.zeros(len(self._ties), np.bool_)
        ties[: len(self.rows)], wide[: len(self.rows)] = self.ordering.tie_breaks[self.rows], inside
        return Moments.of(blocks, ties, wide)

    @cached_property
    def _ties(self) -> Floats:
        """What popularity adds, in whole blocks, −inf behind."""
        ties = np.full(-(-len(self.rows) // _BLOCK) * _BLOCK, -np.inf, np.float32)
        ties[: len(self.rows)] = self.ordering.tie_breaks[self.rows]
        return ties

    @cached_property
    def _targets(self) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
        """Places of the films that EASE speaks of, among those that have weights and among ours; their tie-breaks."""
        films, ranker = self.ordering.ranker.ease_films, self.ordering.ranker
        places = np.searchsorted(ranker.weights.films, films), np.searchsorted(self.rows, films)
        return *places, self.ordering.tie_breaks[films]

    @cached_property
    def _unfiltered(self) -> _Filtered:
        return self._filtered(None)

    @cached_property
    def _remembered(self) -> OrderedDict[int, _Filtered]:
        """By the identity of a mask, which the entry keeps alive; the latest last."""
        return OrderedDict()

    def _compared(self, fits: NDArray[np.bool_] | None) -> _Filtered:
        if fits is None:
            return self._unfiltered
        with _lock:
            known = self._remembered.get(id(fits))
            if known is not None:
                self._remembered.move_to_end(id(fits))
                return known
        made = self._filtered(fits)
        with _lock:
            self._remembered[id(fits)] = made
            while len(self._remembered) > max(1, _MAX_FILTERS_BYTES // (4 * len(self._ties) or 1)):
                self._remembered.popitem(last=False)
        return made

    def _filtered(self, fits: NDArray[np.bool_] | None) -> _Filtered:
        told = self.discovery.sd[self.rows] > 0
        if fits is None:
            return _Filtered(None, None, told, int(np.count_nonzero(told)), self._moments_of(told))
        passing = fits[self.rows]
        penalty, told = np.zeros(len(self._ties), np.float32), told & passing
        penalty[: len(self.rows)][~passing] = -np.inf
        return _Filtered(fits, penalty, told, int(np.count_nonzero(told)), self._moments_of(told))

    @cached_property
    def _prices(self) -> tuple[Floats, Floats]:
        """Of a discovery with the standardized score z: the value is at most z·(the first) − (the second)."""
        sd = self.discovery.sd[self.rows].astype(np.float64)
        offered = (self.discovery.offered[self.rows] > 0) & (sd > 0)
        slope, price = np.ones(len(self._ties), np.float32), np.full(len(self._ties), np.inf, np.float32)
        by_film = 1.0 / (sd + SMALL)
        base = self.discovery.mean[self.rows] * by_film + self.discovery.price[self.rows]
        here = np.flatnonzero(offered)
        slope[here], price[here] = by_film[here], base[here] - 16 * _UNIT * np.abs(base[here])
        return slope, price

    def shortlist(self, person: Person, barred: Barred, k: int, *, discoveries: bool = True) -> Field:
        """A field in which stand the ``k`` best by score and, with ``discoveries``, by value, ties by row, or all where
        there are fewer."""
        words = self._words(person)
        n_told, mean, sd = self._rule_out(words, barred, discoveries)
        groups = words.estimates.reshape(-1, _GROUP)

        def estimated(some: Any) -> Floats:
            return groups[some]

        def at_most(some: Any) -> Floats:
            """Values, never too low."""
            most = groups[some] - np.float32(mean - error)
            most *= slope[some]
            most *= np.float32(1.0 / (sd + SMALL))
            most -= price[some]
            return most

        def scores(found: NDArray[np.intp]) -> Array:
            return words.exactly(self.rows[found]).scores

        def values(found: NDArray[np.intp]) -> Array:
            rows = self.rows[found]
            return self._values(rows, words.exactly(rows).scores, mean, sd)

        places = _best(estimated, len(groups), words.error, k, scores)
        if n_told:
            slope, price = (one.reshape(-1, _GROUP) for one in self._prices)
            error = words.error + 8 * _UNIT * (words.largest + abs(mean))
            places = np.union1d(places, _best(at_most, len(groups), 0.0, k, values))
        field = words.exactly(self.rows[places])
        if n_told:
            field.values[:] = self._values(field.rows, field.scores, mean, sd)
        others = self._others_of(field.scores, barred, k)
        return field if not len(others) else _joined(field, words.exactly(others))

    def _rule_out(self, words: _Words, barred: Barred, discoveries: bool) -> tuple[int, float, float]:
        """Sets the estimates of what may not be shown to −inf. Of the rest that discoveries are compared with: how
        many, their mean and their standard deviation."""
        compared, estimates = self._compared(barred.fits), words.estimates
        places = np.minimum(np.searchsorted(self.rows, barred.rows), max(0, len(self.rows) - 1))
        places = np.unique(places[self.rows[places] == barred.rows]) if len(self.rows) else places[:0]
        n, total, squares = 0, 0.0, 0.0
        if discoveries:
            if compared.moments is not None:
                _, here, ties = self._targets
                told = compared.told[here]
                voices = np.where(told, words.voices, 0.0)
                total, squares = compared.moments.of_scores(words.vector, voices, ties, words.beside)
            else:
                total, squares = sums(estimates[: len(self.rows)], compared.told)
            out = estimates[places[compared.told[places]]].astype(np.float64)
            n, total, squares = compared.n - len(out), total - float(out.sum()), squares - float(out @ out)
        if compared.penalty is not None:
            estimates += compared.penalty
        estimates[places] = -np.inf
        return n, total / n if n else 0.0, spread(total, squares, n)

    def _values(self, rows: NDArray[np.intp], scores: Array, mean: float, sd: float) -> Array:
        discovery = self.discovery
        values = (((scores - mean) / (sd + SMALL)) - discovery.mean[rows]) / (discovery.sd[rows] + SMALL)
        values -= discovery.price[rows]
        return np.where((discovery.offered[rows] > 0) & (discovery.sd[rows] > 0), values, -np.inf)

    def _others_of(self, scores: Array, barred: Barred, k: int) -> NDArray[np.intp]:
        """The best of the films that stand by popularity alone, as many as may be needed, rows ascending."""
        if not len(self._others):
            return self._others
        edge = np.partition(scores, len(scores) - k)[len(scores) - k] if len(scores) >= k else -np.inf
        if edge > self.ordering.tie_breaks[self._others[0]]:
            return self._others[:0]
        fitting = self._others if barred.fits is None else self._others[barred.fits[self._others]]
        some = fitting[: k + len(barred.rows)]
        return np.sort(some[~np.isin(some, barred.rows)][:k])

    def _words(self, person: Person) -> _Words:
        """What each part of the order says, in a pass over all films."""
        ordering, ranker, history = self.ordering, self.ordering.ranker, person.history
        blocks, longest = self._vectors
        among_weights, here, _ = self._targets
        strengths = ranker.strengths(history)
        ease = ranker.weights.scores_of_films(history.item, strengths)[among_weights]
        ease *= inverse_spread(ease)
        vector, taste_factor, factor, direction = np.zeros(blocks.shape[1]), 0.0, 0.0, None
        ranker_factor = inverse_spread(ease)
        if ordering.taste_weight:
            taste = np.zeros(blocks.shape[1])
            taste[: self._n_tastes] = person.state.ravel() / ordering.films.n_samples
            taste_factor = inverse(spread(*self._sums_along(taste), len(ordering.ranked_films)))
            vector += ordering.taste_weight * taste_factor * taste
        if ranker.factors is not None:
            folded_in = np.zeros(blocks.shape[1])
            folded_in[self._n_tastes :] = direction = ranker.factors.fold_in(history.item, strengths).direction
            total, squares = self._sums_along(folded_in)
            factor = ranker.factor_weight * inverse(spread(total, squares, len(ranker.factors.known_films)))
            theirs = factor * (ranker.factors.vectors[ranker.ease_films].astype(np.float64) @ direction)
            total, squares = factor * total + float(ease.sum()), factor**2 * squares + float(ease @ (ease + 2 * theirs))
            ranker_factor = inverse(spread(total, squares, len(ranker.known_films)))
            vector += ranker_factor * factor * folded_in
        estimates, voices = self._product(vector), ranker_factor * ease
        beside = estimates[here].astype(np.float64)
        estimates[here] += voices.astype(np.float32)
        estimates += self._ties
        length = longest * float(np.linalg.norm(vector))
        largest = length + float(np.abs(voices).max(initial=0.0)) + float(ordering.tie_breaks.max(initial=0.0))
        error = 2 * _UNIT * (length * (len(vector) + 8) + 8 * largest)
        factors = (direction, factor, ranker_factor, taste_factor)
        return _Words(self, person, estimates, error, largest, vector, voices, beside, ease, *factors)

    def _product(self, vector: Array) -> Floats:
        """Dot products of all films' vectors with ``vector``, in whole blocks."""
        blocks, _ = self._vectors
        narrow, product = vector.astype(np.float32), np.empty((len(blocks), _BLOCK), np.float32)
        for number, block in enumerate(blocks):
            np.dot(narrow, block, out=product[number])
        return product.ravel()

    def _sums_along(self, vector: Array) -> tuple[float, float]:
        """Σ and Σ² of these."""
        return sums(self._product(vector)) if self._moments is None else self._moments.along(vector)


@dataclass(frozen=True, eq=False)
class _Filtered:
    """Our films as a filter leaves them."""

    fits: NDArray[np.bool_] | None
    penalty: Floats | None  # −inf for films that do not fit, in whole blocks
    told: NDArray[np.bool_]  # those that discoveries are compared with, (n,)
    n: int  # how many these are
    moments: Moments | None


@dataclass(frozen=True, eq=False)
class _Words:
    """One person's; lives as long as a request."""

    wide: WideOrdering
    person: Person
    estimates: Floats  # of the scores of our films, in whole blocks
    error: float  # how far from the score one may be
    largest: float  # how large one may be
    vector: Array  # the person's, (width,)
    voices: Array  # what EASE adds to the films that it speaks of
    beside: Array  # and what the vectors say of these
    ease: Array  # of EASE's word, of unit spread
    direction: Array | None  # of the person among the factors
    factor: float  # of the factors' word, their weight included
    ranker_factor: float
    taste_factor: float

    def exactly(self, rows: NDArray[np.intp]) -> Field:
        """The scores of some films, without values."""
        ordering = self.wide.ordering
        ranker, films = ordering.ranker, ordering.films
        of_ranker = np.zeros(len(rows))
        known = ranker.ease_films
        if len(known):
            places = np.minimum(np.searchsorted(known, rows), len(known) - 1)
            of_ranker += np.where(known[places] == rows, self.ease[places], 0.0)
        if ranker.factors is not None and self.direction is not None:
            of_ranker += self.factor * (ranker.factors.vectors[rows].astype(np.float64) @ self.direction)
        of_ranker *= self.ranker_factor
        rating = np.zeros(len(rows))
        if self.taste_factor:
            apart = (films.features[rows].astype(np.float64) - films.mean_features).reshape(
                len(rows), self.person.state.size
            )
            taste = apart @ self.person.state.ravel() / films.n_samples
            rating = ordering.taste_weight * self.taste_factor * np.where(ordering.has_taste[rows], taste, 0.0)
        scores = of_ranker + rating + ordering.tie_breaks[rows]
        # A version with so many films has no network.
        return Field(rows, scores, of_ranker, rating, np.zeros(len(rows)), np.full(len(rows), -np.inf))


def _best(
    most: Callable[[Any], Floats], n_groups: int, error: float, k: int, exactly: Callable[[NDArray[np.intp]], Array]
) -> NDArray[np.intp]:
    """Places, ascending, that hold the ``k`` highest by ``exactly``, if what that says is never above ``most`` +
    ``error``, and more; all that are not −inf where there are fewer.

    ``most``: of some of the groups, (n, _GROUP)."""
    highest = np.empty(n_groups, np.float32)
    for first in range(0, n_groups, _GROUPS_AT_ONCE):
        some = slice(first, first + _GROUPS_AT_ONCE)
        most(some).max(axis=1, out=highest[some])
    # Each of k groups holds one film as high as this.
    edge = np.partition(highest, n_groups - k)[n_groups - k] if n_groups >= k else -np.inf
    scores = exactly(_at_least(most, highest, float(edge)))
    # Where there are not so many, whatever is not −inf.
    edge = np.partition(scores, len(scores) - k)[len(scores) - k] - error if len(scores) >= k else -np.inf
    return _at_least(most, highest, float(np.nextafter(np.float32(edge), np.float32(-np.inf))))


def _at_least(most: Callable[[Any], Floats], highest: Floats, edge: float) -> NDArray[np.intp]:
    """Places of what is as high as ``edge``, and never of −inf."""
    edge = max(edge, float(_LOWEST))
    some = np.flatnonzero(highest >= edge)
    group, place = np.nonzero(most(some) >= np.float32(edge))
    return some[group] * _GROUP + place


def _joined(one: Field, other: Field) -> Field:
    rows = np.concatenate([one.rows, other.rows])
    order = np.argsort(rows, kind="stable")
    return Field(
        rows[order],
        *(
            np.concatenate([getattr(one, name), getattr(other, name)])[order]
            for name in ("scores", "ranker_scores", "rating_scores", "network_scores", "values")
        ),
    )

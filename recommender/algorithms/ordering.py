"""The order of a person's list: what the ranker says, and what the rating model, and a network if there is one, add.

Predicting a rating and ranking a list are different jobs. The ranker knows what people of the same films go on to
watch; the rating model knows how much more than other people this one will like a film. Each is divided by its spread
over films, so that the weight between them means the same for somebody with ten ratings and with a thousand. Both are
sums over the films that the person rated, so the score is one too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.controls import directions
from recommender.algorithms.ease import MIN_RATERS
from recommender.algorithms.film_model import Array, FilmModel, Floats, Person
from recommender.algorithms.network import Network
from recommender.algorithms.ranking import Ranker, Votes, inverse_spread

# Orders films that no rated film says anything for; too little to turn anything else.
POPULARITY_TIE_BREAK = 1e-6


@dataclass(frozen=True, eq=False)
class Order:
    """One person's order; lives as long as a request. score = Σ_i (ranker_i + rating_i) + network + tie-break."""

    scores: Array  # (n_items,) what a list is sorted by
    ranker_scores: Array  # (n_items,) what of it is the ranker's word
    rating_scores: Array  # (n_items,) and what the rating model's
    network_scores: Array  # (n_items,) and what the network's, zeros where there is none
    network_factor: float  # what a difference of the network's own scores is multiplied by
    person: Person
    votes: Votes
    ranker_factor: float
    taste_factor: float
    has_taste: NDArray[np.bool_]  # (n_items,) films of which the rating model has a word

    def ranker_contributions(self, item: int) -> Array:
        """What each rated film adds to one film's score through the ranker, (n,)."""
        return self.ranker_factor * self.votes.contributions(item)

    def rating_contributions(self, item: int) -> Array:
        """And through the rating model, (n,)."""
        if not self.taste_factor or not self.has_taste[item]:
            return np.zeros(len(self.person.history))
        return self.taste_factor * self.person.contributions(item).ratings

    def contributions(self, item: int) -> Array:
        """Both together, (n,)."""
        return self.ranker_contributions(item) + self.rating_contributions(item)


@dataclass(frozen=True, eq=False)
class Ordering:
    """How a version orders lists."""

    films: FilmModel
    ranker: Ranker
    taste_weight: float  # how much the rating model's word counts beside the ranker's, ≥ 0
    network: Network | None = None

    @cached_property
    def has_taste(self) -> NDArray[np.bool_]:
        """The films whose place says something of the person, (n_items,): those that the ranker knows, and those past
        its bound with as many raters, of which the rating model alone has a word."""
        return self.ranker.known | (self.films.item_counts >= MIN_RATERS)

    @cached_property
    def ranked_films(self) -> NDArray[np.intp]:
        """Their rows, ascending."""
        return np.flatnonzero(self.has_taste)

    @cached_property
    def _characters(self) -> Array:
        """x − x̄ of the ranked films, all samples side by side, (n_ranked, n_samples · n_features)."""
        apart = self.films.features[self.ranked_films].astype(np.float64) - self.films.mean_features
        return apart.reshape(len(apart), self.films.mean_features.size)

    @cached_property
    def directions(self) -> Floats:
        """The same of length 1, for cosines."""
        return directions(self._characters)

    @cached_property
    def tie_breaks(self) -> Array:
        """What popularity adds to each score, (n_items,)."""
        ties: Array = POPULARITY_TIE_BREAK * np.log2(1.0 + self.films.item_counts)
        return ties

    def taste(self, person: Person) -> tuple[Array, float]:
        """How much more than an average film the person will like each ranked one, (n_ranked,), of unit spread; and
        what it was multiplied by to have that."""
        taste = self._characters @ person.state.ravel() / self.films.n_samples
        factor = inverse_spread(taste)
        return factor * taste, factor

    def order(self, person: Person) -> Order:
        votes = self.ranker.votes(person.history)
        ranker_factor = inverse_spread(votes.scores[self.ranker.known_films])
        ranker_scores = ranker_factor * votes.scores
        rating_scores, taste_factor = np.zeros(len(ranker_scores)), 0.0
        if self.taste_weight:
            taste, factor = self.taste(person)
            taste_factor = self.taste_weight * factor
            rating_scores[self.ranked_films] = self.taste_weight * taste
        scores = ranker_scores + rating_scores + self.tie_breaks
        network_scores, network_factor = np.zeros(len(ranker_scores)), 0.0
        if self.network is not None:
            word, network_factor = self.network.word(person.history, self.ranked_films)
            network_scores[self.ranked_films] = word
            scores += network_scores
        return Order(
            scores=scores,
            ranker_scores=ranker_scores,
            rating_scores=rating_scores,
            network_scores=network_scores,
            network_factor=network_factor,
            person=person,
            votes=votes,
            ranker_factor=ranker_factor,
            taste_factor=taste_factor,
            has_taste=self.has_taste,
        )

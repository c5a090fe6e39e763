"""Why a film, and how sure: the JSON form of an explanation.

A film that the person has rated is explained as if they had not. The breakdown is exact:
base + film + you + your_ratings + clipped = total, and the contributions of all rated films sum to your_ratings.
The place in a list has a sum of its own: order.score = order.tie_break + the order_contributions of all rated films.
Each film that is named also says what would be without it, solved afresh. The films of ``contributions`` do not: that
would be a solve and a ranking for every rating, 180 ms for 200 of them on the demo ratings.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from django.utils.translation import gettext
from numpy.typing import NDArray

from cinema.models import MIN_PEOPLE, Movie, User
from recommender.algorithms.film_model import Array, Contributions, History, Person
from recommender.algorithms.interactions import MAX_RATING, MIN_RATING, RELEVANT
from recommender.algorithms.new_films import NewFilm
from recommender.algorithms.ordering import Order
from recommender.arms import place_of
from recommender.catalogue import genre_names, movies_by_id
from recommender.counterfactuals import Counterfactuals, WithoutIt, counterfactuals
from recommender.histories import rated_films, wishes
from recommender.moments import context_of
from recommender.new_films import new_film
from recommender.serving import LiveModel
from recommender.viewers import Viewer

# How many films and genres are named; ``all_contributions`` lists every film.
MAX_NAMED = 5


class NoExplanation(Exception):
    """No version is live, so there is no prediction to explain."""


def explain_for(user: User, movie: Movie, *, all_contributions: bool = False) -> dict[str, Any]:
    """The explanation of ``user``'s predicted rating of ``movie``. Raises NoExplanation."""
    place = place_of(user)
    if place is None:
        raise NoExplanation("No model has been trained yet.")
    live, model = place.live, place.live.model
    row = int(model.rows(np.array([movie.pk]))[0])
    asked = wishes(user)
    rated = rated_films(user, live, asked.controls.since)
    history = rated.history(live).without(row)
    person = model.solve(history)
    film = new_film(live, movie, user, rated=bool(np.isin(movie.pk, rated.movie_ids)))
    if film is not None:
        row = -1  # what the version says of it, if anything, is out of date
    parts = _parts(person, row, film)
    stars = min(max(parts.raw, MIN_RATING), MAX_RATING)
    sd = _sd(live, person, row, film)
    low, high = model.uncertainty.interval(stars, sd)
    ordered = live.model.order(person) if row >= 0 else None
    # What each rated film adds to the place in a list; nothing for a film after the training.
    order = ordered.contributions(row) if ordered is not None else np.zeros(len(history))
    network = float(ordered.network_scores[row]) if ordered is not None else 0.0
    tie_break = float(model.ordering.tie_breaks[row]) if row >= 0 else 0.0
    named, first = _named(history, parts), _strongest(order)
    mentioned = np.union1d(named, first)
    titles = _titles(model.movie_ids[history.item if all_contributions else history.item[mentioned]], live)
    # A film that came after the training stands behind all others, whatever one has rated.
    standing = Counterfactuals(None, {})
    if row >= 0:
        named_rows = history.item[mentioned].tolist()
        standing = counterfactuals(live, person, row, named_rows, asked.hidden)
    explanation: dict[str, Any] = {
        "movie_id": movie.pk,
        "movie_title": movie.title,
        "predicted_rating": stars,
        "confidence": float(model.uncertainty.confidence(np.array([stars]), np.array([sd]))[0]),
        "interval": [low, high],
        "model_version": live.label,
        "reasons": [
            *_similar_movies(_entries(live, history, named, titles, standing.without, contribution=parts.ratings)),
            *_genre_match(live, history, row, movie),
            *_similar_users(live, person, history, row, rated_by_user=bool(np.isin(movie.pk, rated.movie_ids))),
        ],
        "breakdown": {
            "base": parts.base,
            "film": parts.film,
            "you": parts.you,
            "your_ratings": float(parts.ratings.sum()),
            "clipped": stars - parts.raw,
            "total": stars,
        },
        "order": {
            "rank": standing.rank,
            "score": float(order.sum()) + network + tie_break,
            "tie_break": tie_break,
            "network": _network(live, ordered, row),
            "moment": _moment(user, live, row),
            "movies": _entries(live, history, first, titles, standing.without, contribution=order),
        },
    }
    if all_contributions:
        everything = np.arange(len(history))
        # A film deleted since keeps its share, without a title: the sums must stay exact.
        titles = dict.fromkeys((int(pk) for pk in model.movie_ids[history.item]), "") | titles
        figures = {
            "contribution": parts.ratings,
            "watched": parts.watched,
            "rated": parts.rated,
            "order_contribution": order,
        }
        entries = _entries(live, history, everything, titles, {}, **figures)
        explanation["contributions"] = sorted(entries, key=lambda entry: -abs(entry["contribution"]))
    return explanation


def _moment(user: User, live: LiveModel, row: int) -> list[dict[str, Any]]:
    """What the moment adds to the film's place, cell by cell and genre by genre; nothing where the version makes
    nothing of it, or does not rank the film."""
    context, effects = context_of(user, live), live.model.context
    if context is None or effects is None or row < 0 or not live.model.ordering.has_taste[row]:
        return []
    parts = effects.parts(context, row)
    return [{"when": part.cell, "genre": part.genre or None, "amount": part.amount} for part in parts]


def placed_by(viewer: Viewer, movie_id: int) -> list[dict[str, Any]]:
    """The rated films that did most for an unrated film's place in the viewer's list, the strongest first, as
    ``order.movies`` has them less what would be without them."""
    row = int(viewer.live.model.rows(np.array([movie_id]))[0])
    order = viewer.order.contributions(row) if row >= 0 else np.zeros(len(viewer.history))
    first = _strongest(order)
    titles = _titles(viewer.live.model.movie_ids[viewer.history.item[first]], viewer.live)
    return _entries(viewer.live, viewer.history, first, titles, {}, contribution=order)


def _network(live: LiveModel, order: Order | None, row: int) -> dict[str, Any] | None:
    """What the network says of the film's place, and what it would say without each of the rated films that change it
    most: scored again, so the differences need not add up. None where the version asks no network."""
    network = live.model.network
    if network is None or order is None:
        return None
    history = order.person.history
    without = network.ranker.rescored_without(history, row)
    change = order.network_factor * (float(network.ranker.scores(history)[row]) - without)
    first = np.argsort(-np.abs(change), kind="stable")[:MAX_NAMED]
    titles = _titles(live.model.movie_ids[history.item[first]], live)
    return {
        "score": float(order.network_scores[row]),
        "rescored": _entries(live, history, first, titles, {}, change=change),
    }


def _strongest(order: Array) -> NDArray[np.intp]:
    """Positions of the films that did most for the place, the strongest first."""
    helping = np.flatnonzero(order > 0)
    strongest: NDArray[np.intp] = helping[np.argsort(-order[helping], kind="stable")][:MAX_NAMED]
    return strongest


def _entries(
    live: LiveModel,
    history: History,
    positions: NDArray[np.intp],
    titles: dict[int, str],
    without_it: dict[int, WithoutIt],
    **figures: Array,
) -> list[dict[str, Any]]:
    """Rated films with the given figures; those without a title are left out."""
    entries = []
    for position in positions:
        row = int(history.item[position])
        movie_id = int(live.model.movie_ids[row])
        if movie_id not in titles:
            continue
        entry: dict[str, Any] = {
            "movie_id": movie_id,
            "title": titles[movie_id],
            "your_rating": float(history.value[position]),
            **{name: float(values[position]) for name, values in figures.items()},
        }
        if row in without_it:
            entry["without_it"] = asdict(without_it[row])
        entries.append(entry)
    return entries


def _titles(movie_ids: NDArray[np.int64], live: LiveModel) -> dict[int, str]:
    return {pk: film.title for pk, film in movies_by_id(movie_ids, live).items()}


def _parts(person: Person, row: int, film: NewFilm | None) -> Contributions:
    if film is not None:
        return person.contributions_to(film.offset, film.features)
    if row >= 0:
        return person.contributions(row)
    # A film of which nothing is known is taken for an average one: x = x̄, so nothing the person rated tells of it.
    none = np.zeros(len(person.history))
    return Contributions(base=person.model.global_mean, film=0.0, you=person.level, watched=none, rated=none)


def _sd(live: LiveModel, person: Person, row: int, film: NewFilm | None) -> float:
    if film is not None:
        return live.model.uncertainty.sd_of_new_film(person, film)
    if row >= 0:
        return float(live.model.sd(person, np.array([row]))[0])
    return live.model.uncertainty.sd_of_unknown_film(person)


def _named(history: History, parts: Contributions) -> NDArray[np.intp]:
    """Positions in the history of the films to name: liked, and speaking for this film, the strongest first."""
    if not len(history):
        return np.empty(0, np.intp)
    liked = (history.value >= RELEVANT) | (history.value > history.value.mean())
    speaking = np.flatnonzero(liked & (parts.ratings > 0))
    named: NDArray[np.intp] = speaking[np.argsort(-parts.ratings[speaking], kind="stable")][:MAX_NAMED]
    return named


def _similar_movies(movies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not movies:
        return []
    return [
        {"type": "similar_movies", "description": gettext("Because you rated these movies highly"), "movies": movies}
    ]


def _genre_match(live: LiveModel, history: History, row: int, movie: Movie) -> list[dict[str, Any]]:
    table = live.model.genres
    # As the version knows them; for a new film as the catalogue does.
    membership = table.membership[row] if row >= 0 else table.row_of(genre_names(movie))
    score = table.match(history, membership)
    if score is None:
        return []
    affinity = table.affinity(history)
    mine = np.flatnonzero(membership)
    mine = mine[np.argsort(-affinity[mine], kind="stable")]
    liked = [table.names[genre] for genre in mine if affinity[genre] > 0]
    matches = bool(liked) and score >= 0.5
    return [
        {
            "type": "genre_match",
            "description": gettext("Matches your favorite genres")
            if matches
            else gettext("Not among your favorite genres"),
            "genres": liked if matches else [table.names[genre] for genre in mine],
            "match_score": score,
        }
    ]


def _similar_users(
    live: LiveModel, person: Person, history: History, row: int, *, rated_by_user: bool
) -> list[dict[str, Any]]:
    """What the person's taste group says of the film, if at least MIN_PEOPLE others stand behind it."""
    if row < 0 or not len(history):
        return []
    groups = live.model.groups
    group = groups.nearest(person.taste)
    count = int(groups.counts[group, row])
    # The person may be one of those who were counted; five others must remain.
    if count < MIN_PEOPLE + rated_by_user:
        return []
    average = float(groups.sums[group, row]) / count
    return [
        {
            "type": "similar_users",
            "description": gettext("%(count)d people with taste like yours rated it %(average).1f on average")
            % {"count": count, "average": average},
            "count": count,
            "average_rating": average,
        }
    ]

"""Milliseconds from a person's ratings to the films of their list where a catalogue has a million films: by the
shortlist, which serves large catalogues, and by scoring every film as small ones are. The database is left out.

The version has one sample of 32 factors, and EASE knows the 12,000 most rated films. In the first catalogue all films
have five raters or more, so that each has a place in everybody's order; the second has MovieLens' long tail.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.rounds import in_turn
from recommender.algorithms.discovery import Discovery, interleave
from recommender.algorithms.ease import MAX_FILMS, ItemWeights
from recommender.algorithms.ensemble import TrainedModel
from recommender.algorithms.film_features import n_film_features
from recommender.algorithms.film_model import FilmModel, History, NoiseScales, Person
from recommender.algorithms.genre_affinity import GenreTable
from recommender.algorithms.metrics import K, top_k
from recommender.algorithms.new_films import FilmPrior
from recommender.algorithms.ranking import Ranker
from recommender.algorithms.shortlist import Barred
from recommender.algorithms.taste_groups import TasteGroups
from recommender.algorithms.uncertainty import HALF_STARS, Uncertainty

N_FACTORS, N_NEIGHBOURS, N_RATINGS, N_PEOPLE = 32, 174, 200, 8
N_GENRES = 19
SPARE = 10  # a list looks at so many more films than it shows

Rows = NDArray[np.intp]


def measure(*, quick: bool) -> dict[str, Any]:
    """For each catalogue, the median and the slowest milliseconds of either way, and what the preparations take."""
    n_films = 100_000 if quick else 1_000_000
    return {
        name: _of_catalogue(made_model(n_films, everything_ranked=everything), rounds=5 if quick else 15)
        for name, everything in (("every film ranked", True), ("long tail", False))
    }


def _of_catalogue(model: TrainedModel, rounds: int) -> dict[str, Any]:
    people = [made_history(model, seed) for seed in range(N_PEOPLE)]
    started = time.perf_counter()
    model.prepare(wide=True)
    seconds = time.perf_counter() - started
    # A fifth of the films, as a genre or a decade leaves them.
    fits = np.random.default_rng(7).random(model.n_items) < 0.2
    ways: dict[str, Callable[[History], Rows]] = {
        "shortlist": lambda history: by_shortlist(model, history),
        "shortlist, filtered": lambda history: by_shortlist(model, history, fits),
        "every film": lambda history: by_every_film(model, history),
    }
    for way in ways.values():
        way(people[0])  # what is worked out once
    times = in_turn({name: _timed(way, people) for name, way in ways.items()}, rounds)
    same = [by_shortlist(model, one).tolist() == by_every_film(model, one).tolist() for one in people]
    return {
        "films": model.n_items,
        "films_ranked": len(model.ordering.ranked_films),
        "ms": {name: round(float(np.median(taken)), 2) for name, taken in times.items()},
        "ms_slowest": {name: round(max(taken), 2) for name, taken in times.items()},
        "lists_the_same": f"{sum(same)} of {len(same)}",
        "preparing_seconds": round(seconds, 2),
    }


def _timed(way: Callable[[History], Rows], people: list[History]) -> Callable[[], float]:
    turn = itertools.cycle(people)

    def milliseconds() -> float:
        history = next(turn)
        started = time.perf_counter()
        way(history)
        return (time.perf_counter() - started) * 1000

    return milliseconds


def by_shortlist(model: TrainedModel, history: History, fits: NDArray[np.bool_] | None = None, n: int = K) -> Rows:
    """Rows of a list of ``n``, as ``recommend_to`` makes it."""
    person = model.solve(history)
    field = model.wide.shortlist(person, Barred(history.item, fits), n + SPARE)
    return field.rows[_list_of(model, field.scores, field.values, n)]


def by_every_film(model: TrainedModel, history: History, n: int = K) -> Rows:
    """The same with every film scored."""
    person: Person = model.solve(history)
    scores = model.order(person).scores
    scores[history.item] = -np.inf
    return _list_of(model, scores, model.discovery.values(scores), n)


def _list_of(model: TrainedModel, scores: NDArray[np.float64], values: NDArray[np.float64], n: int) -> Rows:
    places = model.discovery.n_places(n)
    ranked = top_k(scores, n + SPARE)
    values[ranked[: n - places]] = -np.inf
    return interleave(ranked, top_k(values, places), n)[0]


def made_history(model: TrainedModel, seed: int) -> History:
    """Somebody who has rated mostly well-known films, as people do."""
    rng = np.random.default_rng(seed)
    known = np.flatnonzero(model.films.item_counts >= np.partition(model.films.item_counts, -20_000)[-20_000])
    item = np.sort(rng.choice(known, N_RATINGS, replace=False))
    value = np.clip(np.round(2 * rng.normal(3.6, 1.0, N_RATINGS)) / 2, 0.5, 5.0)
    return History(item.astype(np.int64), value, rng.random(N_RATINGS) < 0.9, rng.permutation(N_RATINGS))


def made_model(n_films: int, *, everything_ranked: bool, seed: int = 0) -> TrainedModel:
    """Drawn by chance in the shape of a trained one: how often films are rated falls by a power law, and the fewer
    raters a film has, the nearer to the prior its vector stays."""
    rng = np.random.default_rng(seed)
    # Of a million films the first has four hundred thousand raters, and two thirds have fewer than five.
    places = np.arange(n_films) / n_films
    counts = rng.permutation(1.0 / (places + 1e-4) ** 1.4).astype(np.int64)
    if everything_ranked:
        counts = np.maximum(5, counts)
    shrink = (counts / (counts + 20.0)).astype(np.float32)[:, None]
    spread = (0.25 * 0.93 ** np.arange(N_FACTORS)).astype(np.float32)
    vectors = rng.standard_normal((n_films, N_FACTORS), np.float32) * spread * np.sqrt(shrink)
    features = np.hstack([np.full((n_films, 1), 0.45, np.float32), vectors])[:, None, :]
    offsets = (3.2 + 0.5 * rng.standard_normal((n_films, 1), np.float32) * np.sqrt(shrink)).astype(np.float32)
    ranked = counts >= 5
    sd = np.where(ranked, 0.2 + rng.random(n_films, np.float32), 0).astype(np.float32)
    n_features = N_FACTORS + 1
    return TrainedModel(
        movie_ids=np.arange(1, n_films + 1, dtype=np.int64),
        films=FilmModel(
            global_mean=3.5,
            offsets=offsets,
            features=features,
            noise=np.array([0.7]),
            film_noise=np.zeros(n_films, np.float32),
            watched=np.zeros((n_films, 0), np.float32),
            watched_link=np.zeros((0, 1, n_features), np.float32),
            item_counts=counts,
            scales=NoiseScales(1.0, 4.0),
        ),
        ranker=Ranker(_made_weights(counts, rng), half_life=50.0),
        taste_weight=0.4,
        discovery=Discovery(
            slots=2,
            offered=(ranked & (rng.random(n_films) < 0.98)).astype(np.uint8),
            mean=np.where(ranked, rng.normal(0, 0.3, n_films), 0).astype(np.float32),
            sd=sd,
            price=np.where(ranked, rng.normal(0, 0.5, n_films), 0).astype(np.float32),
        ),
        uncertainty=Uncertainty(
            noise_variance=0.7,
            surprise=0.8,
            steadiness_ratings=10.0,
            person_scale=1.0,
            disagreement_scale=0.0,
            film_variance=np.full(n_films, 0.1),
            interval_z=1.6,
            levels=HALF_STARS,
            raw_knots=np.array([0.0, 1.0]),
            true_knots=np.array([0.0, 1.0]),
        ),
        groups=TasteGroups(
            np.zeros((1, n_features), np.float32), np.zeros((1, n_films), np.int32), np.zeros((1, n_films), np.float32)
        ),
        genres=GenreTable(
            tuple(f"Genre {n}" for n in range(N_GENRES)), (rng.random((n_films, N_GENRES)) < 0.12).astype(np.uint8)
        ),
        film_prior=FilmPrior(
            np.zeros((1 + n_film_features(N_GENRES), 1, n_features + 1), np.float32),
            np.eye(n_features + 1, dtype=np.float32)[None],
        ),
        n_users=200_000,
    )


def _made_weights(counts: NDArray[np.int64], rng: np.random.Generator) -> ItemWeights:
    """As many as EASE keeps of the most rated films."""
    films = np.sort(np.argsort(-counts, kind="stable")[:MAX_FILMS])
    n = min(N_NEIGHBOURS, len(films) - 1)
    # A step through the films that visits each once: no film has a target twice.
    steps = np.sort(rng.permutation(len(films) - 1)[:n] + 1)
    targets = np.sort((np.arange(len(films))[:, None] + steps) % len(films), axis=1)
    lengths = np.zeros(len(counts), np.int64)
    lengths[films] = n
    values = (0.01 * rng.standard_normal(targets.size)).astype(np.float32)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return ItemWeights(starts, films[targets.ravel()].astype(np.int32), values)

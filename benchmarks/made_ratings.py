"""Ratings drawn by chance in the shape of MovieLens, as many as one likes: for how long things take, not how well.

What matters to time and memory is kept: few films have most of the ratings and most have a handful, people have from
twenty to thousands, ratings are half stars that a few factors explain in part, and somebody's come in one sitting. The
same seed draws the same ratings, however many are drawn at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.interactions import Interactions

GENRES = ("Action", "Adventure", "Comedy", "Crime", "Drama", "Horror", "Romance", "Sci-Fi", "Thriller", "War")
N_TASTES = 6  # factors behind the ratings
PEOPLE_AT_A_TIME = 4_000
# MovieLens 25M: 162,541 people, 59,047 films, 20 ratings or more, half of the people fewer than 71.
RATINGS_A_PERSON, FEWEST = 154, 20
FILMS_AT_25_MILLION = 59_047
FIRST_SECOND, LAST_SECOND = 820_454_400, 1_577_836_800  # 1996 to 2020
MEAN, NOISE = 3.5, 0.85
LONGEST_LINE = 48  # bytes of a line of ratings.csv


@dataclass(frozen=True, slots=True)
class Shape:
    n_ratings: int  # asked for; what is drawn is within a few percent of it
    seed: int = 0

    @property
    def n_people(self) -> int:
        return max(1, round(self.n_ratings / RATINGS_A_PERSON))

    @property
    def n_films(self) -> int:
        """MovieLens' catalogues grow about like the root of the ratings: 9,700 films at 100 thousand, 59,000 at 25
        million."""
        return max(50, round(FILMS_AT_25_MILLION * (self.n_ratings / 25e6) ** 0.36))


@dataclass(frozen=True, eq=False)
class Chunk:
    """Ratings of some people, person by person and film by film; columns of the same length, people and films
    numbered from 0."""

    person: NDArray[np.int32]
    film: NDArray[np.int32]
    half_stars: NDArray[np.uint8]  # 1 to 10
    time: NDArray[np.int64]  # seconds since 1970


def draw(shape: Shape) -> Iterator[Chunk]:
    """All of them, some thousand people at a time."""
    rng = np.random.default_rng([shape.seed, 1])
    n_films = shape.n_films
    # Zipf–Mandelbrot: at 25 million, the most rated film is rated by half of the people, the median one by a handful.
    wanted = 1.0 / (np.arange(n_films) + 70.0) ** 1.5
    upto = np.cumsum(wanted) / wanted.sum()
    tastes = rng.normal(0, 0.25, (n_films, N_TASTES)).astype(np.float32)
    level = rng.normal(0, 0.35, n_films).astype(np.float32)
    for first in range(0, shape.n_people, PEOPLE_AT_A_TIME):
        people = np.arange(first, min(first + PEOPLE_AT_A_TIME, shape.n_people))
        yield _chunk(np.random.default_rng([shape.seed, 2, first]), people, upto, tastes, level)


def _chunk(
    rng: np.random.Generator,
    people: NDArray[np.int64],
    upto: NDArray[np.float64],
    tastes: NDArray[np.float32],
    level: NDArray[np.float32],
) -> Chunk:
    n_films = len(upto)
    counts = _counts(rng, len(people), n_films)
    # Drawn with some to spare, since a film drawn twice counts once.
    drawn = np.repeat(people, (1.6 * counts).astype(np.int64) + 10)
    films = np.searchsorted(upto, rng.random(len(drawn)), side="right").clip(max=n_films - 1)
    keys = drawn * n_films + films
    keys.sort()  # and without repetitions: several times faster than np.unique
    person, film = np.divmod(keys[np.diff(keys, prepend=-1) > 0], n_films)
    keep = _as_many_as_wanted(rng, person - people[0], counts)
    person, film = person[keep], film[keep]
    own = rng.normal(0, 1, (len(people), N_TASTES)).astype(np.float32)
    generous = rng.normal(0, 0.45, len(people)).astype(np.float32)
    of = person - people[0]
    stars = MEAN + generous[of] + level[film] + np.einsum("nk,nk->n", own[of], tastes[film])
    stars += rng.normal(0, NOISE, len(film)).astype(np.float32)
    began = rng.integers(FIRST_SECOND, LAST_SECOND - 86_400, len(people))
    return Chunk(
        person=person.astype(np.int32),
        film=film.astype(np.int32),
        half_stars=np.clip(np.rint(2 * stars), 1, 10).astype(np.uint8),
        time=began[of] + rng.integers(0, 86_400, len(film)),
    )


def _counts(rng: np.random.Generator, n: int, n_films: int) -> NDArray[np.int64]:
    """How many each person rates: lognormal, FEWEST or more, RATINGS_A_PERSON in the mean."""
    spread = 1.25
    mean_beyond = 1.06 * RATINGS_A_PERSON - FEWEST  # heavy raters run out of films
    beyond = rng.lognormal(np.log(mean_beyond) - spread**2 / 2, spread, n)
    return np.minimum(FEWEST + beyond.astype(np.int64), n_films // 3)


def _as_many_as_wanted(rng: np.random.Generator, of: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the drawn films stay, so that nobody has more than ``counts``; who has fewer keeps all."""
    order = np.argsort((of << 32) | rng.integers(0, 1 << 32, len(of)))  # person by person, each one's by chance
    starts = np.searchsorted(of, np.arange(len(counts)))
    place = np.arange(len(of)) - starts[of]
    keep = np.empty(len(of), np.bool_)
    keep[order] = place < counts[of]
    return keep


def interactions(shape: Shape) -> Interactions:
    """All of them at once, in memory."""
    chunks = list(draw(shape))
    return Interactions(
        user=np.concatenate([chunk.person for chunk in chunks]),
        item=np.concatenate([chunk.film for chunk in chunks]),
        value=np.concatenate([chunk.half_stars for chunk in chunks]).astype(np.float32) / np.float32(2),
        time=np.concatenate([chunk.time for chunk in chunks]),
        n_users=shape.n_people,
        n_items=shape.n_films,
    )


def write_movielens(shape: Shape, folder: Path) -> int:
    """movies.csv and ratings.csv as MovieLens 25M has them; the number of ratings."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([shape.seed, 3])
    years = rng.integers(1920, 2020, shape.n_films)
    with (folder / "movies.csv").open("w") as file:
        file.write("movieId,title,genres\n")
        for film, year in enumerate(years.tolist(), start=1):
            genres = rng.choice(GENRES, rng.integers(1, 4), replace=False)
            file.write(f"{film},Film number {film} ({year}),{'|'.join(genres)}\n")
    n = 0
    with (folder / "ratings.csv").open("wb") as rows:
        rows.write(b"userId,movieId,rating,timestamp\n")
        for chunk in draw(shape):
            lines = np.empty(len(chunk.person) * LONGEST_LINE, np.uint8)
            length = _write_lines(chunk.person, chunk.film, chunk.half_stars, chunk.time, lines)
            rows.write(lines[:length].data)
            n += len(chunk.person)
    return n


@numba.njit(nogil=True, cache=True)
def _write_number(number, lines, at):  # type: ignore[no-untyped-def]
    """The decimal digits from ``at`` on; the place behind them."""
    end = at + 1
    rest = number
    while rest >= 10:
        rest //= 10
        end += 1
    place = end
    while place > at:
        place -= 1
        lines[place] = 48 + number % 10
        number //= 10
    return end


@numba.njit(nogil=True, cache=True)
def _write_lines(person, film, half_stars, time, lines):  # type: ignore[no-untyped-def]
    """A line for each rating, people and films numbered from 1; how many bytes there are. A compiled loop, since
    formatting 25 million of them in Python takes minutes."""
    at = 0
    for t in range(len(person)):
        at = _write_number(np.int64(person[t]) + 1, lines, at)
        lines[at] = 44
        at = _write_number(np.int64(film[t]) + 1, lines, at + 1)
        lines[at] = 44
        at = _write_number(np.int64(half_stars[t]) // 2, lines, at + 1)
        lines[at] = 46
        lines[at + 1] = 53 if half_stars[t] % 2 else 48
        lines[at + 2] = 44
        at = _write_number(time[t], lines, at + 3)
        lines[at] = 10
        at += 1
    return at

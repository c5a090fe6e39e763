"""What lists show of films. Every process remembers it for as long as the catalogue is the same edition."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from cinema.models import Genre, Movie
from recommender.film_years import film_years
from recommender.per_version import PerVersion
from recommender.serving import LiveModel

# More filters than these are hardly in use at once; each costs a byte a film.
MAX_FILTERS = 64
MAX_FILMS = 100_000


@dataclass(frozen=True, slots=True)
class CatalogueFilm:
    pk: int
    title: str
    year: int | None
    genre_names: list[str]


@dataclass(frozen=True, slots=True)
class Filters:
    genre: str = ""
    year_min: int | None = None
    year_max: int | None = None

    def __bool__(self) -> bool:
        return bool(self.genre) or self.year_min is not None or self.year_max is not None

    def movies(self) -> Any:
        return Movie.objects.all().matching(genre=self.genre, year_min=self.year_min, year_max=self.year_max)


NO_FILTERS = Filters()


@dataclass
class _Memory:
    edition: int | None = None
    films: dict[int, CatalogueFilm | None] = field(default_factory=dict)  # by id; None: the catalogue has lost it
    masks: dict[Filters, NDArray[np.bool_]] = field(default_factory=dict)
    there: NDArray[np.bool_] | None = None


_memory: PerVersion[_Memory] = PerVersion()


def forget() -> None:
    """Drops what this process remembers, for tests."""
    _memory.clear()


def _remembered(live: LiveModel | None) -> _Memory:
    """What is known of the edition that the request sees; something that nobody keeps where that is not known."""
    if live is None or live.catalogue is None:
        return _Memory()
    known = _memory.get(live.label)
    if known is None or known.edition != live.catalogue or len(known.films) > MAX_FILMS:
        # Not emptied but exchanged: another thread may be reading the old one.
        known = _Memory(live.catalogue)
        _memory.set(live.label, known)
    return known


def genre_names(movie: Movie) -> list[str]:
    return [genre.name for genre in movie.genres.all()]


def catalogue_film(movie: Movie) -> CatalogueFilm:
    return CatalogueFilm(movie.pk, movie.title, movie.year, genre_names(movie))


def movies_by_id(
    movie_ids: Sequence[int] | NDArray[np.int64], live: LiveModel | None = None
) -> dict[int, CatalogueFilm]:
    """What a list shows of its films; films that are gone are left out. Two queries for those that are not remembered,
    all of them without ``live``."""
    films, wanted = _remembered(live).films, [int(pk) for pk in movie_ids]
    unknown = [pk for pk in wanted if pk not in films]
    if unknown:
        films.update(dict.fromkeys(unknown) | _read(unknown))
    return {pk: film for pk in wanted if (film := films[pk]) is not None}


# A list that changes with a rating often has a film or two that this process has not shown yet: these are statements
# that are not composed anew, which takes a tenth of the time. Our own tables, and values by parameter.
_LINKS = Movie.genres.through
_FILMS = f'SELECT id, title, year FROM "{Movie._meta.db_table}" WHERE id IN ({{ids}})'  # nosec B608
_GENRES = (
    f'SELECT link.movie_id, genre.name FROM "{_LINKS._meta.db_table}" AS link '  # nosec B608
    f'JOIN "{Genre._meta.db_table}" AS genre ON genre.id = link.genre_id '
    "WHERE link.movie_id IN ({ids}) ORDER BY genre.name"
)


def _read(movie_ids: list[int]) -> dict[int, CatalogueFilm]:
    """Those that the catalogue has."""
    ids, genres = ", ".join(["%s"] * len(movie_ids)), defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_GENRES.format(ids=ids), movie_ids)
        for pk, name in cursor.fetchall():
            genres[pk].append(name)
        cursor.execute(_FILMS.format(ids=ids), movie_ids)
        return {pk: CatalogueFilm(pk, title, year, genres[pk]) for pk, title, year in cursor.fetchall()}


_ALL = f'SELECT id FROM "{Movie._meta.db_table}"'  # nosec B608


def there(live: LiveModel) -> NDArray[np.bool_]:
    """Which of the version's films have not been deleted since the training, (n_items,), in its order."""
    memory = _remembered(live)
    if memory.there is None:
        with connection.cursor() as cursor:
            cursor.execute(_ALL)
            rows = live.model.rows(np.array(cursor.fetchall(), np.int64).ravel())
        found = np.zeros(live.model.n_items, np.bool_)
        found[rows[rows >= 0]] = True
        memory.there = found
    return memory.there


def fitting(filters: Filters, live: LiveModel) -> NDArray[np.bool_]:
    """Which of the version's films pass, (n_items,), in its order."""
    masks = _remembered(live).masks
    mask = masks.get(filters)
    if mask is None:
        mask = _mask(filters, live)
        if len(masks) < MAX_FILTERS:
            masks[filters] = mask
    return mask


def _mask(filters: Filters, live: LiveModel) -> NDArray[np.bool_]:
    """A genre is asked of the database, years are not: all of them are known here."""
    if filters.genre and (filters.year_min, filters.year_max) == (None, None):
        # Without the films themselves: a row of theirs says nothing more.
        links = Movie.genres.through.objects.filter(genre__name__iexact=filters.genre)
        rows = live.model.rows(np.fromiter(links.values_list("movie_id", flat=True), np.int64))
        mask = np.zeros(live.model.n_items, np.bool_)
        mask[rows[rows >= 0]] = True
        return mask
    years = film_years(live)
    mask = fitting(Filters(filters.genre), live).copy() if filters.genre else ~np.isnan(years)
    if filters.year_min is not None:
        mask &= years >= filters.year_min
    if filters.year_max is not None:
        mask &= years <= filters.year_max
    return mask


def fitting_films(filters: Filters, movie_ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of a few films pass, whether the version knows them or not."""
    if not len(movie_ids):
        return np.empty(0, np.bool_)
    found = filters.movies().filter(pk__in=movie_ids.tolist()).order_by().values_list("pk", flat=True)
    return np.isin(movie_ids, np.fromiter(found, np.int64))

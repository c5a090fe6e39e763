"""What everybody together has rated, for the public. Nothing here is about fewer than MIN_PEOPLE people.

Nobody rates a film twice, so a film with n ratings has n people behind it, and whatever counts that film has at least
as many.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import numpy as np
from django.db.models import BigIntegerField, Count, ExpressionWrapper, F, Max, QuerySet, TextField
from django.db.models.functions import Cast, Substr

from cinema.crowd import Crowd, crowd
from cinema.figure_cache import cached_figures
from cinema.influx import beyond
from cinema.models import MIN_PEOPLE, Movie, Rating

N_TOP = 12
# Ratings a film needs to be called one of the best, and ratings at the mean of all that are assumed of each film.
MIN_RATERS = 4 * MIN_PEOPLE
PRIOR_RATINGS = 20.0
# After so many days a rating counts half for the trend, and after WINDOW_DAYS (2⁻⁸ is left) no longer.
HALF_LIFE_DAYS = 90.0
WINDOW_DAYS = 720


@dataclass(frozen=True, slots=True)
class RankedFilm:
    movie_id: int
    n: int
    mean: float
    score: float  # the Bayesian average


@dataclass(frozen=True, slots=True)
class MonthOfRatings:
    first: date
    n: int | None  # None: fewer than MIN_PEOPLE people rated in it, but somebody did


@dataclass(frozen=True, slots=True)
class GenreTrend:
    """``recent``: share of the genre in the ratings of late, each weighted by its age. ``usual``: in all ratings."""

    name: str
    recent: float
    usual: float

    @property
    def change(self) -> float:
        return self.recent - self.usual


@dataclass(frozen=True, slots=True)
class Trends:
    until: date  # the day from which ages are counted
    genres: list[GenreTrend]  # the most risen first


@dataclass(frozen=True, slots=True)
class Decade:
    first_year: int
    n_films: int  # rated ones
    n_ratings: int
    mean: float


@dataclass(frozen=True, slots=True)
class SiteStatistics:
    as_of: datetime
    n_movies: int
    n_ratings: int
    n_people: int
    mean: float | None
    distribution: list[int | None]
    most_rated: list[RankedFilm]
    best_rated: list[RankedFilm]
    months: list[MonthOfRatings]
    trends: Trends | None
    decades: list[Decade]
    is_shown: bool  # whether there are MIN_PEOPLE people at all


def site_statistics() -> SiteStatistics:
    """As of at most a few minutes ago."""
    return cached_figures("statistics", SiteStatistics, lambda: compute_statistics(crowd()))


def compute_statistics(everybody: Crowd) -> SiteStatistics:
    """Beside the crowd, with at most six queries."""
    catalogue = _Catalogue.read()
    months = _months_with_people() if everybody.is_shown else []
    return SiteStatistics(
        as_of=everybody.as_of,
        n_movies=len(catalogue.years),
        n_ratings=everybody.n_ratings,
        n_people=everybody.n_people,
        mean=everybody.mean,
        distribution=everybody.distribution() if everybody.is_shown else [],
        most_rated=most_rated(everybody),
        best_rated=best_rated(everybody),
        months=month_by_month({month.first: month.shown for month in months}),
        trends=_trends(everybody, catalogue, months),
        decades=decades(everybody, catalogue.years),
        is_shown=everybody.is_shown,
    )


@dataclass(frozen=True, slots=True)
class _Catalogue:
    years: dict[int, int | None]  # of every film
    films_of: dict[str, list[int]]  # of every genre

    @classmethod
    def read(cls) -> _Catalogue:
        years: dict[int, int | None] = {}
        films_of: dict[str, list[int]] = defaultdict(list)
        films = Movie.objects.order_by().values_list("pk", "year", "genres__name")
        for movie_id, year, genre in films.iterator():
            years[movie_id] = year
            if genre is not None:
                films_of[genre].append(movie_id)
        return cls(years, dict(films_of))


# Films


def most_rated(everybody: Crowd) -> list[RankedFilm]:
    return _ranked(everybody, -everybody.counts, at_least=MIN_PEOPLE)


def best_rated(everybody: Crowd) -> list[RankedFilm]:
    """By the Bayesian average (PRIOR_RATINGS·m + Σ r) / (PRIOR_RATINGS + n), m the mean of all ratings: a few
    enthusiasts do not make a film the best, nor does a crowd of new accounts."""
    film, halves = beyond(everybody.as_of, everybody.movie_ids, everybody.counts)
    tallies = everybody.tallies.copy()
    np.subtract.at(tallies, (film, halves - 1), 1)
    counted = replace(everybody, tallies=np.maximum(tallies, 0))  # a rating may have come since they were counted
    return _ranked(counted, -bayesian_averages(counted), at_least=MIN_RATERS)


def bayesian_averages(everybody: Crowd) -> np.ndarray:
    """(n_films,)"""
    prior = PRIOR_RATINGS * (everybody.mean or 0.0)
    averages: np.ndarray = (prior + everybody.sums) / (PRIOR_RATINGS + everybody.counts)
    return averages


def _ranked(everybody: Crowd, order: np.ndarray, *, at_least: int) -> list[RankedFilm]:
    eligible = np.flatnonzero(everybody.counts >= at_least)
    first = eligible[np.argsort(order[eligible], kind="stable")][:N_TOP]
    score = bayesian_averages(everybody)
    return [
        RankedFilm(
            movie_id=int(everybody.movie_ids[row]),
            n=int(everybody.counts[row]),
            mean=float(everybody.sums[row] / everybody.counts[row]),
            score=float(score[row]),
        )
        for row in first
    ]


def decades(everybody: Crowd, years: Mapping[int, int | None]) -> list[Decade]:
    """The oldest first; only those with a film that MIN_PEOPLE people rated, without the films whose year is not
    known."""
    rows: dict[int, list[int]] = defaultdict(list)
    for row, movie_id in enumerate(everybody.movie_ids.tolist()):
        if (year := years.get(movie_id)) is not None:
            rows[year // 10 * 10].append(row)
    found = []
    for first_year, members in sorted(rows.items()):
        counts = everybody.counts[members]
        if counts.max() >= MIN_PEOPLE:
            n = int(counts.sum())
            found.append(Decade(first_year, len(members), n, float(everybody.sums[members].sum()) / n))
    return found


# Time


@dataclass(frozen=True, slots=True)
class _Month:
    first: date
    n: int
    people: int
    newest: datetime

    @property
    def shown(self) -> int | None:
        return self.n if self.people >= MIN_PEOPLE else None


def _beginning(length: int) -> Substr:
    """The first letters of the time of a rating: 7 for its month in UTC, 10 for its day. Without Django's functions of
    dates, which SQLite would have to call Python for, 25 million times."""
    return Substr(Cast("rated_at", TextField()), 1, length)


def _months_with_people() -> list[_Month]:
    """The months in which something was rated, the earliest first."""
    rows = (
        Rating.objects.order_by()
        .annotate(month=_beginning(7))
        .values_list("month")
        .annotate(n=Count("pk"), people=Count("user", distinct=True), newest=Max("rated_at"))
    )
    found = [_Month(date.fromisoformat(f"{month}-01"), n, people, newest) for month, n, people, newest in rows]
    return sorted(found, key=lambda month: month.first)


def month_by_month(counts: Mapping[date, int | None]) -> list[MonthOfRatings]:
    """Every month from the first to the last of which something may be said, 0 for one without a rating."""
    said = [month for month, n in counts.items() if n is not None]
    if not said:
        return []
    month, last = min(said), max(said)
    found = []
    while month <= last:
        found.append(MonthOfRatings(month, counts.get(month, 0)))
        month = (month + timedelta(days=31)).replace(day=1)
    return found


# Trends


def _trends(everybody: Crowd, catalogue: _Catalogue, months: Sequence[_Month]) -> Trends | None:
    """None where no month has MIN_PEOPLE people."""
    # Ages are counted from the newest rating, or an old set of ratings would have no trends; but a few latecomers do
    # not make a trend, and are left out.
    newest = max((month.newest for month in months if month.people >= MIN_PEOPLE), default=None)
    if newest is None:
        return None
    recent = Rating.objects.filter(rated_at__gt=newest - timedelta(days=WINDOW_DAYS), rated_at__lte=newest).order_by()
    recent = recent.annotate(day=_beginning(10))
    people = _people_by_genre(recent, catalogue)
    by_genre = recent.filter(movie__genres__isnull=False)
    total = _decayed(recent.values_list("day").annotate(n=Count("pk")), newest.date())
    counts: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for name, day, n in by_genre.values_list("movie__genres__name", "day").annotate(n=Count("pk")):
        counts[name].append((day, n))
    usual = genre_shares(everybody, catalogue.films_of)
    genres = [
        GenreTrend(name, _decayed(days, newest.date()) / total, usual[name])
        for name, days in counts.items()
        if people.get(name, 0) >= MIN_PEOPLE and name in usual
    ]
    return Trends(newest.date(), sorted(genres, key=lambda genre: (-genre.change, genre.name)))


def _people_by_genre(ratings: QuerySet[Rating], catalogue: _Catalogue) -> dict[str, int]:
    """How many people stand behind the ``ratings`` of each genre: exact where they are fewer than MIN_PEOPLE, else
    perhaps fewer than there are."""
    # Grouped by the number itself, SQLite would look up every rating by the index of films.
    film = ExpressionWrapper(F("movie_id") + 0, BigIntegerField())
    of_film = dict(ratings.annotate(film=film).values_list("film").annotate(n=Count("pk")))
    most = {name: max(of_film.get(pk, 0) for pk in films) for name, films in catalogue.films_of.items()}
    unclear = [name for name, n in most.items() if n < MIN_PEOPLE]
    if unclear:
        counted = ratings.filter(movie__genres__name__in=unclear).values_list("movie__genres__name")
        most |= dict(counted.annotate(people=Count("user", distinct=True)))
    return most


def _decayed(days: Iterable[tuple[str, int]], until: date) -> float:
    return sum(n * decay((until - date.fromisoformat(day)).days) for day, n in days)


def decay(age_in_days: float) -> float:
    """What a rating of that age still counts: ½^(age / HALF_LIFE_DAYS)."""
    return 0.5 ** (age_in_days / HALF_LIFE_DAYS)


def genre_shares(everybody: Crowd, films_of: Mapping[str, Sequence[int]]) -> dict[str, float]:
    """Share of each genre in all ratings. A film counts for each of its genres, so that they add up to more than 1."""
    shares = {}
    for name, movie_ids in films_of.items():
        rows = everybody.rows(np.array(movie_ids, dtype=np.int64))
        shares[name] = float(everybody.counts[rows[rows >= 0]].sum()) / max(1, everybody.n_ratings)
    return shares

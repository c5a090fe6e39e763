"""Are the ratings that come in still like those that the live version learned from?

Means and shares are compared with what chance would do to samples of this size. Nothing is judged by fewer than
MIN_RATINGS newer ratings of MIN_RATERS people: one enthusiast is no drift.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import Count, Sum
from django.db.models.functions import TruncDate
from numpy.typing import NDArray

from cinema.figure_cache import cached_figures
from cinema.models import RATING_VALUES, Movie, Rating, User
from recommender.serving import LiveModel

MIN_RATINGS = 100
MIN_RATERS = 10
Floats = NDArray[np.float64]

# A film's or an account's day is a burst from so many ratings on, if chance would hardly bring it.
MIN_BURST = 20
BURST_CHANCE = 1e-6
BASE_DAYS = 30
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Drift:
    """``moved`` by how much, ``noise`` what chance alone would move it; ``beyond`` the threshold, None: too few."""

    was: float
    now: float
    moved: float
    noise: float
    n: int
    people: int
    beyond: bool | None


@dataclass(frozen=True, slots=True)
class GenreShare:
    name: str
    was: float
    now: float


@dataclass(frozen=True, slots=True)
class Burst:
    what: str  # the film's title or the account's name
    id: int
    n: int  # ratings in the last 24 hours
    expected: float


def values_of_all() -> dict[float, int]:
    """How often each rating was given, over everything; minutes old at most on a large site."""
    return cached_figures(
        "rating-values",
        dict[float, int],
        lambda: dict(
            Rating.objects.order_by().values_list("value").annotate(Count("pk")).values_list("value", "pk__count")
        ),
    )


def values_since(moment: datetime) -> dict[float, int]:
    return _values(Rating.objects.changed_after(moment))


def _values(ratings: Any) -> dict[float, int]:
    return dict(ratings.order_by().values_list("value").annotate(n=Count("pk")))


def mean_drift(since: datetime, threshold: float) -> Drift:
    """Of the mean rating, in stars. The standard error is clustered by person: their ratings are not independent."""
    newer = values_since(since)
    older = {value: max(0, n - newer.get(value, 0)) for value, n in values_of_all().items()}
    of_people = list(
        Rating.objects.changed_after(since).order_by().values_list("user").annotate(n=Count("pk"), s=Sum("value"))
    )
    n = sum(row[1] for row in of_people)
    was = _mean(older)
    if not n:
        return Drift(was, math.nan, 0.0, math.nan, 0, 0, None)
    now = sum(row[2] for row in of_people) / n
    people = len(of_people)
    spread = sum((row[2] - now * row[1]) ** 2 for row in of_people)
    noise = math.sqrt(spread * people / max(1, people - 1)) / n
    beyond = None
    if n >= MIN_RATINGS and people >= MIN_RATERS and sum(older.values()):
        beyond = abs(now - was) > max(threshold, 1.96 * noise)
    return Drift(was, now, now - was, noise, n, people, beyond)


def _mean(values: dict[float, int]) -> float:
    n = sum(values.values())
    return sum(value * count for value, count in values.items()) / n if n else math.nan


def genre_drift(live: LiveModel, threshold: float) -> tuple[Drift, list[GenreShare]]:
    """Of the genres of the rated films, as total variation distance; the shares, the most moved first.

    What chance does to a sample of n: Σ √(2 p (1 − p) / (π n)) / 2, the mean of |p̂ − p| summed over genres.
    """
    genres = live.model.genres
    was = genres.membership.T @ live.model.films.item_counts.astype(np.float64)
    newer = Rating.objects.changed_after(live.data_until).order_by()
    counted = dict(newer.values_list("movie__genres__name").annotate(n=Count("pk")))
    now = np.array([counted.get(name, 0) for name in genres.names], np.float64)
    people = newer.values("user").distinct().count()
    n = int(now.sum())
    if not n or not was.sum():
        return Drift(math.nan, math.nan, 0.0, math.nan, 0, people, None), []
    p, q = was / was.sum(), now / n
    moved = float(np.abs(p - q).sum() / 2)
    noise = float(np.sqrt(2 * p * (1 - p) / (math.pi * n)).sum() / 2)
    enough = n >= MIN_RATINGS and people >= MIN_RATERS
    shares = [GenreShare(name, float(a), float(b)) for name, a, b in zip(genres.names, p, q, strict=True)]
    shares.sort(key=lambda one: -abs(one.now - one.was))
    return Drift(0.0, moved, moved, noise, n, people, moved - noise > threshold if enough else None), shares


def by_day(now: datetime, days: int) -> list[tuple[str, int, int, int]]:
    """(day, new ratings, new accounts, new films), every day, the oldest first."""
    first = (now - timedelta(days=days - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    counts = [
        _per_day(Rating.objects.filter(rated_at__gte=first), "rated_at"),
        # Imported people are no accounts.
        _per_day(User.objects.filter(date_joined__gte=first, source=""), "date_joined"),
        _per_day(Movie.objects.filter(added_at__gte=first), "added_at"),
    ]
    all_days = [(first + timedelta(days=day)).date() for day in range(days)]
    return [(day.isoformat(), *(one.get(day, 0) for one in counts)) for day in all_days]  # type: ignore[misc]


def _per_day(rows: Any, moment: str) -> dict[Any, int]:
    return dict(rows.order_by().annotate(day=TruncDate(moment)).values_list("day").annotate(n=Count("pk")))


def bursts(now: datetime) -> tuple[list[Burst], list[Burst]]:
    """Films and accounts with far more ratings in the last 24 hours than their past lets expect.

    A film's is its daily mean of the BASE_DAYS before, as busy as the site is today, and at least one; the chance of a
    Poisson variable to reach what came must be below BURST_CHANCE. An account's is ten times what the median account
    gave today.
    """
    day, base = now - timedelta(days=1), now - timedelta(days=1 + BASE_DAYS)
    # By when somebody rated, not by when it was written here: a file of old ratings is no burst.
    today = Rating.objects.filter(rated_at__gte=day, rated_at__lte=now).order_by()
    earlier = Rating.objects.filter(rated_at__gte=base, rated_at__lt=day).order_by()
    films = list(today.values_list("movie").annotate(n=Count("pk")).filter(n__gte=MIN_BURST).order_by("-n")[:200])
    before = dict(earlier.filter(movie__in=[film for film, _ in films]).values_list("movie").annotate(n=Count("pk")))
    busy = max(1.0, today.count() * BASE_DAYS / max(1, earlier.count()))
    found = [(film, n, max(1.0, busy * before.get(film, 0) / BASE_DAYS)) for film, n in films]
    found = [one for one in found if poisson_tail(one[1], one[2]) < BURST_CHANCE][:SHOWN]
    titles = dict(Movie.objects.filter(pk__in=[film for film, _, _ in found]).values_list("pk", "title"))
    of_films = [Burst(titles.get(film, "?"), film, n, expected) for film, n, expected in found]

    accounts = list(today.values_list("user").annotate(n=Count("pk")).order_by("-n")[:1000])
    usual = float(np.median([n for _, n in accounts])) if accounts else 0.0
    many = [(user, n) for user, n in accounts if n >= max(5 * MIN_BURST, 10 * usual)][:SHOWN]
    names = dict(User.objects.filter(pk__in=[user for user, _ in many]).values_list("pk", "username"))
    return of_films, [Burst(names.get(user, "?"), user, n, usual) for user, n in many]


def poisson_tail(n: int, mean: float) -> float:
    """P(X ≥ n) of a Poisson variable, summed from its largest term on, so that tiny chances stay exact."""
    if n <= mean:
        return 1.0
    term = math.exp(n * math.log(mean) - mean - math.lgamma(n + 1))
    total, k = term, n
    while term > total * 1e-12:
        k += 1
        term *= mean / k
        total += term
    return min(1.0, total)


def distribution(since: datetime | None) -> list[tuple[float, float, float]]:
    """(stars, share before, share since), for every value of the scale."""
    newer = values_since(since) if since is not None else {}
    older = {value: max(0, n - newer.get(value, 0)) for value, n in values_of_all().items()}
    return [(value, _share(older, value), _share(newer, value)) for value in RATING_VALUES]


def _share(values: dict[float, int], value: float) -> float:
    n = sum(values.values())
    return values.get(value, 0) / n if n else 0.0

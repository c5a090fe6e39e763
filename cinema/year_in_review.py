"""A year of somebody's ratings, by the day on which each film was first rated. Pure computing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo

from cinema.own_ratings import OwnRating
from cinema.taste import against_the_crowd

# The first is shown four times as large: three full rows of six.
N_BEST = 15
N_AGAINST = 5
# Ratings at the year's mean that are assumed of each genre, and real ones before it can be the favourite.
GENRE_DAMPING = 3.0
MIN_OF_GENRE = 2


@dataclass(frozen=True, slots=True)
class GenreOfYear:
    name: str
    n: int
    mean: float


@dataclass(frozen=True, slots=True)
class Streak:
    """Days in a row on each of which something was rated."""

    days: int
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class YearBefore:
    year: int
    n: int
    mean: float


@dataclass(frozen=True, slots=True)
class YearInReview:
    year: int
    n: int
    mean: float
    by_month: list[int]  # twelve counts
    best: list[OwnRating]  # at most N_BEST, the best first
    genre: GenreOfYear | None
    busiest_day: date
    n_on_busiest_day: int
    against: list[OwnRating]
    oldest: OwnRating | None  # films by the year they were made; None where no year is known
    newest: OwnRating | None
    streak: Streak
    before: YearBefore | None  # None if nothing was rated in the year before


def years_with_ratings(ratings: Sequence[OwnRating], zone: tzinfo) -> list[tuple[int, int]]:
    """(year, number of films), the latest year first."""
    return sorted(Counter(_day(rating, zone).year for rating in ratings).items(), reverse=True)


def review(ratings: Sequence[OwnRating], year: int, zone: tzinfo) -> YearInReview | None:
    """None if nothing was rated in that year. ``zone``: where a day begins at midnight."""
    days = {rating.movie_id: _day(rating, zone) for rating in ratings}
    mine = [rating for rating in ratings if days[rating.movie_id].year == year]
    if not mine:
        return None
    mean = _mean(mine)
    by_day = Counter(days[rating.movie_id] for rating in mine)
    by_month = Counter(day.month for day in by_day.elements())
    busiest = min(by_day, key=lambda day: (-by_day[day], day))
    dated = sorted((rating for rating in mine if rating.year is not None), key=lambda one: (one.year, one.movie_id))
    before = [rating for rating in ratings if days[rating.movie_id].year == year - 1]
    return YearInReview(
        year=year,
        n=len(mine),
        mean=mean,
        by_month=[by_month[month] for month in range(1, 13)],
        best=sorted(mine, key=_best_first)[:N_BEST],
        genre=_favourite_genre(mine, mean),
        busiest_day=busiest,
        n_on_busiest_day=by_day[busiest],
        against=against_the_crowd(mine, N_AGAINST),
        oldest=dated[0] if dated else None,
        newest=dated[-1] if dated else None,
        streak=_longest_streak(sorted(by_day)),
        before=YearBefore(year - 1, len(before), _mean(before)) if before else None,
    )


def _day(rating: OwnRating, zone: tzinfo) -> date:
    return rating.rated_at.astimezone(zone).date()


def _mean(ratings: Sequence[OwnRating]) -> float:
    return sum(rating.value for rating in ratings) / len(ratings)


def _best_first(rating: OwnRating) -> tuple[float, float, float]:
    """Of equal stars, the film that the others like less is more one's own; then the latest."""
    return -rating.value, -(rating.difference or 0.0), -rating.rated_at.timestamp()


def _favourite_genre(ratings: Sequence[OwnRating], mean: float) -> GenreOfYear | None:
    """The genre with the highest Σ (r − mean) / (n + GENRE_DAMPING) among those with enough films."""
    groups: dict[str, list[OwnRating]] = defaultdict(list)
    for rating in ratings:
        for name in rating.genres:
            groups[name].append(rating)
    eligible = {name: members for name, members in groups.items() if len(members) >= MIN_OF_GENRE}
    if not eligible:
        return None

    def order(name: str) -> tuple[float, int, str]:
        members = eligible[name]
        return -len(members) * (_mean(members) - mean) / (len(members) + GENRE_DAMPING), -len(members), name

    first = min(eligible, key=order)
    return GenreOfYear(first, len(eligible[first]), _mean(eligible[first]))


def _longest_streak(days: Sequence[date]) -> Streak:
    """Of ``days``, ascending and each once, the longest run without a gap; of equally long ones the first."""
    best = current = Streak(1, days[0], days[0])
    for day in days[1:]:
        joins = day - current.last == timedelta(days=1)
        current = Streak(current.days + 1, current.first, day) if joins else Streak(1, day, day)
        if current.days > best.days:
            best = current
    return best

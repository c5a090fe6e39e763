"""A few people with a few ratings, so that every figure can be worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime

from cinema import figure_cache
from cinema.models import Genre, Movie, Rating, User

LONG_AGO = datetime(2016, 3, 1, 12, tzinfo=UTC)


def make_people(n: int) -> list[User]:
    return [User.objects.create(username=f"small:{i}", source="small", source_id=i) for i in range(n)]


def make_film(title: str, *genres: str, year: int | None = 1990) -> Movie:
    movie = Movie.objects.create(title=title, year=year)
    movie.genres.set([Genre.objects.get_or_create(name=name)[0] for name in genres])
    return movie


def give(user: User, movie: Movie, value: float, at: datetime = LONG_AGO, changed_at: datetime | None = None) -> Rating:
    return Rating.objects.create(user=user, movie=movie, value=value, rated_at=at, changed_at=changed_at or at)


class ColdCacheMixin:
    """Nothing is known yet of the crowd of another test."""

    def setUp(self) -> None:
        figure_cache.forget()
        self.addCleanup(figure_cache.forget)  # type: ignore[attr-defined]
        super().setUp()  # type: ignore[misc]

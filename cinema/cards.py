"""What a poster card shows of a film, wherever the film comes from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.urls import reverse

from cinema.models import Movie, Rating, User
from cinema.posters import poster_digest
from cinema.tmdb import art_digests


@dataclass(frozen=True, slots=True)
class Card:
    movie_id: int
    title: str
    year: int | None
    genres: list[str]
    predicted_rating: float | None = None
    slot: str = ""
    n_ratings: int | None = None
    your_rating: float | None = None
    hideable: bool = False  # whether the card has a button that keeps the film out of all lists
    because: Sequence[str] = ()  # why it is shown here, a short line each

    @property
    def url(self) -> str:
        return reverse("cinema:movie", args=[self.movie_id])

    @property
    def poster_url(self) -> str:
        if digest := art_digests().get(self.movie_id):
            return reverse("cinema:art", args=[digest])
        return reverse("cinema:poster", args=[self.movie_id, poster_digest(self.title, self.year, self.genres)])


def card(
    movie: Movie,
    *,
    n_ratings: int | None = None,
    your_rating: float | None = None,
    predicted_rating: float | None = None,
) -> Card:
    """The card of ``movie``, whose genres should have been prefetched."""
    return Card(
        movie_id=movie.pk,
        title=movie.title,
        year=movie.year,
        genres=[genre.name for genre in movie.genres.all()],
        predicted_rating=predicted_rating,
        n_ratings=n_ratings,
        your_rating=your_rating,
    )


def ratings_of(user: User, movies: Iterable[Movie]) -> dict[int, float]:
    """What ``user`` gave those of ``movies`` they rated."""
    return dict(Rating.objects.of(user).filter(movie__in=movies).values_list("movie", "value"))

"""The films."""

from __future__ import annotations

from typing import Any

from django.db import connection, models
from django.db.models import Case, Count, When
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone

from cinema.models.library import HiddenMovie, ShelfEntry
from cinema.models.people import User
from cinema.models.rating_counts import RatingCount
from cinema.models.ratings import RATING_VALUES, Rating

# What others think of a film is shown only where at least this many of them stand behind it.
MIN_PEOPLE = 5

_TITLED = 'SELECT id, title FROM "{table}" WHERE id = %s'


def _counted_now() -> Coalesce:
    counts = Rating.objects.filter(movie=models.OuterRef("pk")).order_by().values("movie").annotate(n=Count("pk"))
    return Coalesce(models.Subquery(counts.values("n")), 0)


class Genre(models.Model):
    name = models.CharField(max_length=60, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class MovieQuerySet(models.QuerySet["Movie"]):
    def titled(self, movie_id: int) -> Movie:
        """The film with its title and nothing else loaded. Raises DoesNotExist."""
        # Every rating asks for it, so it is a statement that is not composed anew.
        with connection.cursor() as cursor:
            cursor.execute(_TITLED.format(table=self.model._meta.db_table), [movie_id])
            row = cursor.fetchone()
        if row is None:
            raise self.model.DoesNotExist
        return self.model.from_db(self.db, ["id", "title"], row)

    def matching(
        self, *, search: str = "", genre: str = "", year_min: int | None = None, year_max: int | None = None
    ) -> MovieQuerySet:
        """Films whose title holds every word of ``search``, of that genre (any letter case) and those years."""
        movies = self
        for word in search.split():
            movies = movies.filter(title__icontains=word)
        if genre:
            movies = movies.filter(genres__name__iexact=genre)
        if year_min is not None:
            movies = movies.filter(year__gte=year_min)
        if year_max is not None:
            movies = movies.filter(year__lte=year_max)
        return movies

    def with_rating_counts(self) -> MovieQuerySet:
        """Adds ``n_ratings``, counted now. A subquery, so that it does not multiply with the join on genres."""
        return self.annotate(n_ratings=_counted_now())

    def with_kept_rating_counts(self) -> MovieQuerySet:
        """The same for many films at once: where there are very many ratings, as of some minutes ago."""
        kept = RatingCount.objects.filter(movie=models.OuterRef("pk")).values("n")
        kept_or_none = Coalesce(models.Subquery(kept), 0)
        # Asked within the statement, once, so that all of it is either kept or counted.
        are_kept = models.Exists(RatingCount.objects.all())
        return self.annotate(n_ratings=Case(When(are_kept, then=kept_or_none), default=_counted_now()))

    def with_rating_by(self, user: User) -> MovieQuerySet:
        """Adds ``your_rating``, None where there is none."""
        mine = Rating.objects.filter(user=user, movie=models.OuterRef("pk")).order_by().values("value")
        return self.annotate(your_rating=models.Subquery(mine))

    def with_shelves_of(self, user: User) -> MovieQuerySet:
        """Adds ``on_watchlist``, ``is_favourite`` and ``hidden_reason``, None where it is not hidden."""
        entries = ShelfEntry.objects.filter(user=user, movie=models.OuterRef("pk")).order_by()
        hidden = HiddenMovie.objects.filter(user=user, movie=models.OuterRef("pk")).order_by().values("reason")
        return self.annotate(
            on_watchlist=models.Exists(entries.filter(shelf=ShelfEntry.Shelf.WATCHLIST)),
            is_favourite=models.Exists(entries.filter(shelf=ShelfEntry.Shelf.FAVOURITES)),
            hidden_reason=models.Subquery(hidden),
        )

    def most_rated_first(self) -> MovieQuerySet:
        """Adds ``n_ratings``, as of some minutes ago where there are very many, and sorts by it."""
        return self.with_kept_rating_counts().order_by(models.F("n_ratings").desc(), "pk")


class Movie(models.Model):
    title = models.TextField()  # of any length: catalogues hold titles that no one thought of
    year = models.SmallIntegerField(null=True, blank=True)
    genres = models.ManyToManyField(Genre, related_name="movies", blank=True)
    # Where it was imported from. MovieLens' sets number films differently, so an id means nothing without its set.
    source = models.CharField(max_length=40, blank=True, default="", editable=False)
    source_id = models.BigIntegerField(null=True, blank=True, editable=False)
    # Null for films that were there before this was written down.
    added_at = models.DateTimeField(null=True, default=timezone.now, editable=False, db_index=True)

    your_rating: float | None  # only with with_rating_by()
    on_watchlist: bool  # these three only with with_shelves_of()
    is_favourite: bool
    hidden_reason: str | None

    objects = MovieQuerySet.as_manager()

    class Meta:
        ordering = ["title", "pk"]
        indexes = [models.Index(fields=["year"])]
        constraints = [
            models.UniqueConstraint(fields=["source", "source_id"], name="unique_movie_source"),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.year})" if self.year else self.title

    def get_absolute_url(self) -> str:
        return reverse("cinema:movie", args=[self.pk])

    def rating_summary(self) -> dict[str, Any]:
        """``{"count", "average", "distribution"}``: how often each of RATING_VALUES was given. The last two are None
        while fewer than MIN_PEOPLE rated the film."""
        by_value = dict(self.ratings.order_by().values_list("value").annotate(n=Count("pk")))
        distribution = [by_value.get(value, 0) for value in RATING_VALUES]
        count = sum(distribution)
        if count < MIN_PEOPLE:
            return {"count": count, "average": None, "distribution": None}
        total = sum(value * n for value, n in zip(RATING_VALUES, distribution, strict=True))
        return {"count": count, "average": total / count, "distribution": distribution}


class MovieArt(models.Model):
    """The real poster and summary of a film, from The Movie Database. ``cinema.tmdb`` writes it."""

    movie = models.OneToOneField(Movie, on_delete=models.CASCADE, related_name="art", primary_key=True)
    tmdb_id = models.BigIntegerField(null=True)  # empty: not found
    digest = models.CharField(max_length=32, blank=True, default="")  # of the picture, and its file's name
    overview = models.TextField(blank=True, default="")
    asked_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"film {self.movie_id}: {self.tmdb_id or 'not found'}"

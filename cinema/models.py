"""Films, people and ratings. A rating is written by ``cinema.ratings`` and by the importers, and nowhere else."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.db import models
from django.db.models import Avg, Count, Q
from django.db.models.functions import Coalesce
from django.urls import reverse

# Halves are exact in binary floating point, so equality and the check constraint below are safe.
RATING_VALUES = tuple(step / 2 for step in range(1, 11))

# What others think of a film is shown only where at least this many of them stand behind it.
MIN_PEOPLE = 5

# Of ten places of a list, at most this many go to discoveries: what every version has prices for.
MAX_DISCOVERIES = 3


class UserManager(DjangoUserManager["User"]):
    def people(self) -> models.QuerySet[User]:
        """Those who can sign in, that is, who did not come from an import."""
        return self.filter(source="")


class User(AbstractUser):
    """Somebody who rates films: a person with an account, or one imported with a set of ratings.

    An imported person's name holds a colon, which no sign-up form accepts, and cannot sign in.
    """

    source = models.CharField(max_length=40, blank=True, default="", editable=False)
    source_id = models.BigIntegerField(null=True, blank=True, editable=False)
    # Places in ten that lists give to discoveries; null leaves the number to the live version.
    discovery = models.PositiveSmallIntegerField(
        "discoveries in ten",
        null=True,
        blank=True,
        choices=[(None, "auto"), (0, "none"), *((n, str(n)) for n in range(1, MAX_DISCOVERIES + 1))],
    )

    objects: ClassVar[UserManager] = UserManager()

    class Meta(AbstractUser.Meta):
        constraints = [
            models.UniqueConstraint(fields=["source", "source_id"], name="unique_user_source"),
            models.CheckConstraint(
                condition=Q(discovery__isnull=True) | Q(discovery__range=(0, MAX_DISCOVERIES)),
                name="discovery_within_its_range",
            ),
        ]

    @property
    def is_imported(self) -> bool:
        return self.source != ""

    def choose_discovery(self, discovery: int | None) -> None:
        """Keeps how many discoveries the person wants. Nothing is written where nothing changes."""
        if self.discovery != discovery:
            self.discovery = discovery
            self.save(update_fields=["discovery"])


class Genre(models.Model):
    name = models.CharField(max_length=60, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class MovieQuerySet(models.QuerySet["Movie"]):
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
        """Adds ``n_ratings``. A subquery, so that it does not multiply with the join on genres."""
        counts = (
            Rating.objects.filter(movie=models.OuterRef("pk"))
            .order_by()
            .values("movie")
            .annotate(n=Count("pk"))
            .values("n")
        )
        return self.annotate(n_ratings=Coalesce(models.Subquery(counts), 0))

    def with_rating_by(self, user: User) -> MovieQuerySet:
        """Adds ``your_rating``, None where there is none."""
        mine = Rating.objects.filter(user=user, movie=models.OuterRef("pk")).order_by().values("value")
        return self.annotate(your_rating=models.Subquery(mine))

    def most_rated_first(self) -> MovieQuerySet:
        """Adds ``n_ratings`` and sorts by it."""
        return self.with_rating_counts().order_by(models.F("n_ratings").desc(), "pk")


class Movie(models.Model):
    title = models.TextField()  # of any length: catalogues hold titles that no one thought of
    year = models.SmallIntegerField(null=True, blank=True)
    genres = models.ManyToManyField(Genre, related_name="movies", blank=True)
    # Where it was imported from. MovieLens' sets number films differently, so an id means nothing without its set.
    source = models.CharField(max_length=40, blank=True, default="", editable=False)
    source_id = models.BigIntegerField(null=True, blank=True, editable=False)

    your_rating: float | None  # only with with_rating_by()

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
        """``{"count", "average"}``; the average is None while fewer than MIN_PEOPLE rated the film."""
        summary = self.ratings.aggregate(count=Count("pk"), average=Avg("value"))
        if summary["count"] < MIN_PEOPLE:
            summary["average"] = None
        return summary


class RatingQuerySet(models.QuerySet["Rating"]):
    def of(self, user: User) -> RatingQuerySet:
        return self.filter(user=user)

    def changed_after(self, moment: datetime) -> RatingQuerySet:
        return self.filter(changed_at__gt=moment)


class Rating(models.Model):
    # The unique constraint below leads with the user, so the foreign key needs no index of its own.
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="ratings", db_index=False)
    movie = models.ForeignKey(Movie, on_delete=models.CASCADE, related_name="ratings")
    value = models.FloatField()
    rated_at = models.DateTimeField()  # when the person first rated the film; an edit keeps it
    changed_at = models.DateTimeField(db_index=True)  # when this row was last written here

    objects = RatingQuerySet.as_manager()

    class Meta:
        ordering = ["-rated_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["user", "movie"], name="unique_rating"),
            models.CheckConstraint(condition=Q(value__in=RATING_VALUES), name="rating_in_half_stars"),
        ]

    def __str__(self) -> str:
        return f"user {self.user_id}, film {self.movie_id}: {self.value}"


class ThrottleCount(models.Model):
    """How often ``key`` did ``scope`` in the minute that began at ``window``. In the database, so that all
    processes count together."""

    scope = models.CharField(max_length=20)
    key = models.CharField(max_length=200)
    window = models.DateTimeField(db_index=True)
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "key", "window"], name="unique_throttle_window")]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}: {self.count}"

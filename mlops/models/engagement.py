"""Which lists people were shown, and what they did about the films of them."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from cinema.models import Movie
from mlops.models.policies import Policy
from recommender.models import Experiment, ModelVersion


class EngagementPolicy(Policy):
    """Whether that is noted at all, and for how long it is kept."""

    record = models.BooleanField("note which lists people are shown, and what they do about the films", default=True)
    keep_days = models.PositiveIntegerField(
        "forget it after so many days", default=90, validators=[MinValueValidator(7), MaxValueValidator(730)]
    )

    class Meta(Policy.Meta):
        verbose_name = "log of lists"


class ServedList(models.Model):
    """One list that went to its person. It goes when they go."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="served_lists")
    at = models.DateTimeField()
    surface = models.CharField(max_length=60)  # where it stood: home, api, or a rail's key
    version = models.CharField(max_length=20, blank=True, default="")  # its label; empty where none was there
    personal = models.BooleanField(default=True)
    device = models.CharField(max_length=8, blank=True, default="")  # a class of devices, never a browser's name
    where = models.CharField(max_length=10, blank=True, default="")  # the person was, if they said so
    movie_ids = models.JSONField()  # in their order
    slots = models.CharField(max_length=200)  # a letter for each, see recommender.served.SLOTS

    experiment = models.ForeignKey(  # the one that it counts for
        Experiment, null=True, on_delete=models.SET_NULL, related_name="served_lists"
    )
    # The list's arm; where each place has its own, a letter for each, small where it says nothing of the arms.
    arms = models.CharField(max_length=200, blank=True, default="")
    lot = models.JSONField(null=True, default=None)  # {place, pool, propensity} where one place was given away by lot

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["user", "at"], name="lists_of_somebody"),
            models.Index(fields=["at", "version"], name="lists_by_time"),
            models.Index(fields=["at"], condition=models.Q(lot__isnull=False), name="lists_with_a_lot"),
        ]

    def __str__(self) -> str:
        return f"{self.surface}, {self.at:%Y-%m-%d %H:%M}"


class Engagement(models.Model):
    """One thing that somebody did about a film: on account of a list, if one had shown it to them lately."""

    class Kind(models.TextChoices):
        OPENED = "opened", "opened its page"
        WATCHLISTED = "listed", "put it on the watchlist"
        RATED = "rated", "rated it"
        HIDDEN = "hidden", "does not want to see it"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="engagements")
    movie = models.ForeignKey(Movie, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=6, choices=Kind.choices)
    value = models.FloatField(null=True)  # stars
    at = models.DateTimeField()
    # The last list before that showed them the film, and at which place, from 1; empty where none did.
    served_list = models.ForeignKey(ServedList, null=True, on_delete=models.SET_NULL, related_name="engagements")
    place = models.PositiveSmallIntegerField(null=True)
    settled = models.BooleanField(default=False)  # whether that list has been looked for

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["user", "at"], name="engagements_of_somebody"),
            models.Index(fields=["at"], name="engagements_by_time"),
            models.Index(fields=["at"], condition=models.Q(settled=False), name="engagements_to_settle"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}, {self.at:%Y-%m-%d %H:%M}"


class EngagementDay(models.Model):
    """What came of the lists of one day by one version: numbers of nobody in particular, which stay."""

    SHOWN = ("lists", "places", "films")
    COUNTS = (
        *SHOWN, "opened_lists", "opened", "watchlisted", "rated", "liked", "hidden",
        "rated_after_opening",
    )  # fmt: skip

    day = models.DateField()
    version = models.CharField(max_length=20, blank=True, default="")
    lists = models.PositiveIntegerField(default=0)
    places = models.PositiveIntegerField(default=0)
    films = models.PositiveIntegerField(default=0)  # different ones
    catalogue = models.PositiveIntegerField(default=0)  # films there were to show
    opened_lists = models.PositiveIntegerField(default=0)  # lists of which a film's page was opened
    # Films of these lists, each counted once for a list
    opened = models.PositiveIntegerField(default=0)
    watchlisted = models.PositiveIntegerField(default=0)
    rated = models.PositiveIntegerField(default=0)
    liked = models.PositiveIntegerField(default=0)
    hidden = models.PositiveIntegerField(default=0)
    rated_after_opening = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "version"], name="one_row_per_day_and_version")]
        ordering = ["day", "version"]

    def __str__(self) -> str:
        return f"{self.day} {self.version}"


class PolicyValue(models.Model):
    """What a version would have been worth on lists that another one made."""

    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="policy_values")
    at = models.DateTimeField()
    n_lists = models.PositiveIntegerField()  # with a lot, that it was valued on
    # {value, interval, effective_sample_size, effective_people, mean_weight, n_people}; null where they were too few
    result = models.JSONField(null=True, blank=True, default=None)
    refusal = models.CharField(max_length=200, blank=True, default="")  # why there is none

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.version_id}, {self.at:%Y-%m-%d %H:%M}"

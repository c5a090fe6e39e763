"""What is measured of a serving site, and where its figures become worth a word."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from mlops.models.policies import Policy
from recommender.models import Activation, ModelVersion


def _number(text: str, default: float, low: float, high: float) -> models.FloatField[float, float]:
    return models.FloatField(text, default=default, validators=[MinValueValidator(low), MaxValueValidator(high)])


def _count(text: str, default: int, low: int, high: int) -> models.PositiveIntegerField[int, int]:
    return models.PositiveIntegerField(
        text, default=default, validators=[MinValueValidator(low), MaxValueValidator(high)]
    )


class HealthPolicy(Policy):
    mean_drift = _number("the mean rating may move by, in stars", 0.2, 0.01, 4.0)
    genre_drift = _number("shares of genres may move by (total variation)", 0.15, 0.01, 1.0)
    fallback_share = _number("lists may be impersonal up to the share", 0.3, 0.0, 1.0)
    error_share = _number("answers may be errors up to the share", 0.01, 0.0, 1.0)
    slow_ms = _number("a list may take, 95th percentile in ms", 500.0, 1.0, 60_000.0)
    learning_ms = _number("a rating may take to be learned, 95th percentile in ms", 500.0, 1.0, 60_000.0)
    shuffle_ratings = _count("newly liked films that the lists are tested on", 200, 20, 5000)

    class Meta(Policy.Meta):
        verbose_name = "thresholds of health"


class ShuffleTestResult(models.Model):
    """How a live version's lists did on the last films that people went on to like."""

    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="shuffle_tests")
    at = models.DateTimeField()
    ratings_until = models.DateTimeField(null=True)  # of the newest rating that was looked at
    n = models.PositiveIntegerField()
    people = models.PositiveIntegerField()
    result = models.JSONField(null=True, blank=True, default=None)  # null: too few to say anything

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.version_id}, {self.at:%Y-%m-%d %H:%M}"


class WatchPolicy(Policy):
    """How long a newly live version is watched, and what it must not do worse than what was live before."""

    class Action(models.TextChoices):
        OFFER = "offer", "offer to roll back"
        ROLL_BACK = "roll back", "roll back by itself"

    minutes = _count("it is watched for so many minutes", 30, 1, 24 * 60)
    min_lists = _count("lists that are needed to judge by", 50, 1, 1_000_000)
    fallback_margin = _number("the share of impersonal lists may rise by", 0.05, 0.0, 1.0)
    error_margin = _number("the share of errors may rise by", 0.01, 0.0, 1.0)
    latency_factor = _number("the 95th percentile may rise by the factor", 1.5, 1.0, 100.0)
    popularity_margin = _number("the share of most rated films in lists may rise by", 0.15, 0.0, 1.0)
    action = models.CharField("on an alarm", max_length=10, choices=Action.choices, default=Action.OFFER)

    class Meta(Policy.Meta):
        verbose_name = "watch after an activation"


class Watch(models.Model):
    """One newly live version beside what was live before it."""

    class State(models.TextChoices):
        WATCHING = "watching", "watching"
        PASSED = "passed", "as before"
        TOO_FEW = "too few", "too few lists to judge by"
        ALARM = "alarm", "worse than before"
        REPLACED = "replaced", "something else became live"

    activation = models.OneToOneField(Activation, on_delete=models.CASCADE, related_name="watch")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WATCHING)
    findings = models.JSONField(default=list)  # [{name, passed, text}]
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    rolled_back = models.BooleanField(default=False)  # by the watch itself

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"watch over activation {self.activation_id}: {self.state}"

    @property
    def is_alarm(self) -> bool:
        return self.state == self.State.ALARM and not self.rolled_back

"""How somebody has set the controls of their lists."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from cinema.models.people import User

# The lowest and the highest setting of each; 0 leaves lists as they are.
CONTROL_RANGES: dict[str, tuple[float, float]] = {
    "popularity": (-1.0, 1.0),
    "novelty": (0.0, 1.0),
    "recency": (-1.0, 1.0),
    "diversity": (0.0, 1.0),
}
# First years from which somebody's ratings may be made to count.
SINCE_RANGE = (1900, 2200)


class ListControls(models.Model):
    """Kept by ``cinema.controls``. Whoever has no row has changed nothing."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="list_controls", primary_key=True)
    popularity = models.FloatField(default=0.0)  # from obscure to well known
    novelty = models.FloatField(default=0.0)  # how far from what they rated
    recency = models.FloatField(default=0.0)  # from older to newer
    diversity = models.FloatField(default=0.0)  # how unlike each other
    since = models.PositiveSmallIntegerField(null=True, blank=True)  # ratings of earlier years do not count

    class Meta:
        verbose_name = verbose_name_plural = "list controls"
        constraints = [
            *(
                models.CheckConstraint(condition=Q(**{f"{name}__range": within}), name=f"{name}_within_its_range")
                for name, within in CONTROL_RANGES.items()
            ),
            models.CheckConstraint(
                condition=Q(since__isnull=True) | Q(since__range=SINCE_RANGE), name="since_within_its_range"
            ),
        ]

    def __str__(self) -> str:
        return f"user {self.user_id}"

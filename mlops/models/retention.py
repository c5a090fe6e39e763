"""How many versions are kept."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from mlops.models.policies import Policy
from recommender.scoreboard import MEASURES


def _number(default: int, text: str) -> models.PositiveSmallIntegerField[int, int]:
    return models.PositiveSmallIntegerField(
        text, default=default, validators=[MinValueValidator(1), MaxValueValidator(1000)]
    )


class RetentionPolicy(Policy):
    automatic = models.BooleanField("delete after every training", default=True)
    keep_newest = _number(10, "newest versions that are kept")
    keep_best = _number(3, "best versions that are kept")
    best_by = models.CharField(
        "best by",
        max_length=30,
        default="ndcg_at_10",
        choices=[(name, measure.title) for name, measure in MEASURES.items()],
    )

    class Meta(Policy.Meta):
        verbose_name = "retention of versions"

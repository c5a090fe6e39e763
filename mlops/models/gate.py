"""What a finished version has to show before it is made live by itself."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from mlops.models.policies import Policy


def _share(default: float, text: str) -> models.FloatField[float, float]:
    return models.FloatField(text, default=default, validators=[MinValueValidator(0.0), MaxValueValidator(1.0)])


class GatePolicy(Policy):
    """Margins against the live version. The defaults are twice and more what two trainings of the demo ratings differ
    by that differ only in their seed, so that a version as good as the live one passes."""

    enabled = models.BooleanField("ask the gate", default=True)
    ndcg_margin = _share(0.01, "NDCG@10 may be worse by")
    rmse_margin = _share(0.01, "RMSE may be worse by, in stars")
    newcomer_margin = _share(0.03, "newcomers' RMSE may be worse by, in stars")
    coverage_margin = _share(0.10, "Coverage@10 may fall by")
    latency_factor = models.FloatField(
        "a list may take longer by the factor",
        default=2.0,
        validators=[MinValueValidator(1.0), MaxValueValidator(100.0)],
    )
    latency_floor_ms = models.FloatField(
        "below so many milliseconds it may in any case",
        default=10.0,
        validators=[MinValueValidator(0.0), MaxValueValidator(10_000.0)],
    )

    class Meta(Policy.Meta):
        verbose_name = "promotion gate"

"""When a training is started without anybody asking."""

from __future__ import annotations

from django.core.validators import MaxValueValidator
from django.db import models

from mlops.models.policies import Policy
from recommender.algorithms.presets import DEFAULT_PRESET, PRESETS


def preset_choices() -> list[tuple[str, str]]:
    """A function, so that another preset needs no migration."""
    return [(preset.name, preset.title) for preset in PRESETS.values()]


class RetrainPolicy(Policy):
    """What staff has set, and what the schedule has done about it. The second part is the schedule's alone."""

    nightly = models.BooleanField("at set times", default=False)
    cron = models.CharField("when, as cron writes it (UTC)", max_length=100, default="0 3 * * *")
    after_ratings = models.PositiveIntegerField(
        "after so many new or changed ratings (0: never)", default=0, validators=[MaxValueValidator(10**9)]
    )
    after_days = models.PositiveSmallIntegerField(
        "when the live version is so many days old (0: never)", default=0, validators=[MaxValueValidator(3650)]
    )
    preset = models.CharField(
        "settings",
        max_length=30,
        default=DEFAULT_PRESET,
        choices=preset_choices,
    )

    revision = models.PositiveIntegerField(default=0)  # of this row: whoever changes it first may act
    handled_until = models.DateTimeField(null=True)  # set times up to here were met, or missed
    missed_at = models.DateTimeField(null=True)  # the last set time at which nobody could begin
    tried_at = models.DateTimeField(null=True)  # when a training was last started
    tried_generation = models.PositiveIntegerField(default=0)  # of the live version then
    tried_ratings = models.PositiveIntegerField(default=0)  # how many were newer than that version then

    class Meta(Policy.Meta):
        verbose_name = "schedule of trainings"

"""Searches for better hyper-parameters, and their trials."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from mlops.models.runs import TrainingRun
from recommender.algorithms.presets import PRESETS, Config, configuration, search_space
from recommender.algorithms.search_space import SearchSpace


def parameters_digest(parameters: dict[str, Any]) -> str:
    """The same for the same values, whatever their order: what the database tells parameter sets apart by."""
    return hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()


class Search(models.Model):
    """A search around a preset. Runs of the kind ``search`` carry it out, one after the other if it is interrupted.

    Its trials are all that is known of it: what to try next is worked out anew from them for each trial, so that a
    search that was killed goes on as if nothing had happened.
    """

    class Objective(models.TextChoices):
        RMSE = "rmse", "RMSE (lower is better)"
        NDCG = "ndcg", "NDCG@10 (higher is better)"

    preset = models.CharField(max_length=30)
    objective = models.CharField(max_length=10, choices=Objective.choices, default=Objective.RMSE)
    max_trials = models.PositiveSmallIntegerField(null=True, blank=True)
    max_minutes = models.PositiveSmallIntegerField(null=True, blank=True)  # spent in trials, whoever ran them
    seed = models.PositiveIntegerField(default=0)  # of what is proposed; the trainings keep the preset's
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    # Known once its first run has read the ratings.
    data_until = models.DateTimeField(null=True, blank=True)
    dataset_fingerprint = models.CharField(max_length=64, blank=True, default="")
    n_ratings = models.PositiveIntegerField(null=True, blank=True)
    split = models.CharField(max_length=60, blank=True, default="")
    code_version = models.CharField(max_length=60, blank=True, default="")
    libraries = models.CharField(max_length=200, blank=True, default="")

    importances = models.JSONField(default=dict)  # share of each parameter; empty while there are too few trials
    notes = models.JSONField(default=list)  # sentences for whoever reads the result
    judgement = models.JSONField(null=True, blank=True, default=None)  # mlops.judgement, on the test part

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "searches"
        constraints = [
            models.CheckConstraint(condition=Q(max_trials__gt=0) | Q(max_minutes__gt=0), name="a_search_has_a_budget"),
        ]

    def __str__(self) -> str:
        return f"search {self.pk} around {self.preset}"

    @property
    def smaller_is_better(self) -> bool:
        return self.objective == self.Objective.RMSE

    @property
    def measure(self) -> str:
        return "RMSE" if self.objective == self.Objective.RMSE else "NDCG@10"

    @property
    def preset_title(self) -> str:
        preset = PRESETS.get(self.preset)
        return preset.title if preset else self.preset

    @property
    def preset_exists(self) -> bool:
        """Another release may have other presets."""
        return self.preset in PRESETS

    @property
    def config(self) -> Config:
        """What it starts from. Raises InvalidHyperparameters if the preset is no more."""
        return configuration(self.preset, None)

    @property
    def space(self) -> SearchSpace:
        return search_space(self.config)

    @cached_property
    def all_trials(self) -> list[Trial]:
        """By number. Read once: ``refresh_from_db`` forgets it."""
        return sorted(self.trials.all(), key=lambda trial: trial.number)

    @property
    def done(self) -> list[Trial]:
        """Trials that count: judged, pruned or failed by themselves."""
        return [trial for trial in self.all_trials if trial.state in Trial.COUNTED]

    @property
    def best(self) -> Trial | None:
        """The first of the best."""
        complete = [trial for trial in self.all_trials if trial.value is not None]
        sign = 1 if self.smaller_is_better else -1
        return min(complete, key=lambda trial: (sign * (trial.value or 0.0), trial.number), default=None)

    @property
    def of_preset(self) -> Trial | None:
        """The trial of the preset itself, once it was judged."""
        if not self.preset_exists:
            return None
        digest = parameters_digest(self.space.of(self.config.as_dict()))
        return next((one for one in self.all_trials if one.digest == digest and one.value is not None), None)

    @property
    def gain(self) -> float | None:
        """By how much the best trial beats the preset on the validation ratings; 0 if the preset is the best."""
        best, preset = self.best, self.of_preset
        if best is None or preset is None or best.value is None or preset.value is None:
            return None
        return abs(best.value - preset.value)

    @property
    def seconds(self) -> float:
        """Spent in trials that count."""
        return sum(trial.seconds or 0.0 for trial in self.done)

    @property
    def budget_is_spent(self) -> bool:
        if self.max_trials is not None and len(self.done) >= self.max_trials:
            return True
        return self.max_minutes is not None and self.seconds >= 60 * self.max_minutes

    @property
    def progress(self) -> float:
        """Of the budget that will be spent first, 0 to 1."""
        shares = [0.0]
        if self.max_trials:
            shares.append(len(self.done) / self.max_trials)
        if self.max_minutes:
            shares.append(self.seconds / (60 * self.max_minutes))
        return min(1.0, max(shares))

    @cached_property
    def last_run(self) -> TrainingRun | None:
        return max(self.runs.all(), key=lambda run: run.pk, default=None)

    @property
    def status(self) -> str:
        """Its last run's."""
        return self.last_run.status if self.last_run else TrainingRun.Status.INTERRUPTED

    @property
    def is_active(self) -> bool:
        return self.last_run is not None and self.last_run.is_active

    @property
    def can_resume(self) -> bool:
        return not self.is_active and self.status != TrainingRun.Status.SUCCEEDED and self.preset_exists

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        super().refresh_from_db(*args, **kwargs)
        self.__dict__.pop("all_trials", None)
        self.__dict__.pop("last_run", None)


class Trial(models.Model):
    """One set of hyper-parameters, judged on validation ratings."""

    class State(models.TextChoices):
        RUNNING = "running", "running"
        COMPLETE = "complete", "complete"
        PRUNED = "pruned", "pruned"
        FAILED = "failed", "failed"
        INTERRUPTED = "interrupted", "interrupted"

    COUNTED: ClassVar[list[str]] = [State.COMPLETE, State.PRUNED, State.FAILED]

    search = models.ForeignKey(Search, on_delete=models.CASCADE, related_name="trials")
    run = models.ForeignKey(TrainingRun, null=True, blank=True, on_delete=models.SET_NULL, related_name="trials")
    number = models.PositiveIntegerField()  # from 0
    state = models.CharField(max_length=12, choices=State.choices, default=State.RUNNING)
    parameters = models.JSONField()  # all of the search space, nothing else
    digest = models.CharField(max_length=64)  # of the parameters
    value = models.FloatField(null=True, blank=True)  # the objective's; of complete ones alone
    rmse = models.FloatField(null=True, blank=True)
    ndcg = models.FloatField(null=True, blank=True)
    curve = models.JSONField(default=list)  # [tenth of its epochs, validation RMSE of the learned people]
    dataset_fingerprint = models.CharField(max_length=64)
    started_at = models.DateTimeField()
    seconds = models.FloatField(null=True, blank=True)
    error = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["search", "number"]
        constraints = [
            models.UniqueConstraint(fields=["search", "number"], name="one_trial_per_number"),
            models.UniqueConstraint(
                fields=["search", "digest"], condition=~Q(state="interrupted"), name="no_trial_twice"
            ),
            models.UniqueConstraint(fields=["search"], condition=Q(state="running"), name="one_running_trial"),
        ]

    def __str__(self) -> str:
        return f"trial {self.number} of search {self.search_id}"

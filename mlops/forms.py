from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils import timezone

from mlops.models import EngagementPolicy, GatePolicy, HealthPolicy, RetentionPolicy, RetrainPolicy, WatchPolicy
from mlops.schedules import InvalidCron, next_times
from recommender.algorithms.hyperparameters import InvalidHyperparameters
from recommender.algorithms.presets import DEFAULT_PRESET, PRESETS, configuration
from recommender.models import MAX_EXPLORATION


class TrainForm(forms.Form):
    preset = forms.ChoiceField(
        choices=[(preset.name, preset.title) for preset in PRESETS.values()], initial=DEFAULT_PRESET, label="Settings"
    )
    activate = forms.BooleanField(required=False, initial=True, label="Make it live when it is ready")


class SettingsForm(forms.Form):
    """Every hyper-parameter of a preset as a field. One that is left empty keeps the preset's value."""

    def __init__(self, preset: str, data: Mapping[str, Any] | None = None, *, initial: dict[str, Any] | None = None):
        super().__init__(data, initial=initial, prefix="set")
        self.preset = preset
        for name, value in PRESETS[preset].hyperparameters.items():
            kind = forms.IntegerField if isinstance(value, int) else forms.FloatField
            self.fields[name] = kind(
                required=False, initial=value, label=name.replace("_", " "), help_text=f"{value:g} in this preset"
            )

    def clean(self) -> dict[str, Any]:
        given = {name: value for name, value in self.cleaned_data.items() if value is not None}
        defaults = PRESETS[self.preset].hyperparameters
        self.changes = {name: value for name, value in given.items() if value != defaults[name]}
        try:
            configuration(self.preset, self.changes)
        except InvalidHyperparameters as error:
            for name, text in error.errors.items():
                self.add_error(name if name in self.fields else None, str(text))
        return self.cleaned_data


class GateForm(forms.ModelForm):
    class Meta:
        model = GatePolicy
        fields = (
            "enabled",
            "ndcg_margin",
            "rmse_margin",
            "newcomer_margin",
            "coverage_margin",
            "latency_factor",
            "latency_floor_ms",
        )


class RetentionForm(forms.ModelForm):
    class Meta:
        model = RetentionPolicy
        fields = ("keep_newest", "keep_best", "best_by", "automatic")


class EngagementForm(forms.ModelForm):
    exploration = forms.IntegerField(
        min_value=0, max_value=MAX_EXPLORATION, label="give one place away by lot in so many of 100 lists"
    )

    class Meta:
        model = EngagementPolicy
        fields = ("record", "keep_days")


class RetrainForm(forms.ModelForm):
    class Meta:
        model = RetrainPolicy
        fields = ("nightly", "cron", "after_ratings", "after_days", "preset")

    def clean_cron(self) -> str:
        cron = " ".join(self.cleaned_data["cron"].split())
        try:
            next_times(cron, timezone.now())
        except InvalidCron as error:
            raise forms.ValidationError(str(error)) from error
        return cron


class HealthForm(forms.ModelForm):
    class Meta:
        model = HealthPolicy
        fields = (
            "fallback_share",
            "error_share",
            "slow_ms",
            "learning_ms",
            "mean_drift",
            "genre_drift",
            "shuffle_ratings",
        )


class WatchForm(forms.ModelForm):
    class Meta:
        model = WatchPolicy
        fields = (
            "minutes",
            "min_lists",
            "fallback_margin",
            "error_margin",
            "latency_factor",
            "popularity_margin",
            "action",
        )

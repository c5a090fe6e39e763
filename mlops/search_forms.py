from __future__ import annotations

from typing import Any

from django import forms

from mlops.models import Search
from mlops.searches import DEFAULT_TRIALS, MAX_MINUTES, MAX_TRIALS
from recommender.algorithms.presets import DEFAULT_PRESET, PRESETS


class SearchForm(forms.Form):
    preset = forms.ChoiceField(
        choices=[(preset.name, preset.title) for preset in PRESETS.values()],
        initial=DEFAULT_PRESET,
        label="Start from",
    )
    objective = forms.ChoiceField(
        choices=[(Search.Objective.RMSE, "Stars: RMSE"), (Search.Objective.NDCG, "Lists: NDCG@10")],
        initial=Search.Objective.RMSE,
        label="Look for the best",
        required=False,
    )
    max_trials = forms.IntegerField(
        min_value=1, max_value=MAX_TRIALS, initial=DEFAULT_TRIALS, required=False, label="Trials"
    )
    max_minutes = forms.IntegerField(min_value=1, max_value=MAX_MINUTES, required=False, label="Minutes")
    seed = forms.IntegerField(min_value=0, max_value=2**31 - 1, initial=0, required=False, label="Seed")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.is_bound:
            for name in self.errors:
                if name in self.fields:
                    self.fields[name].widget.attrs |= {"aria-invalid": "true", "aria-describedby": f"{name}-errors"}

    def clean_objective(self) -> str:
        return self.cleaned_data["objective"] or Search.Objective.RMSE.value

    def clean_seed(self) -> int:
        return self.cleaned_data["seed"] or 0

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        asked = not self.has_error("max_trials") and not self.has_error("max_minutes")
        if asked and not found.get("max_trials") and not found.get("max_minutes"):
            self.add_error("max_trials", "Say how many trials, or how many minutes.")
        return found


class TrainBestForm(forms.Form):
    activate = forms.BooleanField(required=False)

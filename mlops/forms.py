from __future__ import annotations

from django import forms

from recommender.algorithms.presets import DEFAULT_PRESET, PRESETS


class TrainForm(forms.Form):
    preset = forms.ChoiceField(
        choices=[(preset.name, preset.title) for preset in PRESETS.values()], initial=DEFAULT_PRESET, label="Settings"
    )
    activate = forms.BooleanField(required=False, initial=True, label="Make it live when it is ready")

"""Forms of an experiment and its arms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from cinema.models import MAX_DISCOVERIES
from mlops.experiments import PlannedArm
from recommender.algorithms.controls import Controls
from recommender.models import Experiment, ModelVersion

ARMS = "ABC"  # that the page offers
VERSIONS_SHOWN = 30


class ExperimentForm(forms.Form):
    name = forms.CharField(max_length=80, label="What is asked")
    kind = forms.ChoiceField(
        choices=[
            (Experiment.Kind.INTERLEAVED, "Mix two versions in each list: needs far fewer lists"),
            (Experiment.Kind.AB, "Each person sees one arm: for settings too"),
        ],
        initial=Experiment.Kind.INTERLEAVED,
        label="How",
        widget=forms.RadioSelect,
    )
    share = forms.IntegerField(min_value=1, max_value=100, initial=100, label="People who take part, %")
    interest = forms.FloatField(min_value=0.05, max_value=50, label="Smallest difference worth finding, in 100 lists")
    harm = forms.FloatField(min_value=0, max_value=100, initial=5, label="End it if surely worse by, in 100 lists")

    def planned(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {
            "name": data["name"],
            "kind": data["kind"],
            "share": data["share"],
            "interest": data["interest"] / 100,
            "harm": data["harm"] / 100,
        }


class ArmForm(forms.Form):
    """One arm; a field that is left empty leaves things as they are."""

    use = forms.BooleanField(required=False, label="Use it")
    version = forms.ModelChoiceField(
        ModelVersion.objects.none(), required=False, to_field_name="label", empty_label="what is live", label="Version"
    )
    discovery = forms.IntegerField(
        required=False, min_value=0, max_value=MAX_DISCOVERIES, label="Discoveries in ten places"
    )

    def __init__(self, letter: str, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, prefix=letter)
        self.letter = letter
        field = self.fields["version"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = ModelVersion.objects.ready().order_by("-pk")
        for name, (low, high) in Controls.RANGES.items():
            self.fields[name] = forms.FloatField(
                required=False, min_value=low, max_value=high, label=f"{name.capitalize()}, {low:g} to {high:g}"
            )

    @property
    def is_optional(self) -> bool:
        return self.letter not in "AB"

    @property
    def is_used(self) -> bool:
        return not self.is_optional or bool(self.cleaned_data.get("use"))

    @property
    def settings(self) -> list[forms.BoundField]:
        """The fields beside the version."""
        return [self[name] for name in self.fields if name not in ("use", "version")]

    def planned(self) -> PlannedArm:
        given = {
            name: value
            for name, value in self.cleaned_data.items()
            if name not in ("use", "version") and value is not None
        }
        return PlannedArm(self.cleaned_data["version"], given)


def arm_forms(data: Mapping[str, Any] | None) -> list[ArmForm]:
    return [ArmForm(letter, data) for letter in ARMS]

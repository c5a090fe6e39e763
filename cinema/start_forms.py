"""What a new viewer says in their first minutes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cinema.models import RATING_VALUES
from recommender.onboarding import Group


class PicksForm(forms.Form):
    """Groups of films, each named by the id of its first film."""

    groups = forms.TypedMultipleChoiceField(
        coerce=int,
        error_messages={
            "required": _("Pick at least one, or go on without."),
            "invalid_choice": _("The groups have changed. Pick again."),
        },
    )

    def __init__(self, data: Any, offered: Sequence[Group]) -> None:
        super().__init__(data)
        self.offered = {group.movie_ids[0]: group for group in offered}
        self.fields["groups"].choices = [(key, key) for key in self.offered]  # type: ignore[attr-defined]

    @property
    def movie_ids(self) -> list[int]:
        """Of all films of the picked groups."""
        return [pk for key in self.cleaned_data["groups"] for pk in self.offered[key].movie_ids]


class AnswerForm(forms.Form):
    """Stars, "haven't seen it", or the wish to take the last answer back: exactly one of them."""

    movie = forms.IntegerField(min_value=1, max_value=2**63 - 1)
    value = forms.TypedChoiceField(
        choices=[(str(value), str(value)) for value in RATING_VALUES], coerce=float, empty_value=None, required=False
    )
    unseen = forms.BooleanField(required=False)
    undo = forms.BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        said = (cleaned.get("value") is not None) + bool(cleaned.get("unseen")) + bool(cleaned.get("undo"))
        if said != 1 and not self.errors:
            raise forms.ValidationError(_("Choose one to five stars, or say that you have not seen it."))
        return cleaned

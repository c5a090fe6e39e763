"""What people send to a movie night."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cinema.models import MAX_NAME_LENGTH, RATING_VALUES
from cinema.nights import CODE_ALPHABET, CODE_LENGTH
from recommender.catalogue import CatalogueFilm

# The largest number that a database holds as an id.
MAX_ID = 2**63 - 1


class NightNameForm(forms.Form):
    """The name under which somebody enters a room."""

    name = forms.CharField(
        label=_("Your name in the room"),
        max_length=MAX_NAME_LENGTH,
        error_messages={"required": _("Say how the others should call you.")},
        widget=forms.TextInput(attrs={"autocomplete": "nickname"}),
    )

    def clean_name(self) -> str:
        name = " ".join(self.cleaned_data["name"].split())
        # Nothing but invisible marks would be nobody, or somebody else's double.
        if not name.isprintable() or not any(character.isalnum() for character in name):
            raise forms.ValidationError(_("Use letters or digits."))
        return name


class NightCodeForm(forms.Form):
    """A room's short code, however it was typed."""

    code = forms.CharField(
        label=_("Code of the room"),
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
        error_messages={"required": _("Type the code that the host of the room has told you.")},
    )

    def clean_code(self) -> str:
        """Empty for what cannot be a code, which is then not found like any other."""
        code = "".join(self.cleaned_data["code"].split()).replace("-", "").upper()
        return code if len(code) == CODE_LENGTH and set(code) <= set(CODE_ALPHABET) else ""


class NightMovieForm(forms.Form):
    """A film of the room, to be vetoed or watched, or to take that back."""

    movie = forms.IntegerField(min_value=1, max_value=MAX_ID)
    undo = forms.BooleanField(required=False)


class NightParticipantForm(forms.Form):
    participant = forms.IntegerField(min_value=1, max_value=MAX_ID)


class NightSeenForm(forms.Form):
    allow = forms.BooleanField(required=False)


class GuestRatingsForm(forms.Form):
    """Stars for each of a few films; none for those that the guest has not seen."""

    def __init__(self, films: list[CatalogueFilm], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.films = films
        for film in films:
            self.fields[self.field_of(film)] = forms.TypedChoiceField(
                choices=[(str(value), str(value)) for value in RATING_VALUES],
                coerce=float,
                empty_value=None,
                required=False,
                label=film.title,
                error_messages={"invalid_choice": _("Choose half a star to five stars, or that you have not seen it.")},
            )

    @staticmethod
    def field_of(film: CatalogueFilm) -> str:
        return f"film-{film.pk}"

    @property
    def stars(self) -> dict[int, float | None]:
        """By film id, once the form is valid."""
        return {film.pk: self.cleaned_data[self.field_of(film)] for film in self.films}

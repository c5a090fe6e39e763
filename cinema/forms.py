from __future__ import annotations

from typing import Any, Self

from django import forms
from django.contrib.auth.forms import AuthenticationForm, BaseUserCreationForm
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cinema.models import MAX_DISCOVERIES, MAX_REVIEW, RATING_VALUES, Genre, Movie, RatingQuerySet, User
from recommender.recommend import Filters


class SignInForm(AuthenticationForm):
    # One message for a wrong password, an unknown name and an account that may not sign in.
    error_messages = {
        "invalid_login": _("That name and password do not belong together. Mind capitals and spaces."),
        "inactive": _("That name and password do not belong together. Mind capitals and spaces."),
    }


class SignUpForm(BaseUserCreationForm):
    """Django's own validators stand behind both fields; its name validator keeps out the colon of imported people."""

    class Meta:
        model = User
        fields = ("username",)

    def clean_username(self) -> str:
        username: str = self.cleaned_data["username"]
        # Names that differ only in case would be taken for one another.
        if User.objects.filter(username__iexact=username).exists():
            raise ValidationError(_("This name is taken. Choose another one."), code="unique")
        return username


class SearchForm(forms.Form):
    """Films by words of the title, genre and years. Every field may be left out."""

    ORDERS = {
        "popular": ("-n_ratings", "title", "pk"),
        "newest": ("-year", "-n_ratings", "title", "pk"),
        "title": ("title", "pk"),
    }

    search = forms.CharField(
        label=_("Search"), required=False, max_length=200, widget=forms.TextInput(attrs={"type": "search"})
    )
    genre = forms.CharField(label=_("Genre"), required=False, max_length=60, widget=forms.Select)
    year_min = forms.IntegerField(required=False, min_value=1870, max_value=2200, label=_("From year"))
    year_max = forms.IntegerField(required=False, min_value=1870, max_value=2200, label=_("To year"))
    sort = forms.ChoiceField(
        required=False,
        label=_("Order"),
        choices=[
            ("popular", _("Most rated first")),
            ("newest", _("Newest first")),
            ("title", _("By title")),
        ],
    )

    unseen = forms.BooleanField(label=_("Only films that I have neither rated nor hidden"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = Genre.objects.values_list("name", flat=True)
        self.fields["genre"].widget.choices = [("", _("All genres")), *((name, name) for name in names)]
        self.fields["genre"].widget.attrs.pop("maxlength")  # a select has none
        for name, example in (("search", _("Words of the title")), ("year_min", "1990"), ("year_max", "2016")):
            self.fields[name].widget.attrs["placeholder"] = example


class RatingForm(forms.Form):
    """A rating to keep, or the wish to remove it."""

    value = forms.TypedChoiceField(
        choices=[(str(value), str(value)) for value in RATING_VALUES], coerce=float, empty_value=None, required=False
    )
    undo = forms.CharField(required=False, max_length=500)  # what takes the last change back: see cinema.undo
    unrate = forms.BooleanField(required=False)  # not "remove": a button of that name would hide the form's own method

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if (
            not cleaned.get("unrate")
            and not cleaned.get("undo")
            and cleaned.get("value") is None
            and "value" not in self.errors
        ):
            self.add_error("value", _("Choose half a star to five stars."))
        return cleaned


class ReviewForm(forms.Form):
    """A review: plain text."""

    text = forms.CharField(
        label=_("Your review"),
        max_length=MAX_REVIEW,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": _("Write a few words first.")},
    )
    has_spoilers = forms.BooleanField(label=_("It gives the story away"), required=False)

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"].replace("\r\n", "\n")
        return text


class DiscoveryForm(forms.Form):
    """How many discoveries a person wants in ten places of a list."""

    AUTO = "auto"

    discovery = forms.TypedChoiceField(
        label=_("Discoveries in your lists"),
        choices=[(AUTO, _("Auto")), ("0", _("None")), *((str(n), str(n)) for n in range(1, MAX_DISCOVERIES + 1))],
        coerce=lambda value: None if value == DiscoveryForm.AUTO else int(value),
        error_messages={"required": _("Choose one of the numbers."), "invalid_choice": _("Choose one of the numbers.")},
        widget=forms.RadioSelect(attrs={"autocomplete": "off"}),
    )

    @classmethod
    def of(cls, user: User) -> Self:
        """The form as it shows what ``user`` chose."""
        return cls(initial={"discovery": cls.AUTO if user.discovery is None else user.discovery})


class RatingsForm(forms.Form):
    """One's own ratings by words of the title, genre, decade and stars. What is no choice counts as left out."""

    search = forms.CharField(
        label=_("Search"), required=False, max_length=200, widget=forms.TextInput(attrs={"type": "search"})
    )
    genre = forms.ChoiceField(label=_("Genre"), required=False)
    decade = forms.TypedChoiceField(label=_("Decade"), required=False, coerce=int, empty_value=None)
    stars = forms.TypedChoiceField(
        label=_("Stars"),
        required=False,
        coerce=float,
        empty_value=None,
        choices=[("", _("All of them")), *((str(value), str(value)) for value in reversed(RATING_VALUES))],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_genres_and_decades(self)

    def narrow(self, ratings: RatingQuerySet) -> RatingQuerySet:
        self.is_valid()
        wanted = self.cleaned_data
        decade = wanted.get("decade")
        movies = Movie.objects.all().matching(
            search=wanted.get("search") or "",
            genre=wanted.get("genre") or "",
            year_min=decade,
            year_max=None if decade is None else decade + 9,
        )
        if wanted.get("search") or wanted.get("genre") or decade is not None:
            ratings = ratings.filter(movie__in=movies)
        return ratings if wanted.get("stars") is None else ratings.filter(value=wanted["stars"])


FIRST_DECADE = 1910


def _offer_genres_and_decades(form: forms.Form) -> None:
    genre, decade = form.fields["genre"], form.fields["decade"]
    assert isinstance(genre, forms.ChoiceField) and isinstance(decade, forms.ChoiceField)
    names = Genre.objects.values_list("name", flat=True)
    genre.choices = [("", _("All genres")), *((name, name) for name in names)]
    decades = range(timezone.now().year // 10 * 10, FIRST_DECADE - 1, -10)
    decade.choices = [("", _("All years")), *((str(year), f"{year}–{year + 9}") for year in decades)]


class RailForm(forms.Form):
    """A rail by genre and decade. What cannot be understood counts as left out."""

    genre = forms.ChoiceField(label=_("Genre"), required=False)
    decade = forms.TypedChoiceField(label=_("Decade"), required=False, coerce=int, empty_value=None)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_genres_and_decades(self)

    def filters(self) -> Filters:
        self.is_valid()
        decade = self.cleaned_data.get("decade")
        return Filters(
            genre=self.cleaned_data.get("genre") or "",
            year_min=decade,
            year_max=None if decade is None else decade + 9,
        )


class MomentForm(forms.Form):
    uses_context = forms.BooleanField(required=False, label=_("Lists may go by the hour, the day and the device I use"))
    place = forms.ChoiceField(
        required=False,
        label=_("Where I am"),
        choices=[
            ("", _("I do not say")),
            ("home", _("at home")),
            ("away", _("away from home")),
            ("on the way", _("on the way")),
        ],
    )

    @classmethod
    def of(cls, user: User) -> Self:
        return cls(initial={"uses_context": user.uses_context, "place": user.place})

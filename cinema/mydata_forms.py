"""What somebody types on the pages about their data."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class DeleteAccountForm(forms.Form):
    """Name and password, typed: a click alone deletes nothing. ``cinema.mydata.accounts`` says whether they fit."""

    username = forms.CharField(
        label=_("Your user name, to be sure"),
        max_length=150,
        strip=False,
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    password = forms.CharField(
        label=_("Your password"),
        max_length=4096,
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
    )


class UploadForm(forms.Form):
    """A file to import. ``cinema.importing.people`` says what is wrong inside."""

    file = forms.FileField(
        label=_("File of ratings (CSV)"),
        help_text=_("At most 5 MB and 20,000 ratings."),
        max_length=255,
        widget=forms.FileInput({"accept": ".csv,text/csv"}),
        error_messages={
            "required": _("Choose a file first."),
            "empty": _("The file is empty."),
            "invalid": _("Choose a file first."),
        },
    )


class ReviewForm(forms.Form):
    """Which import is meant, what is on the page, and where to go from there. The rows' own fields, ``row-12``, stand
    beside it."""

    import_id = forms.IntegerField(min_value=1, max_value=10**18)
    page = forms.IntegerField(min_value=1, max_value=10**6, required=False)
    then = forms.CharField(max_length=10, required=False)  # "apply", or a page's number

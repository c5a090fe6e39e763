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

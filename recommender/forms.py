from __future__ import annotations

from django import forms

from recommender.models import MAX_NOTE


class ChangeForm(forms.Form):
    """Why the live version changes, and from which generation on."""

    reason = forms.CharField(required=False, max_length=500)
    # Of the page that was looked at: what has changed since must not be changed unseen.
    generation = forms.IntegerField(required=False, min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput)


class RollBackForm(ChangeForm):
    reason = forms.CharField(max_length=500)


class AnnotateForm(forms.Form):
    note = forms.CharField(required=False, max_length=MAX_NOTE)
    pinned = forms.ChoiceField(required=False, choices=[("yes", "yes"), ("no", "no")])

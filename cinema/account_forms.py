"""What somebody types to change or regain their way in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.utils.translation import gettext_lazy as _

from cinema.models import User

# Days that an API token may live; whoever wants another makes another.
TOKEN_DAYS = (30, 90, 365)


class RevokingForm(forms.Form):
    """With the password goes, if so wished, every API token."""

    revoke_tokens = forms.BooleanField(label=_("Revoke my API tokens, too"), required=False)


class ChangePasswordForm(RevokingForm, PasswordChangeForm):
    """Asks for the old password: a session left open is not to lock its owner out."""

    field_order = ["old_password", "new_password1", "new_password2", "revoke_tokens"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["old_password"].widget.attrs.pop("autofocus", None)  # it is one of several things on its page


class ResetPasswordForm(RevokingForm, SetPasswordForm):
    """Whoever lost the password may have lost more: tokens go unless one says no."""

    field_order = ["new_password1", "new_password2", "revoke_tokens"]
    revoke_tokens = forms.BooleanField(label=_("Revoke my API tokens, too"), required=False, initial=True)


class ForgottenForm(forms.Form):
    username = forms.CharField(
        label=_("User name"),
        max_length=User._meta.get_field("username").max_length,
        widget=forms.TextInput({"autocomplete": "username", "autocapitalize": "none"}),
    )


class TokenForm(forms.Form):
    days = forms.TypedChoiceField(
        label=_("Valid for"),
        coerce=int,
        choices=[(days, _("%(n)s days") % {"n": days}) for days in TOKEN_DAYS],
        initial=TOKEN_DAYS[1],
    )

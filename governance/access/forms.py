"""What people send to sign in. Sizes are limited here; whether it is right is asked elsewhere."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy as _

from dcmm_portal.client_address import client_address
from governance.access.attempts import LINK, Attempt, begin_attempt, forget_attempts
from governance.access.second_factor import CODE_MAX
from governance.access.security_keys import ANSWER_MAX
from trading.metrics import SIGN_IN_ATTEMPTS

NAME_MAX, PASSWORD_MAX = 150, 4096
_HELD_BACK = {
    "held_back": _("Too many attempts to sign in. Try again in %(minutes)s minutes."),
    "unavailable": _("Signing in is not possible right now. Try again in a minute."),
}


def refuse_attempt(attempt: Attempt) -> ValidationError:
    """What somebody is told who may not try now."""
    code = "unavailable" if attempt.retry_s is None else "held_back"
    SIGN_IN_ATTEMPTS.labels(code).inc()
    return ValidationError(_HELD_BACK[code], code=code, params={"minutes": -(-(attempt.retry_s or 0) // 60)})


class SignInForm(AuthenticationForm):
    """Django's form, with field texts in both languages and what browsers need to fill it in."""

    error_messages = {
        "invalid_login": _("This name and password do not belong together. Both are case-sensitive."),
        "inactive": _("This account is closed."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _("Name")
        self.fields["password"].label = _("Password")
        self.fields["username"].validators.append(MaxLengthValidator(NAME_MAX))
        self.fields["password"].validators.append(MaxLengthValidator(PASSWORD_MAX))
        for name in self.fields:
            self.fields[name].widget.attrs.update({"class": "input", "dir": "ltr"})

    def clean(self) -> dict[str, Any]:
        """Counts the attempt first: a name or an address that tries too often is held back, right password or not."""
        name, address = self.cleaned_data.get("username"), client_address(self.request)
        if not name or not self.cleaned_data.get("password"):
            return super().clean()
        attempt = begin_attempt(name, address)
        if not attempt.is_allowed:
            raise refuse_attempt(attempt)
        try:
            cleaned = super().clean()
        except ValidationError:
            SIGN_IN_ATTEMPTS.labels("refused").inc()
            raise
        forget_attempts(name, address)
        SIGN_IN_ATTEMPTS.labels("signed_in").inc()
        return cleaned


class FactorForm(forms.Form):
    """A code, or what the browser says a security key answered."""

    code = forms.CharField(
        label=_("Code"),
        required=False,
        max_length=CODE_MAX,
        widget=forms.TextInput(
            attrs={"class": "input", "dir": "ltr", "autocomplete": "one-time-code", "autofocus": True}
        ),
    )
    assertion = forms.CharField(required=False, max_length=ANSWER_MAX, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """One of the two is needed."""
        cleaned = super().clean() or {}
        if not self.errors and not cleaned.get("code") and not cleaned.get("assertion"):
            raise ValidationError(_("Type the code that your app shows, or use your security key."), code="missing")
        return cleaned


class EnrolForm(FactorForm):
    """The first code of a new app, or a new key's answer and its name."""

    name = forms.CharField(
        label=_("Name of the key"), required=False, max_length=60, widget=forms.TextInput(attrs={"class": "input"})
    )


class LinkForm(forms.Form):
    """An address to send a link to."""

    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"class": "input", "dir": "ltr", "autocomplete": "email"}),
    )

    def __init__(self, *args: Any, address: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._address = address

    def clean_email(self) -> str:
        """Counts the wish, by mailbox from anywhere and by address: no mailbox is filled, no list of mailboxes gone through."""
        email = str(self.cleaned_data["email"])
        for name, address in ((email, ""), (email, self._address)):
            attempt = begin_attempt(name, address, LINK)
            if not attempt.is_allowed:
                raise refuse_attempt(attempt)
        return email

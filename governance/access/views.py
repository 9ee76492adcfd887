"""Signing in and out."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from dcmm_portal.client_address import client_address
from governance.access.attempts import begin_attempt, forget_attempts
from trading.metrics import SIGN_IN_ATTEMPTS


class SignInForm(AuthenticationForm):
    """Django's form, with field texts in both languages and what browsers need to fill it in."""

    error_messages = {
        "invalid_login": _("This name and password do not belong together. Both are case-sensitive."),
        "inactive": _("This account is closed."),
        "held_back": _("Too many attempts to sign in. Try again in %(minutes)s minutes."),
        "unavailable": _("Signing in is not possible right now. Try again in a minute."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _("Name")
        self.fields["password"].label = _("Password")
        for name in self.fields:
            self.fields[name].widget.attrs.update({"class": "input", "dir": "ltr"})

    def clean(self) -> dict[str, Any]:
        """Counts the attempt first: a name or an address that tries too often is held back, right password or not."""
        name, address = self.cleaned_data.get("username"), client_address(self.request)
        if not name or not self.cleaned_data.get("password"):
            return super().clean()
        attempt = begin_attempt(name, address)
        if not attempt.is_allowed:
            code = "unavailable" if attempt.retry_s is None else "held_back"
            SIGN_IN_ATTEMPTS.labels(code).inc()
            minutes = -(-(attempt.retry_s or 0) // 60)
            raise ValidationError(self.error_messages[code], code=code, params={"minutes": minutes})
        try:
            cleaned = super().clean()
        except ValidationError:
            SIGN_IN_ATTEMPTS.labels("refused").inc()
            raise
        forget_attempts(name, address)
        SIGN_IN_ATTEMPTS.labels("signed_in").inc()
        return cleaned


class SignIn(LoginView):
    """`/accounts/sign-in/`; staff land on the desk."""

    template_name = "registration/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True


class SignOut(LogoutView):
    """`/accounts/sign-out/`, by POST only."""


def sign_in_for_records(request: HttpRequest) -> HttpResponseRedirect:
    """`/admin/login/`: the one door to sign in is the portal's; who is signed in and still sent here may not read the records."""
    if request.user.is_authenticated:
        raise PermissionDenied
    return HttpResponseRedirect(f"{reverse('login')}?{request.GET.urlencode()}")

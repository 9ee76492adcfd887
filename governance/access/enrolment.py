"""Enrolling a second factor: the only page there is for a member of the desk who has none, and for adding one later."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

import segno
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from governance.access import recovery, security_keys, totp
from governance.access.forms import EnrolForm
from governance.access.pending import next_page, pending_person, take_challenge
from governance.access.sealing import CannotUnseal, seal, unseal
from governance.access.second_factor import Method, has_factor, tell
from governance.access.sessions import begin_session, end_sessions
from governance.access.unlocking import is_unlocked
from governance.models import TotpDevice, User

_OFFERED = "enrolling"


def enrolling_person(request: HttpRequest) -> User | None:
    """Who may enrol here: who gave the password and has no factor, or who is signed in and unlocked it with one."""
    person = pending_person(request)
    if person is not None:
        return None if has_factor(person) else person
    return request.user if request.user.is_authenticated and is_unlocked(request) else None


@never_cache
@require_http_methods(["GET", "POST"])
def enrol(request: HttpRequest) -> HttpResponse:
    """`/accounts/second-factor/enrol/`."""
    person = enrolling_person(request)
    if person is None:
        return HttpResponseRedirect(reverse("account" if request.user.is_authenticated else "login"))
    form = EnrolForm(request.POST) if request.method == "POST" else EnrolForm()
    secret = _secret(request)
    if request.method == "POST" and form.is_valid():
        method = _keep(request, person, form, secret)
        if method is not None:
            return _enrolled(request, person, method)
        form.add_error(
            None, _("This was not accepted. Check that the clock of your phone is right, and try the next code.")
        )
    uri = totp.provisioning_uri(person, secret)
    context = {
        "form": form,
        "qr": segno.make(uri, error="m").svg_data_uri(scale=4, border=2, light="white"),
        "secret": totp.shown(secret),
        "is_first": not has_factor(person),
    }
    return render(request, "registration/enrol.html", context, status=422 if form.errors else 200)


def _secret(request: HttpRequest) -> bytes:
    """The secret offered in this session; sealed, for sessions stand in the database."""
    try:
        return unseal(str(request.session.get(_OFFERED, "")))
    except CannotUnseal:
        secret = totp.new_secret()
        request.session[_OFFERED] = seal(secret)
        return secret


def _keep(request: HttpRequest, person: User, form: EnrolForm, secret: bytes) -> Method | None:
    """Keep the app or the key; None when what was sent does not show that the person has it."""
    now, data = datetime.now(UTC), form.cleaned_data
    try:
        with transaction.atomic():
            if data["assertion"]:
                challenge = take_challenge(request) or secrets.token_bytes(security_keys.CHALLENGE_BYTES)
                security_keys.register(person, data["assertion"], challenge, data["name"], now)
                method = Method.WEBAUTHN
            else:
                TotpDevice.objects.filter(person=person).delete()
                if not totp.enrol(person, secret, data["code"], now):
                    transaction.set_rollback(True)
                    return None
                method = Method.TOTP
            tell(person, "access.factor_added", now, kind=method.value)
    except (security_keys.KeyRefused, IntegrityError):
        return None
    return method


def _enrolled(request: HttpRequest, person: User, method: Method) -> HttpResponse:
    """The first time: recovery codes, shown once, and signed in. Later: back to the account; other sessions end."""
    request.session.pop(_OFFERED, None)
    if request.user.is_authenticated:
        end_sessions(person, but=request.session.session_key)
        return HttpResponseRedirect(reverse("account"))
    wanted = next_page(request) or reverse("desk")
    codes = recovery.new_codes(person, datetime.now(UTC))
    begin_session(request, person, method)
    return render(request, "registration/recovery_codes.html", {"codes": codes, "next": wanted})

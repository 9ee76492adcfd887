"""A person's own account: second factors, recovery codes, sessions, tokens; and what the browser asks a security key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from governance.access import recovery, security_keys, step_up
from governance.access.enrolment import enrolling_person
from governance.access.pending import new_challenge, pending_person
from governance.access.roles import STAFF_ROLES, Role, has_role
from governance.access.second_factor import has_factor, tell
from governance.access.sessions import end_sessions
from governance.access.tokens import TokenRefused, collect, revoke
from governance.access.unlocking import PURPOSE, content_hash, is_unlocked, unlock
from governance.models import ApiToken, PersonSession, User


@never_cache
@require_http_methods(["GET", "POST"])
@login_required
def account(request: HttpRequest) -> HttpResponse:
    """`/accounts/me/`: what one has; POST with `action` changes it, most of it only just after giving a second factor."""
    person, status = request.user, 200
    if request.method == "POST":
        action = _ACTIONS.get(request.POST.get("action", ""))
        if action is None:
            return render(request, "400.html", status=400)
        try:
            answer = action(request, person)
        except step_up.StepUpRefused as problem:
            messages.error(request, str(problem))
            status = 422
        else:
            return answer or HttpResponseRedirect(reverse("account"))
    context = {
        "keys": person.security_keys.filter(revoked_at=None).order_by("created_at"),
        "app": getattr(person, "totp_device", None),
        "codes_left": recovery.codes_left(person),
        "sessions": PersonSession.objects.filter(person=person).order_by("-begun_at"),
        "tokens": ApiToken.objects.filter(person=person, revoked_at=None).order_by("expires_at"),
        "is_unlocked": is_unlocked(request),
        "is_of_the_desk": has_role(person, *STAFF_ROLES),
        "may_revoke_any": has_role(person, Role.ADMINISTRATOR, Role.COMPLIANCE),
        "purpose": PURPOSE,
        "content_hash": content_hash(person),
    }
    return render(request, "registration/account.html", context, status=status)


def _unlock(request: HttpRequest, person: User) -> None:
    unlock(request, person)


def _end_sessions(request: HttpRequest, person: User) -> None:
    now = datetime.now(UTC)
    with transaction.atomic():
        ended = end_sessions(person, but=request.session.session_key)
        tell(person, "access.sessions_ended", now, ended=ended)
    messages.success(request, _("Every other session has ended."))


def _new_codes(request: HttpRequest, person: User) -> HttpResponse | None:
    _require_unlocked(request)
    now = datetime.now(UTC)
    with transaction.atomic():
        codes = recovery.new_codes(person, now)
        tell(person, "access.recovery_codes_renewed", now)
    return render(request, "registration/recovery_codes.html", {"codes": codes, "next": reverse("account")})


def _revoke_key(request: HttpRequest, person: User) -> None:
    _require_unlocked(request)
    now, wanted = datetime.now(UTC), request.POST.get("key", "")
    with transaction.atomic():
        # Two keys taken away in the same moment must not leave the person without any factor.
        User.objects.select_for_update().get(pk=person.pk)
        found = person.security_keys.filter(pk=wanted if wanted.isdecimal() else 0, revoked_at=None)
        if found.update(revoked_at=now):
            tell(person, "access.factor_removed", now, kind="webauthn")
        if not has_factor(person):
            transaction.set_rollback(True)
            raise step_up.StepUpRefused("last_factor", _("This is your only second factor: enrol another one first."))
    end_sessions(person, but=request.session.session_key)


def _revoke_token(request: HttpRequest, person: User) -> None:
    try:
        revoke(person, request.POST.get("token", ""), now=datetime.now(UTC))
    except TokenRefused as problem:
        text = _("There is no such token, or it is not yours to revoke.")
        raise step_up.StepUpRefused(problem.code, text) from problem
    messages.success(request, _("The token is revoked."))


def _collect_token(request: HttpRequest, person: User) -> HttpResponse:
    _require_unlocked(request)
    try:
        fetched = collect(person, request.POST.get("token", ""), now=datetime.now(UTC))
    except TokenRefused as problem:
        raise step_up.StepUpRefused(problem.code, _("There is no such token to fetch.")) from problem
    return render(request, "registration/token.html", {"token": fetched.token, "next": reverse("account")})


def _require_unlocked(request: HttpRequest) -> None:
    if not is_unlocked(request):
        raise step_up.StepUpRefused("locked", _("Give your second factor first."))


_ACTIONS: dict[str, Callable[[HttpRequest, User], HttpResponse | None]] = {
    "unlock": _unlock,
    "end_sessions": _end_sessions,
    "new_codes": _new_codes,
    "revoke_key": _revoke_key,
    "revoke_token": _revoke_token,
    "collect_token": _collect_token,
}


@never_cache
@require_POST
def key_options(request: HttpRequest) -> HttpResponse:
    """`/accounts/keys/options/`: what the page gives the browser's key dialogue.

    `for` is enrol, sign_in or step_up; the last with `purpose` and `content_hash`.
    """
    wanted = request.POST.get("for")
    try:
        options = _options(request, wanted)
    except step_up.StepUpRefused as problem:
        return JsonResponse({"code": problem.code, "message": str(problem)}, status=422)
    if options is None:
        return JsonResponse({"code": "forbidden", "message": _("Sign in first.")}, status=403)
    return HttpResponse(options, content_type="application/json")


def _options(request: HttpRequest, wanted: str | None) -> str | None:
    if wanted == "enrol":
        person = enrolling_person(request)
        return security_keys.registration_options(person, new_challenge(request)) if person else None
    if wanted == "sign_in":
        person = pending_person(request)
        return security_keys.assertion_options(person, new_challenge(request)) if person else None
    if wanted == "step_up" and request.user.is_authenticated:
        purpose, content = request.POST.get("purpose", ""), request.POST.get("content_hash", "")
        return step_up.begin(request.user, purpose, content, datetime.now(UTC))
    return None

"""Accounts of the public: an address, a link that works once within minutes, and the role investor. No password, no staff page.

Whether an address has an account is told to nobody but its mailbox: the answer on the page is the same, and a mail goes out in
every case. An account of the desk is never opened by a link.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.mail import send_mail
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from governance.access.grants import grant_role
from governance.access.roles import STAFF_ROLES, Role
from governance.access.second_factor import tell
from governance.models import SignInLink, User

GOOD_FOR = timedelta(minutes=15)
TOKEN_BYTES = 32
TOKEN_MAX = 64


def send_link(email: str, now: datetime, then: str = "") -> None:
    """Mail a link to `email` (already a well-formed address); to an account of the desk, that its door is another. The link leads
    on to `then`, a path as `way_back` lets through."""
    if _is_of_the_desk(email):
        _send(email, "mail/sign_in_desk.txt", {"url": settings.PUBLIC_URL + reverse("login")})
        return
    token = secrets.token_urlsafe(TOKEN_BYTES)
    SignInLink.objects.create(email=email, token_hash=_hash(token), created_at=now, expires_at=now + GOOD_FOR)
    url = (
        settings.PUBLIC_URL + reverse("investor-link", args=[token]) + (f"?{urlencode({'next': then})}" if then else "")
    )
    _send(email, "mail/sign_in_link.txt", {"url": url, "minutes": GOOD_FOR.seconds // 60})


def is_good(token: str, now: datetime) -> bool:
    """True if the link would still work; using nothing up, as programs that look into mails open links too."""
    return _unused(token, now).exists()


def use_link(token: str, now: datetime) -> User | None:
    """The investor whose link this is, made on the first use of their first link; None for a link that is not good (any more)."""
    with transaction.atomic():
        link = _unused(token, now).first()
        if link is None or _unused(token, now).update(used_at=now) != 1:
            return None
        person = _investor(link.email, now)
        return person if person.is_active and not _is_of_the_desk(link.email) else None


def _unused(token: str, now: datetime) -> Any:
    wanted = _hash(token) if len(token) <= TOKEN_MAX else ""
    return SignInLink.objects.filter(token_hash=wanted, used_at=None, expires_at__gt=now)


def _investor(email: str, now: datetime) -> User:
    found = User.objects.filter(email__iexact=email).first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            person = User(username=f"investor-{secrets.token_hex(8)}", email=email)
            person.set_unusable_password()
            person.save()
            grant_role(
                person, Role.INVESTOR, authorised_by="link", reason="Opened by a link to their address.", now=now
            )
            tell(person, "access.investor_joined", now)
            return person
    except IntegrityError:
        # Another link to the same address was used in the same moment.
        return User.objects.get(email__iexact=email)


def _is_of_the_desk(email: str) -> bool:
    of_desk = User.objects.filter(email__iexact=email)
    roles = [role.value for role in STAFF_ROLES]
    return of_desk.filter(is_staff=True).exists() or of_desk.filter(groups__name__in=roles).exists()


def _send(email: str, template: str, context: dict[str, Any]) -> None:
    send_mail(_("Sign in to the DCMM portal"), render_to_string(template, context), settings.EMAIL_FROM, [email])


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()

"""What is done to a person's credentials, as `governance.review` applies it: nobody learns the new ones but the person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Final

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _

from governance.access.second_factor import reset as reset_second_factor
from governance.access.second_factor import tell
from governance.access.sessions import end_sessions
from governance.models import User

__all__ = ["RESETS", "CredentialsRefused", "open_account", "reset_password", "reset_second_factor"]


class CredentialsRefused(Exception):
    """Nothing was changed."""


def reset_password(person: User, *, authorised_by: str, now: datetime) -> None:
    """Make the password unusable, end every session, and mail the person a link (one hour, once) to choose a new one.

    Runs in the transaction of the applied proposal; the mail leaves after its commit. Raises `CredentialsRefused` for a
    person without an address, who could never get in again.
    """
    if not person.email:
        raise CredentialsRefused("the person has no e-mail address to send the link to")
    with transaction.atomic():
        person.set_unusable_password()
        person.save(update_fields=["password"])
        end_sessions(person)
        tell(person, "access.password_reset", now, authorised_by=authorised_by)
        transaction.on_commit(partial(_send_link, person), robust=True)


def open_account(person: User, *, authorised_by: str, now: datetime) -> None:
    """A closed account is open again; its old password and factors still hold."""
    with transaction.atomic():
        person.is_active = True
        person.save(update_fields=["is_active"])
        tell(person, "access.opened", now, authorised_by=authorised_by)


# What a proposal can do, by the word of its change.
RESETS: Final[dict[str, Callable[..., None]]] = {
    "password": reset_password,
    "second_factor": reset_second_factor,
    "open": open_account,
}


def _send_link(person: User) -> None:
    uid, token = urlsafe_base64_encode(force_bytes(person.pk)), default_token_generator.make_token(person)
    url = settings.PUBLIC_URL + reverse("new-password", args=[uid, token])
    text = render_to_string("mail/new_password.txt", {"url": url, "name": person.get_username()})
    send_mail(_("Choose a new password for the DCMM portal"), text, settings.EMAIL_FROM, [person.email])

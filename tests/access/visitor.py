"""Somebody who walks through all the doors: signed in once, and each door finds everything as the first did."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.test.client import ClientHandler

from governance.access.roles import Role
from governance.models import User
from tests.pages import stage

# Loading the middleware lists every static file, which takes longer than most answers: done once for all visitors.
_HANDLER = ClientHandler(enforce_csrf_checks=False)
_keys = itertools.count(1)


def person_of(who: str) -> User | None:
    """Somebody of that role; "superuser" has none, "nobody" is None."""
    if who == "nobody":
        return None
    if who == "superuser":
        return stage.person("root", is_superuser=True)
    person = stage.person(who, Role(who))
    if who == "investor":
        User.objects.filter(pk=person.pk).update(is_staff=False)
    return person


def signed_in(who: str) -> Client:
    """A browser in which somebody of that role is signed in."""
    client, person = Client(), person_of(who)
    client.handler = _HANDLER
    if person is not None:
        stage.sign_in(client, person, "link" if who == "investor" else "totp")
    return client


@contextmanager
def undone(client: Client) -> Iterator[None]:
    """Afterwards database, cache and cookies are as before: a visit to one door changes nothing for the next."""
    cookies = deepcopy(client.cookies)
    cache.clear()
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    client.cookies = cookies


def told(client: Client, method: str, address: str, data: dict[str, str]) -> str:
    """What the door answers: a status, `in` (sent to sign in) or `go` (sent elsewhere)."""
    headers = {"Idempotency-Key": f"walk-{next(_keys)}"}
    as_json = {"content_type": "application/json", "headers": headers}
    more = as_json if address.startswith("/api/") and method != "GET" else {}
    with undone(client):
        answer = getattr(client, method.lower())(address, data, **more)
    if answer.status_code not in (301, 302):
        return str(answer.status_code)
    location = answer.headers["Location"]
    return "in" if location.startswith(("/accounts/sign-in/", "/admin/login/")) else "go"

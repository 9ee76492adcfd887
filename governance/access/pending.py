"""Between password and second factor: who gave the right password here, for five minutes. Nobody is signed in yet."""

from __future__ import annotations

import secrets
import time
from typing import Any

from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from governance.access.security_keys import CHALLENGE_BYTES
from governance.models import User

GOOD_FOR_S = 300
_PLACE = "password_given"
_CHALLENGE = "key_challenge"


def put_pending(request: HttpRequest, person: User, next_page: str) -> None:
    """Remember it in a session of a new key, from which everything else is gone."""
    request.session.flush()
    request.session[_PLACE] = {
        "person": person.pk,
        "credentials": person.get_session_auth_hash(),
        "at_s": time.time(),
        "next": next_page,
    }


def pending_person(request: HttpRequest) -> User | None:
    """Who gave the password; None when nobody did, too long ago, or with a password that has changed since."""
    found = _found(request)
    if found is None or not 0 <= time.time() - found["at_s"] <= GOOD_FOR_S:
        return None
    person = User.objects.filter(pk=found["person"], is_active=True).first()
    if person is None or not constant_time_compare(found["credentials"], person.get_session_auth_hash()):
        return None
    return person


def next_page(request: HttpRequest) -> str:
    """Where the person wanted to go; "" for nowhere in particular."""
    found = _found(request)
    return str(found["next"]) if found else ""


def new_challenge(request: HttpRequest) -> bytes:
    """A random challenge for a key, remembered for one answer."""
    challenge = secrets.token_bytes(CHALLENGE_BYTES)
    request.session[_CHALLENGE] = {"challenge": challenge.hex(), "at_s": time.time()}
    return challenge


def take_challenge(request: HttpRequest) -> bytes | None:
    """The challenge given out last, once; None when there is none or it is too old."""
    found = request.session.pop(_CHALLENGE, None)
    if not isinstance(found, dict) or not 0 <= time.time() - found["at_s"] <= GOOD_FOR_S:
        return None
    return bytes.fromhex(found["challenge"])


def _found(request: HttpRequest) -> dict[str, Any] | None:
    found = request.session.get(_PLACE)
    return found if isinstance(found, dict) else None

"""Tokens for people's programs. The secret is shown once and kept as a hash; a token acts in no role its person has lost.

Issuing is a governed change: `governance.review` calls `issue` when a proposal of the kind `token` is applied, which may be at
night and by the clockwork. So a token begins without a secret, and opens nothing; its person, and nobody else, makes and sees
the secret when they fetch it (`collect`), once. Revoking makes things safer and needs nobody else.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from governance.access.roles import STAFF_ROLES, Role, has_role, narrow, roles_of
from governance.access.second_factor import tell
from governance.database_time import either_reached
from governance.models import ApiToken, User
from trading.events.services import record

MARK = "dcmm"
PREFIX_BYTES = 6
SECRET_BYTES = 32
LONGEST_DAYS = 366
NAME_MAX = 60
TOKEN_MAX = 120
USED_EVERY = timedelta(minutes=1)


class TokenRefused(Exception):
    """Not issued or revoked; nothing was changed. `code` says which rule refused it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Issued:
    """A token just fetched: its row, and the text that can be read this once."""

    row: ApiToken
    token: str


def check_request(person: User, name: str, roles: Sequence[str], days: int) -> None:
    """Raises `TokenRefused` for what could never be issued: the validation of the kind `token`."""
    staff = {role.value for role in STAFF_ROLES}
    if not name.strip() or len(name) > NAME_MAX or "\x00" in name:
        raise TokenRefused("bad_name", "a token is named by 1 to 60 characters")
    if not roles or len(set(roles)) != len(roles) or not set(roles) <= staff:
        raise TokenRefused("bad_roles", f"roles are some of: {', '.join(sorted(staff))}")
    if not set(roles) <= roles_of(person):
        raise TokenRefused("not_held", "a token acts only in roles that its person holds")
    if not 1 <= days <= LONGEST_DAYS:
        raise TokenRefused("bad_expiry", "a token expires, within 366 days")


def issue(person: User, name: str, roles: Sequence[str], days: int, *, authorised_by: str, now: datetime) -> ApiToken:
    """A token for `person` that waits to be fetched; `authorised_by` names the proposal. Raises `TokenRefused`."""
    check_request(person, name, roles, days)
    prefix = secrets.token_hex(PREFIX_BYTES)
    with transaction.atomic():
        row = ApiToken.objects.create(
            person=person,
            name=name.strip(),
            prefix=prefix,
            secret_hash="",
            roles=sorted(roles),
            authorised_by=authorised_by,
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
        tell(person, "access.token_issued", now, token=prefix, roles=sorted(roles), authorised_by=authorised_by)
    return row


def collect(person: User, prefix: str, *, now: datetime) -> Issued:
    """Give the token its secret, which its person sees this once. Raises `TokenRefused`."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    with transaction.atomic():
        waiting = ApiToken.objects.filter(
            person=person, prefix=prefix[:16], secret_hash="", revoked_at=None, expires_at__gt=now
        )
        row = waiting.select_for_update().first()
        if row is None:
            raise TokenRefused("unknown_token", "there is no such token to fetch")
        row.secret_hash = _hash(secret)
        row.save(update_fields=["secret_hash"])
        tell(person, "access.token_fetched", now, token=row.prefix)
    return Issued(row, f"{MARK}_{row.prefix}_{secret}")


def revoke(actor: User, prefix: str, *, now: datetime) -> ApiToken:
    """End a token: one's own, or anybody's by an administrator or compliance. Revoking twice changes nothing.

    Raises `TokenRefused`.
    """
    with transaction.atomic():
        row = ApiToken.objects.select_for_update().select_related("person").filter(prefix=prefix[:16]).first()
        if row is None:
            raise TokenRefused("unknown_token", "there is no such token")
        if row.person_id != actor.pk and not has_role(actor, Role.ADMINISTRATOR, Role.COMPLIANCE):
            raise TokenRefused("not_yours", "only its person, an administrator or compliance revokes a token")
        if row.revoked_at is None:
            row.revoked_at, row.revoked_by_name = now, actor.get_username()
            row.save(update_fields=["revoked_at", "revoked_by_name"])
            record(
                f"person:{row.person_id}",
                "access.token_revoked",
                {"person": row.person.get_username(), "token": row.prefix},
                actor_id=str(actor.pk),
                actor_name=actor.get_username(),
                occurred_at=now,
            )
    return row


def revoke_all(person: User, *, by_name: str, now: datetime) -> int:
    """End every token of the person, as their account is closed; how many there were."""
    return ApiToken.objects.filter(person=person, revoked_at=None).update(revoked_at=now, revoked_by_name=by_name)


def authenticate(token: str, now: datetime) -> User | None:
    """The token's person, acting in the token's roles alone; None for a token that is wrong, expired or revoked."""
    parts = token.split("_", 2) if len(token) <= TOKEN_MAX and token.isascii() and "\x00" not in token else []
    if len(parts) != 3 or parts[0] != MARK:
        return None
    row = ApiToken.objects.select_related("person").filter(prefix=parts[1]).first()
    # Hashed in any case: how long it takes tells nothing about which prefixes exist.
    is_right = hmac.compare_digest(_hash(parts[2]), row.secret_hash if row else _hash(""))
    if row is None or not is_right or row.revoked_at is not None or not row.person.is_active:
        return None
    if row.expires_at <= either_reached(now):
        return None
    if row.last_used_at is None or now - row.last_used_at >= USED_EVERY:
        ApiToken.objects.filter(pk=row.pk).update(last_used_at=now)
    narrow(row.person, row.roles)
    return row.person


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()

"""A fresh second factor for one vote or one loosening: about exactly this content, good once, kept where it can be kept.

With an app: a code never used before, given with the request. With a key: the browser is told the content's hash as the
challenge (`begin`), the key signs it, and the assertion is kept with the vote, so that anybody can check later that this
person's key signed exactly this content (`verify_stored`). A code proves presence alone; docs/security-model.md says more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from governance.access import security_keys
from governance.access.second_factor import Accepted, FactorRefused, Method, accept_code, accept_key, factor_text
from governance.models import StepUpProof, User

GOOD_FOR = timedelta(minutes=2)
PURPOSE_MAX = 64
WAITING_MAX = 20
HASH_LENGTH = 64


class StepUpRefused(Exception):
    """No proof; nothing was changed. `code`: missing, refused, stale, held_back, unavailable, bad_content."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class StepUp:
    """What was proved: by which method ("totp", "webauthn"), when and, for a key, the assertion to keep."""

    method: str
    verified_at: datetime
    assertion: dict[str, Any] | None = None


def begin(person: User, purpose: str, content_hash: str, now: datetime) -> str:
    """The options for the browser's key dialogue about this content, as JSON; good for two minutes. Raises `StepUpRefused`."""
    challenge = _challenge(purpose, content_hash)
    if not person.security_keys.filter(revoked_at=None).exists():
        raise StepUpRefused("missing", _("You have no security key enrolled."))
    waiting = StepUpProof.objects.filter(person=person, used_at=None, method=Method.WEBAUTHN, expires_at__gt=now)
    if waiting.count() >= WAITING_MAX:
        raise StepUpRefused("held_back", _("Your key is asked too often. Try again in two minutes."))
    StepUpProof.objects.create(
        person=person,
        purpose=purpose,
        content_hash=content_hash,
        method=Method.WEBAUTHN,
        begun_at=now,
        expires_at=now + GOOD_FOR,
    )
    return security_keys.assertion_options(person, challenge)


def verify(person: User, request_data: Mapping[str, Any], purpose: str, content_hash: str, now: datetime) -> StepUp:
    """Check and use up what came with the request: `assertion` (the browser's JSON, after `begin`) or `code`.

    `content_hash` is 64 hexadecimal digits. Raises `StepUpRefused`; a recovery code is never taken here.
    """
    challenge = _challenge(purpose, content_hash)
    answer, code = request_data.get("assertion"), request_data.get("code")
    try:
        if isinstance(answer, str) and answer:
            return _by_key(person, answer, challenge, purpose, content_hash, now)
        if isinstance(code, str) and code:
            return _by_code(person, code, purpose, content_hash, now)
    except FactorRefused as problem:
        raise StepUpRefused(problem.code, factor_text(problem)) from problem
    raise StepUpRefused("missing", _("This needs your second factor: a fresh code, or your security key."))


def verify_stored(
    assertion: Mapping[str, Any] | None, content_hash: str, voter: User, *, is_revoked_good: bool = False
) -> bool:
    """True if a key of `voter` signed exactly `content_hash`. Nothing is used up; counters are not looked at.

    A key revoked since does not count, unless `is_revoked_good` (for reading an old record, never for applying it).
    """
    if not isinstance(assertion, Mapping) or not isinstance(assertion.get("response"), Mapping):
        return False
    try:
        challenge = _challenge("stored", content_hash)
        security_keys.check(voter, assertion, challenge, is_revoked_good=is_revoked_good)
    except (StepUpRefused, security_keys.KeyRefused):
        return False
    return True


def _by_key(person: User, answer: str, challenge: bytes, purpose: str, content_hash: str, now: datetime) -> StepUp:
    asked = StepUpProof.objects.filter(
        person=person, purpose=purpose, content_hash=content_hash, method=Method.WEBAUTHN, used_at=None,
        begun_at__lte=now, expires_at__gt=now,
    )  # fmt: skip
    pending = asked.order_by("-begun_at", "-pk").first()
    if pending is None:
        raise StepUpRefused("stale", _("Your key was asked too long ago, or about something else. Use it again."))
    signed = _signed(accept_key(person, answer, challenge, now))
    try:
        with transaction.atomic():
            used = asked.filter(pk=pending.pk).update(used_at=now, proof_hash=signed.proof_hash)
    except IntegrityError:
        used = 0
    if not used:
        raise StepUpRefused("refused", _("This signature was used before."))
    return StepUp(Method.WEBAUTHN.value, now, signed.assertion)


def _signed(accepted: Accepted) -> security_keys.Checked:
    if accepted.signed is None:
        raise FactorRefused("refused")
    return accepted.signed


def _by_code(person: User, code: str, purpose: str, content_hash: str, now: datetime) -> StepUp:
    accept_code(person, code, now, is_recovery_good=False)
    StepUpProof.objects.create(
        person=person,
        purpose=purpose,
        content_hash=content_hash,
        method=Method.TOTP,
        begun_at=now,
        expires_at=now,
        used_at=now,
    )
    return StepUp(Method.TOTP.value, now)


def _challenge(purpose: str, content_hash: str) -> bytes:
    is_purpose = 0 < len(purpose) <= PURPOSE_MAX and "\x00" not in purpose
    if is_purpose and len(content_hash) == HASH_LENGTH and content_hash == content_hash.lower():
        try:
            challenge = bytes.fromhex(content_hash)
        except ValueError:
            challenge = b""
        if len(challenge) == security_keys.CHALLENGE_BYTES:
            return challenge
    raise StepUpRefused("bad_content", _("There is nothing to sign."))

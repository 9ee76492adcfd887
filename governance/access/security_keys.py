"""Security keys and passkeys (WebAuthn): enrolling one, and checking what one signed, now or years later.

An assertion is bound by the browser to our name (`WEBAUTHN_RP_ID`) and address (`WEBAUTHN_ORIGINS`), so that a page that only
looks like ours gets none, and to the challenge: random for signing in, the hash of the proposal for a vote.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from governance.models import SecurityKey, User

if TYPE_CHECKING:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

ANSWER_MAX = 16_384
KEYS_MAX = 10
CHALLENGE_BYTES = 32
_KEPT = ("authenticatorData", "clientDataJSON", "signature")


class KeyRefused(Exception):
    """What came from the browser proves nothing; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A signature that holds: the key that made it, its counter, and the assertion as it is kept."""

    key: SecurityKey
    sign_count: int
    assertion: dict[str, Any]

    @property
    def proof_hash(self) -> str:
        """Names this signature, of which no second use is taken."""
        return hashlib.sha256(self.assertion["response"]["signature"].encode()).hexdigest()


def registration_options(person: User, challenge: bytes) -> str:
    """What `navigator.credentials.create` is given, as JSON."""
    import webauthn
    from webauthn.helpers.structs import AuthenticatorSelectionCriteria, ResidentKeyRequirement

    options = webauthn.generate_registration_options(
        rp_id=settings.WEBAUTHN_RP_ID,
        rp_name="DCMM portal",
        user_id=hashlib.sha256(f"dcmm person {person.pk}".encode()).digest(),
        user_name=person.get_username(),
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(resident_key=ResidentKeyRequirement.DISCOURAGED),
        exclude_credentials=_descriptors(person),
    )
    return webauthn.options_to_json(options)


def register(person: User, answer: str, challenge: bytes, name: str, now: datetime) -> SecurityKey:
    """Keep the key that answered `challenge`. Raises `KeyRefused`."""
    import webauthn
    from webauthn.helpers.exceptions import WebAuthnException

    if person.security_keys.filter(revoked_at=None).count() >= KEYS_MAX:
        raise KeyRefused("there are enough keys")
    try:
        verified = webauthn.verify_registration_response(
            credential=_parsed(answer),
            expected_challenge=challenge,
            expected_rp_id=settings.WEBAUTHN_RP_ID,
            expected_origin=settings.WEBAUTHN_ORIGINS,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as problem:
        raise KeyRefused(str(problem)) from problem
    try:
        with transaction.atomic():
            return SecurityKey.objects.create(
                person=person,
                credential_id=webauthn.helpers.bytes_to_base64url(verified.credential_id),
                public_key=webauthn.helpers.bytes_to_base64url(verified.credential_public_key),
                sign_count=verified.sign_count,
                name=name.strip()[:60] or "key",
                created_at=now,
            )
    except IntegrityError as problem:
        raise KeyRefused("this key is enrolled already") from problem


def assertion_options(person: User, challenge: bytes) -> str:
    """What `navigator.credentials.get` is given, as JSON."""
    import webauthn

    options = webauthn.generate_authentication_options(
        rp_id=settings.WEBAUTHN_RP_ID, challenge=challenge, allow_credentials=_descriptors(person)
    )
    return webauthn.options_to_json(options)


def use_key(person: User, answer: str, challenge: bytes, now: datetime) -> Checked:
    """Check a fresh answer to `challenge` and count the key's use. Raises `KeyRefused`, also for a counter that went back."""
    checked = check(person, _parsed(answer), challenge)
    # A key that counts counts up; one that does not says 0 each time.
    counts_on = Q(sign_count__lt=checked.sign_count) if checked.sign_count else Q(sign_count=0)
    found = SecurityKey.objects.filter(counts_on, pk=checked.key.pk, revoked_at=None)
    if not found.update(sign_count=checked.sign_count, last_used_at=now):
        raise KeyRefused("the key's counter went back: it may have been copied")
    return checked


def check(person: User, answer: Mapping[str, Any], challenge: bytes, *, is_revoked_good: bool = False) -> Checked:
    """Check that a key of `person` signed `challenge` for us, at any later time. Raises `KeyRefused`.

    With `is_revoked_good`, a key revoked since still counts: for reading old records, never for acting on them.
    """
    import webauthn
    from webauthn.helpers.exceptions import WebAuthnException

    key = _key_of(person, answer, is_revoked_good)
    try:
        verified = webauthn.verify_authentication_response(
            credential=dict(answer),
            expected_challenge=challenge,
            expected_rp_id=settings.WEBAUTHN_RP_ID,
            expected_origin=settings.WEBAUTHN_ORIGINS,
            credential_public_key=webauthn.base64url_to_bytes(key.public_key),
            credential_current_sign_count=0,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as problem:
        raise KeyRefused(str(problem)) from problem
    response = {name: answer["response"][name] for name in _KEPT}
    kept = {"id": key.credential_id, "rawId": key.credential_id, "type": "public-key", "response": response}
    return Checked(key, verified.new_sign_count, kept)


def _key_of(person: User, answer: Mapping[str, Any], is_revoked_good: bool) -> SecurityKey:
    credential_id = answer.get("id")
    if not isinstance(credential_id, str) or "\x00" in credential_id:
        raise KeyRefused("not the answer of a key")
    found = SecurityKey.objects.filter(person=person, credential_id=credential_id).first()
    if found is None or (found.revoked_at is not None and not is_revoked_good):
        raise KeyRefused("not a key of this person")
    return found


def _parsed(answer: str) -> dict[str, Any]:
    """The browser's JSON. Raises `KeyRefused` for what is no object or larger than any key's answer."""
    if len(answer) > ANSWER_MAX:
        raise KeyRefused("longer than any key's answer")
    try:
        parsed = json.loads(answer)
    except (ValueError, RecursionError) as problem:
        raise KeyRefused("not JSON") from problem
    if not isinstance(parsed, dict):
        raise KeyRefused("not the answer of a key")
    return parsed


def _descriptors(person: User) -> list[PublicKeyCredentialDescriptor]:
    import webauthn
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

    ids = person.security_keys.filter(revoked_at=None).values_list("credential_id", flat=True)
    return [PublicKeyCredentialDescriptor(id=webauthn.base64url_to_bytes(one)) for one in ids]

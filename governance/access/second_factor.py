"""The second factor of a person, whatever kind they have: counted, checked, told of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db import transaction
from django.utils.translation import gettext as _

from governance.access import recovery, security_keys, totp
from governance.access.attempts import CODE, begin_attempt, forget_attempts
from governance.access.sessions import end_sessions
from governance.models import RecoveryCode, SecurityKey, TotpDevice, User
from trading.events.services import record
from trading.metrics import SECOND_FACTOR_ATTEMPTS

CODE_MAX = 64


class Method(StrEnum):
    """How somebody showed that it is they."""

    TOTP = "totp"
    WEBAUTHN = "webauthn"
    RECOVERY = "recovery"


class FactorRefused(Exception):
    """Not accepted. `code`: refused, held_back (`retry_s` says how long) or unavailable."""

    def __init__(self, code: str, retry_s: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.retry_s = retry_s


@dataclass(frozen=True, slots=True)
class Accepted:
    """What was accepted; for a key its signature."""

    method: Method
    signed: security_keys.Checked | None = None


def has_factor(person: User) -> bool:
    """True if the person has an app or a key enrolled."""
    return (
        TotpDevice.objects.filter(person=person).exists()
        or SecurityKey.objects.filter(person=person, revoked_at=None).exists()
    )


def accept_code(person: User, code: str, now: datetime, *, is_recovery_good: bool) -> Accepted:
    """A code of the app or, where `is_recovery_good`, a recovery code. Raises `FactorRefused`."""
    _count(person, Method.TOTP)
    if len(code) <= CODE_MAX and totp.use_code(person, code, now):
        return _accepted(person, Accepted(Method.TOTP))
    if is_recovery_good and len(code) <= CODE_MAX and _use_recovery(person, code, now):
        return _accepted(person, Accepted(Method.RECOVERY))
    SECOND_FACTOR_ATTEMPTS.labels(Method.TOTP, "refused").inc()
    raise FactorRefused("refused")


def accept_key(person: User, answer: str, challenge: bytes, now: datetime) -> Accepted:
    """A key's answer to `challenge`. Raises `FactorRefused`."""
    _count(person, Method.WEBAUTHN)
    try:
        signed = security_keys.use_key(person, answer, challenge, now)
    except security_keys.KeyRefused as problem:
        SECOND_FACTOR_ATTEMPTS.labels(Method.WEBAUTHN, "refused").inc()
        raise FactorRefused("refused") from problem
    return _accepted(person, Accepted(Method.WEBAUTHN, signed))


def tell(person: User, what: str, now: datetime, **payload: object) -> None:
    """Record an event `access.<what>` about the person, by the person."""
    record(
        f"person:{person.pk}",
        what,
        {"person": person.get_username(), **payload},
        actor_id=str(person.pk),
        actor_name=person.get_username(),
        occurred_at=now,
    )


def reset(person: User, *, authorised_by: str, now: datetime) -> None:
    """Take every second factor from the person and end their sessions: they enrol anew at the next signing in.

    What `governance.review` does when a proposal to reset credentials is applied; runs in its transaction.
    """
    with transaction.atomic():
        TotpDevice.objects.filter(person=person).delete()
        RecoveryCode.objects.filter(person=person).delete()
        SecurityKey.objects.filter(person=person, revoked_at=None).update(revoked_at=now)
        end_sessions(person)
        tell(person, "access.factors_reset", now, authorised_by=authorised_by)


def factor_text(problem: FactorRefused) -> str:
    """Why a second factor was not taken, and what to do."""
    if problem.code == "held_back":
        return _("Too many wrong codes. Try again in %(minutes)s minutes.") % {"minutes": -(-problem.retry_s // 60)}
    if problem.code == "unavailable":
        return _("Your second factor cannot be checked right now. Try again in a minute.")
    return _("This code is wrong, too old, or was used before. Wait for the next one.")


def _use_recovery(person: User, code: str, now: datetime) -> bool:
    with transaction.atomic():
        is_used = recovery.use_recovery_code(person, code, now)
        if is_used:
            tell(person, "access.recovery_code_used", now, left=recovery.codes_left(person))
    return is_used


def _count(person: User, method: Method) -> None:
    attempt = begin_attempt(str(person.pk), "", CODE)
    if attempt.is_allowed:
        return
    code = "unavailable" if attempt.retry_s is None else "held_back"
    SECOND_FACTOR_ATTEMPTS.labels(method, code).inc()
    raise FactorRefused(code, attempt.retry_s or 0)


def _accepted(person: User, accepted: Accepted) -> Accepted:
    forget_attempts(str(person.pk), "", CODE)
    SECOND_FACTOR_ATTEMPTS.labels(accepted.method, "accepted").inc()
    return accepted

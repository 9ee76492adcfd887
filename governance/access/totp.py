"""Codes of authenticator apps (RFC 6238): six digits, 30 s, a clock wrong by one step either way, each code once."""

from __future__ import annotations

import base64
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode

import structlog
from django_otp.oath import TOTP

from governance.access.sealing import CannotUnseal, seal, unseal
from governance.models import TotpDevice, User

log = structlog.get_logger(__name__)
STEP_S = 30
DIGITS = 6
SKEW_STEPS = 1
SECRET_BYTES = 20
ISSUER = "DCMM portal"


def new_secret() -> bytes:
    """A secret for a new device: 160 random bits, as the RFC asks for."""
    return secrets.token_bytes(SECRET_BYTES)


def provisioning_uri(person: User, secret: bytes) -> str:
    """What an authenticator app reads from a QR code."""
    label = quote(f"{ISSUER}:{person.get_username()}")
    return f"otpauth://totp/{label}?{urlencode({'secret': shown(secret), 'issuer': ISSUER})}"


def shown(secret: bytes) -> str:
    """The secret as people type it into an app."""
    return base64.b32encode(secret).decode().rstrip("=")


def code_at(secret: bytes, at: datetime) -> str:
    """The code of the step that `at` is in."""
    clock = TOTP(secret, STEP_S, digits=DIGITS)
    clock.time = at.timestamp()
    return f"{clock.token():0{DIGITS}d}"


def step_of(at: datetime) -> int:
    """The number of the step that `at` is in."""
    return int(at.timestamp()) // STEP_S


def matching_step(secret: bytes, code: str, now: datetime, after_step: int) -> int | None:
    """The step later than `after_step` whose code this is, at most one off from now; None when there is none."""
    digits = "".join(code.split())
    if len(digits) != DIGITS or not digits.isascii() or not digits.isdigit():
        return None
    clock = TOTP(secret, STEP_S, digits=DIGITS)
    clock.time = now.timestamp()
    return clock.t() if clock.verify(int(digits), tolerance=SKEW_STEPS, min_t=after_step + 1) else None


def enrol(person: User, secret: bytes, code: str, now: datetime) -> bool:
    """Keep the device, given a code that shows that the app has it; that code is used up. False for a wrong code."""
    step = matching_step(secret, code, now, after_step=0)
    if step is None:
        return False
    TotpDevice.objects.create(person=person, sealed_secret=seal(secret), last_step=step, created_at=now)
    return True


def use_code(person: User, code: str, now: datetime) -> bool:
    """True if `code` is the person's, of now and never used before. Of two at the same moment one is true."""
    device = TotpDevice.objects.filter(person=person).first()
    if device is None:
        return False
    try:
        secret = unseal(device.sealed_secret)
    except CannotUnseal as problem:
        log.error("totp.cannot_unseal", person=person.pk, problem=str(problem))
        return False
    step = matching_step(secret, code, now, device.last_step)
    if step is None:
        return False
    return TotpDevice.objects.filter(pk=device.pk, last_step__lt=step).update(last_step=step) == 1

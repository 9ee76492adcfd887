"""Recovery codes: for the day an app or a key is lost. Shown once, kept as hashes, each good once."""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import datetime

from django.db import transaction

from governance.models import RecoveryCode, User

COUNT = 10
CODE_BYTES = 10
LENGTH = 16


def new_codes(person: User, now: datetime) -> list[str]:
    """Ten new codes, as `abcd-efgh-ijkl-mnop`; older ones are no longer good. This is the only time they can be read."""
    codes = [base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode().lower() for _ in range(COUNT)]
    with transaction.atomic():
        RecoveryCode.objects.filter(person=person).delete()
        RecoveryCode.objects.bulk_create(
            RecoveryCode(person=person, code_hash=_hash(code), created_at=now) for code in codes
        )
    return ["-".join(code[n : n + 4] for n in range(0, LENGTH, 4)) for code in codes]


def use_recovery_code(person: User, code: str, now: datetime) -> bool:
    """True if `code` is one of the person's and was never used."""
    bare = "".join(code.split()).replace("-", "").lower()
    if len(bare) != LENGTH:
        return False
    unused = RecoveryCode.objects.filter(person=person, code_hash=_hash(bare), used_at=None)
    return unused.update(used_at=now) == 1


def codes_left(person: User) -> int:
    """How many are still good."""
    return RecoveryCode.objects.filter(person=person, used_at=None).count()


def _hash(code: str) -> str:
    # 80 random bits need no slow hash.
    return hashlib.sha256(code.encode(errors="replace")).hexdigest()

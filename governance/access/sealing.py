"""Secrets that must be read again, encrypted: who reads the database alone does not have them."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class CannotUnseal(Exception):
    """Sealed with another SECRET_KEY, or not sealed at all."""


def seal(secret: bytes) -> str:
    """`secret` encrypted with a key derived from SECRET_KEY."""
    return _box().encrypt(secret).decode()


def unseal(sealed: str) -> bytes:
    """What was sealed, with SECRET_KEY or one of SECRET_KEY_FALLBACKS. Raises `CannotUnseal`."""
    try:
        return _box().decrypt(sealed.encode())
    except InvalidToken as problem:
        raise CannotUnseal("a second factor was sealed with another SECRET_KEY") from problem


def _box() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_derived(key))) for key in keys])


def _derived(key: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"dcmm second factors").derive(key.encode())

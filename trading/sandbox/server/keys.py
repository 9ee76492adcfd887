"""API keys and secrets: from the environment or a file, compared in constant time, never shown."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from trading.sandbox.server.errors import ApiError


class SettingsError(Exception):
    """The process cannot start; the message names what to set."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of an account. Secret and passphrase stay out of reprs."""

    key_id: str
    account: str
    secret: str = field(repr=False)
    passphrase: str = field(repr=False, default="")

    def digest(self, message: str | bytes) -> bytes:
        """HMAC-SHA256 of a message under this key's secret."""
        data = message.encode() if isinstance(message, str) else message
        return hmac.new(self.secret.encode(), data, hashlib.sha256).digest()


class KeyRing:
    """The keys that the venue accepts."""

    def __init__(self, keys: Iterable[ApiKey]) -> None:
        self._keys = {key.key_id: key for key in keys}

    def find(self, key_id: str) -> ApiKey:
        """The key of that id; 401 `invalid_key` when there is none."""
        key = self._keys.get(key_id)
        if key is None:
            raise ApiError(401, "invalid_key", "no such API key")
        return key


def same(given: str | bytes, expected: str | bytes) -> bool:
    """Constant-time comparison that also survives non-ASCII input."""
    left = given.encode("utf-8", "surrogatepass") if isinstance(given, str) else given
    right = expected.encode() if isinstance(expected, str) else expected
    return hmac.compare_digest(left, right)


def secret_from_environment(environ: Mapping[str, str], name: str) -> str:
    """The value of NAME, or the stripped content of the file that NAME_FILE names; empty when neither is set."""
    path = environ.get(f"{name}_FILE", "")
    if not path:
        return environ.get(name, "")
    try:
        value = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name}_FILE: cannot read {path}: {type(error).__name__}") from None
    if not value:
        raise SettingsError(f"{name}_FILE: {path} is empty")
    return value

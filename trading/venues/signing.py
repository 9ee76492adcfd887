"""HMAC-SHA256 signatures: of requests to a TON-DEX venue, and of the webhooks such a venue sends.

Both are described in docs/sandbox-venue.md, sections 2 and 8.
"""

from __future__ import annotations

import hashlib
import hmac
import re

WEBHOOK_WINDOW_S = 30.0
_STAMP = re.compile(r"[0-9]{1,16}", re.ASCII)


class WebhookRefused(Exception):
    """A webhook that must not be believed. The message never holds the secret or the expected signature."""


class BadSignature(WebhookRefused):
    """The signature is missing, malformed or not made with our secret."""


class StaleStamp(WebhookRefused):
    """The signature is right but the stamp is too far from our clock: replayed, or held up on the way."""


def hmac_hex(secret: str, message: bytes) -> str:
    """Lower-case hex HMAC-SHA256 of `message`, keyed with the secret's UTF-8 bytes."""
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def request_message(timestamp_ms: int, method: str, path: str, body: bytes) -> bytes:
    """What a request's signature covers: time, method, path with query and body exactly as sent, joined by line feeds."""
    return b"%d\n%s\n%s\n%s" % (timestamp_ms, method.encode(), path.encode(), body)


def verify_webhook(
    secret: str,
    timestamp: str,
    body: bytes,
    signature: str,
    now_ns: int,
    *,
    event_id: str = "",
    window_s: float = WEBHOOK_WINDOW_S,
) -> None:
    """Return only when `signature` is ours over timestamp (ms), event id and body, and the stamp is within `window_s` of now.

    The signature is checked first, in constant time, so that a stale stamp is told only to who knows the secret.
    Raises `BadSignature` (also without a secret: fail closed) or `StaleStamp`.
    """
    if not secret:
        raise BadSignature("no webhook secret is configured for this account")
    message = b"\n".join((timestamp.encode("utf-8", "replace"), event_id.encode("utf-8", "replace"), body))
    given = signature.encode("utf-8", "replace")
    if not hmac.compare_digest(hmac_hex(secret, message).encode(), given):
        raise BadSignature("the webhook's signature does not match")
    if not _STAMP.fullmatch(timestamp):
        raise BadSignature("the webhook's timestamp is not milliseconds since the epoch")
    age_s = (now_ns - int(timestamp) * 1_000_000) / 1e9
    if abs(age_s) > window_s:
        raise StaleStamp(f"the webhook's stamp is {age_s:.1f} s from our clock; at most {window_s:g} s is accepted")

"""Signatures of the TON-DEX dialect (docs/sandbox-venue.md section 2)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from trading.sandbox.server.endpoint import encode
from trading.sandbox.server.errors import ApiError
from trading.sandbox.server.keys import ApiKey, same
from trading.sandbox.server.venue import Venue

WINDOW_MS = 5_000
_TIMESTAMP = re.compile(r"[0-9]{1,16}", re.ASCII)


def signing_string(timestamp: str, method: str, path: str, body: bytes) -> bytes:
    """Timestamp (ms), method, path with query, body: joined by line feeds."""
    return b"\n".join((timestamp.encode(), method.encode(), path.encode("utf-8", "surrogateescape"), body))


def check(venue: Venue, key_id: str, timestamp: str, signature: str, method: str, path: str, body: bytes) -> ApiKey:
    """The key when its signature and time are right; ApiError 401 otherwise."""
    if not key_id or not timestamp or not signature:
        raise ApiError(401, "missing_header", "TDX-KEY, TDX-TIMESTAMP and TDX-SIGNATURE are required")
    key = venue.keys.find(key_id)
    if not _TIMESTAMP.fullmatch(timestamp) or abs(int(timestamp) - venue.clock.venue_ms()) > WINDOW_MS:
        raise ApiError(401, "timestamp_out_of_window", f"timestamp must be within {WINDOW_MS} ms of the venue's clock")
    if not same(signature, key.digest(signing_string(timestamp, method, path, body)).hex()):
        raise ApiError(401, "invalid_signature", "the signature does not match")
    return key


class DexDialect:
    """Headers in, envelopes out."""

    def authenticate(self, venue: Venue, method: str, path: str, headers: Mapping[str, str], body: bytes) -> ApiKey:
        """The key that signed the request."""
        get = headers.get
        return check(venue, get("TDX-KEY", ""), get("TDX-TIMESTAMP", ""), get("TDX-SIGNATURE", ""), method, path, body)

    def success(self, payload: object) -> str:
        """The payload itself."""
        return encode(payload)

    def failure(self, error: ApiError) -> tuple[int, str]:
        """`{"error": {"code", "message"}}` with the error's own status."""
        return error.status, encode({"error": {"code": error.code, "message": error.message}})

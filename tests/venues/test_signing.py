"""Signatures against the worked examples of docs/sandbox-venue.md, and webhooks that must not be believed."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest

from trading.venues.signing import BadSignature, StaleStamp, hmac_hex, request_message, verify_webhook

SECRET = "tdx-example-secret"
NOW_NS = 1_767_225_600_000_000_000


def test_the_documents_worked_examples() -> None:
    body = (
        b'{"symbol":"DCT/USDT","side":"buy","type":"post_only","price":"0.269310","size":"120.0",'
        b'"client_order_id":"q-1-b","deadline_ms":1767225602000}'
    )
    placed = hmac_hex(SECRET, request_message(1767225600000, "POST", "/v1/orders", body))
    assert placed == "ca98426e07d41c5a36aeb9713b731a7bb560b56b944b5f19fa524709f1f14274"
    read = hmac_hex(SECRET, request_message(1767225600000, "GET", "/v1/fills?symbol=DCT%2FUSDT&after=0", b""))
    assert read == "f2805e983075ec65209447f0680e87d317701511a6769f21d07f071205230679"


def sign(timestamp: str, event_id: str, body: bytes, secret: str = SECRET) -> str:
    message = timestamp.encode() + b"\n" + event_id.encode() + b"\n" + body
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def verify(timestamp: str, body: bytes, signature: str, secret: str = SECRET, event_id: str = "dex-fill-7") -> None:
    verify_webhook(secret, timestamp, body, signature, NOW_NS, event_id=event_id)


def test_a_genuine_webhook_is_believed() -> None:
    body = b'{"type":"fill"}'
    for stamp in ("1767225600000", "1767225571000", "1767225629000"):
        verify(stamp, body, sign(stamp, "dex-fill-7", body))


@pytest.mark.parametrize(
    "change",
    [
        {"body": b'{"type":"fill" }'},
        {"timestamp": "1767225600001"},
        {"event_id": "dex-fill-8"},
        {"signature": ""},
        {"signature": "zz"},
        {"signature": "é" * 64},
        {"secret": "another"},
        {"secret": ""},
    ],
)
def test_anything_changed_is_a_bad_signature(change: dict[str, object]) -> None:
    body, stamp = b'{"type":"fill"}', "1767225600000"
    values: dict[str, Any] = {"timestamp": stamp, "body": body, "signature": sign(stamp, "dex-fill-7", body), **change}
    with pytest.raises(BadSignature) as refused:
        verify(**values)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("stamp", ["1767225569000", "1767225631000", "0"])
def test_a_genuine_but_old_or_early_stamp_is_stale(stamp: str) -> None:
    with pytest.raises(StaleStamp, match="from our clock"):
        verify(stamp, b"{}", sign(stamp, "dex-fill-7", b"{}"))


def test_a_signed_stamp_that_is_no_number_is_refused() -> None:
    with pytest.raises(BadSignature, match="milliseconds"):
        verify("yesterday", b"{}", sign("yesterday", "dex-fill-7", b"{}"))


def test_an_empty_secret_signs_nothing() -> None:
    with pytest.raises(BadSignature, match="no webhook secret"):
        verify("1767225600000", b"{}", sign("1767225600000", "dex-fill-7", b"{}", ""), secret="")

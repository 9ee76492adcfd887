"""OKX v5 envelopes, error codes and signatures.

Codes are those of the exchange's published table (and of ccxt 4.5.90's mapping of it) wherever one fits.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime

from trading.sandbox.server.endpoint import encode
from trading.sandbox.server.errors import ApiError
from trading.sandbox.server.keys import ApiKey, same
from trading.sandbox.server.venue import Venue

WINDOW_MS = 30_000  # the exchange's own window

# Refusals of a whole request: code and HTTP status.
REQUEST_CODES: Mapping[str, tuple[str, int]] = {
    "missing_header": ("50103", 401),
    "invalid_key": ("50111", 401),
    "invalid_passphrase": ("50105", 401),
    "invalid_timestamp": ("50112", 401),
    "timestamp_out_of_window": ("50102", 401),
    "invalid_signature": ("50113", 401),
    "rate_limited": ("50011", 429),
    "malformed_body": ("50002", 400),
    "body_too_large": ("50002", 413),
    "missing_parameter": ("50014", 400),
    "invalid_parameter": ("51000", 400),
    "unavailable": ("50026", 503),
    "internal_error": ("50026", 500),
    "unknown_endpoint": ("404", 404),
    "method_not_allowed": ("405", 405),
    "unknown_symbol": ("51001", 200),
    "unknown_order": ("51603", 200),
}
# Refusals of one order in a request: the row's sCode.
_COMMON = {
    "unknown_symbol": "51001",
    "bad_price_tick": "51000",
    "bad_size_step": "51121",
    "below_minimum": "51020",
    "outside_price_band": "51006",
    "post_only_would_take": "51511",
    "insufficient_balance": "51008",
    "insufficient_margin": "51008",
    "duplicate_client_order_id": "51016",
    "bad_client_order_id": "51000",
    "deadline_passed": "51149",
    "self_trade": "51000",
    "nothing_to_amend": "51500",
    "bad_request": "51000",
    "invalid_parameter": "51000",
    "missing_parameter": "50014",
    "rate_limited": "50011",
}
# 51000 is the exchange's "parameter error": the message says which.
MESSAGE_STARTS = {
    "bad_price_tick": "Parameter px error. ",
    "bad_client_order_id": "Parameter clOrdId error. ",
    "self_trade": "Self-trade prevention. ",
}
PLACE_CODES: Mapping[str, str] = _COMMON
AMEND_CODES: Mapping[str, str] = {
    **_COMMON,
    "unknown_order": "51503",
    "order_already_done": "51503",
    "insufficient_balance": "51502",
    "insufficient_margin": "51502",
}
CANCEL_CODES: Mapping[str, str] = {**_COMMON, "unknown_order": "51400", "order_already_done": "51400"}


def iso_ms(stamp: str) -> int:
    """An ISO 8601 UTC stamp as ms since the epoch; ApiError 401 when it is none."""
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ApiError(401, "invalid_timestamp", "Invalid OK-ACCESS-TIMESTAMP")
    return round(moment.timestamp() * 1000)


def check_key(venue: Venue, key_id: str, passphrase: str, stamp_ms: int, sign: str, message: bytes) -> ApiKey:
    """The key when passphrase, time and signature are right; ApiError 401 otherwise."""
    key = venue.keys.find(key_id)
    if not same(passphrase, key.passphrase):
        raise ApiError(401, "invalid_passphrase", 'Request header "OK-ACCESS-PASSPHRASE" incorrect.')
    if abs(stamp_ms - venue.clock.venue_ms()) > WINDOW_MS:
        raise ApiError(401, "timestamp_out_of_window", "Timestamp request expired")
    if not same(sign, base64.b64encode(key.digest(message))):
        raise ApiError(401, "invalid_signature", "Invalid Sign")
    return key


class OkxDialect:
    """OK-ACCESS headers in, `{"code", "msg", "data"}` out."""

    def authenticate(self, venue: Venue, method: str, path: str, headers: Mapping[str, str], body: bytes) -> ApiKey:
        """The key that signed the request."""
        names = ("OK-ACCESS-KEY", "OK-ACCESS-PASSPHRASE", "OK-ACCESS-TIMESTAMP", "OK-ACCESS-SIGN")
        for name in names:
            if not headers.get(name):
                raise ApiError(401, "missing_header", f'Request header "{name}" can not be empty.')
        key_id, passphrase, stamp, sign = (headers[name] for name in names)
        message = (stamp + method + path).encode("utf-8", "surrogateescape") + body
        return check_key(venue, key_id, passphrase, iso_ms(stamp), sign, message)

    def success(self, payload: object) -> str:
        """Handlers return the list of `data`, or a whole envelope when rows may fail one by one."""
        if isinstance(payload, dict):
            return encode(payload)
        return encode({"code": "0", "msg": "", "data": payload})

    def failure(self, error: ApiError) -> tuple[int, str]:
        """The request-level code with its HTTP status."""
        code, status = REQUEST_CODES.get(error.code, ("51000", 400))
        if error.code == "unavailable":
            status = error.status
        return status, encode({"code": code, "msg": error.message, "data": []})


def rows_envelope(rows: list[dict[str, str]]) -> dict[str, object]:
    """The envelope of rows with an sCode each: 0 all good, 2 some failed, 1 all failed."""
    failed = sum(1 for row in rows if row["sCode"] != "0")
    code, message = "0", ""
    if failed == len(rows):
        code, message = "1", "All operations failed"
    elif failed:
        code, message = "2", "Bulk operation partially succeeded."
    return {"code": code, "msg": message, "data": rows}

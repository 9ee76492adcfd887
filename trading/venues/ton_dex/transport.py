"""Signed HTTP of a TON-DEX venue, with every answer sorted into the outcomes of the interface."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from trading.clock import Clock
from trading.venues.credentials import Credential
from trading.venues.departure import Departure, departing, departure_trace
from trading.venues.interface import (
    AuthRejected,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    RejectReason,
    SendGuard,
    UnexpectedAnswer,
    VenueError,
    VenueRejected,
    VenueUnavailable,
)
from trading.venues.observation import Observer
from trading.venues.quote_replacement import SentAt
from trading.venues.signing import hmac_hex, request_message
from trading.venues.throttle import Priority, Throttle
from trading.venues.venue_time import VenueTime

Json = Mapping[str, object]

MAX_ANSWER_BYTES = 16 * 1024 * 1024
MAX_MESSAGE = 200

# Codes of docs/sandbox-venue.md section 6. A code that is not there is not the venue's: some gateway spoke.
REASONS: Mapping[str, RejectReason] = {
    "post_only_would_take": RejectReason.POST_ONLY_WOULD_TAKE,
    "insufficient_balance": RejectReason.INSUFFICIENT_BALANCE,
    "insufficient_margin": RejectReason.INSUFFICIENT_BALANCE,
    "duplicate_client_order_id": RejectReason.DUPLICATE_CLIENT_ORDER_ID,
    "bad_price_tick": RejectReason.BAD_PRICE,
    "outside_price_band": RejectReason.BAD_PRICE,
    "bad_size_step": RejectReason.BAD_SIZE,
    "below_minimum": RejectReason.BELOW_MINIMUM,
    "unknown_order": RejectReason.UNKNOWN_ORDER,
    "order_already_done": RejectReason.ORDER_ALREADY_DONE,
    "deadline_passed": RejectReason.DEADLINE_PASSED,
    "self_trade": RejectReason.SELF_TRADE,
    "unknown_symbol": RejectReason.UNKNOWN_MARKET,
    "market_closed": RejectReason.MARKET_CLOSED,
    **dict.fromkeys(
        (
            "malformed_body",
            "invalid_parameter",
            "missing_parameter",
            "bad_client_order_id",
            "nothing_to_amend",
            "bad_request",
            "unknown_endpoint",
            "method_not_allowed",
            "body_too_large",
        ),
        RejectReason.OTHER,
    ),
}
CLOCK_CODE = "timestamp_out_of_window"
AUTH_CODES = frozenset({"missing_header", "invalid_key", "invalid_signature", CLOCK_CODE})
RATE_CODE = "rate_limited"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A request of the API: how it is called in metrics, its rate class, who goes first, whether it is signed."""

    name: str
    method: str
    path: str
    limit: str
    priority: Priority = Priority.READ
    private: bool = True


class Answer(msgspec.Struct, frozen=True):
    """What came back over the wire."""

    status: int
    retry_after: str
    body: bytes


def query_string(fields: Mapping[str, str | int]) -> str:
    """`?a=b&c=d`, percent-encoded; empty for no fields."""
    pairs = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in fields.items())
    return f"?{pairs}" if pairs else ""


class DexTransport:
    """One HTTP session of one account."""

    def __init__(
        self,
        base_url: str,
        credential: Credential,
        clock: Clock,
        time: VenueTime,
        throttle: Throttle,
        observer: Observer,
        timeout_s: float = 3.0,
    ) -> None:
        self._base_url = base_url
        self._credential = credential
        self._clock = clock
        self.time = time
        self._throttle = throttle
        self._observer = observer
        self.timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(2.0, timeout_s))
        self._session: aiohttp.ClientSession | None = None
        self.clock_refused = False  # the venue said that our stamp is off: measure its clock again

    def open(self) -> None:
        """Make the session; connections are made when used, and kept."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=75.0, ttl_dns_cache=60),
            timeout=self.timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[departure_trace()],
            auto_decompress=True,
        )

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The open session. Raises `NotSent` before open() and after close()."""
        if self._session is None or self._session.closed:
            raise NotSent("the venue connection is not open")
        return self._session

    def login_fields(self, path: str) -> dict[str, object]:
        """What a stream's login message carries."""
        stamp = self.time.now_ms()
        signature = hmac_hex(self._credential.secret, request_message(stamp, "GET", path, b""))
        return {"key": self._credential.key_id, "timestamp": stamp, "signature": signature}

    async def read(self, endpoint: Endpoint, query: Mapping[str, str | int] | None = None) -> Json:
        """Ask something that changes nothing. Raises VenueUnavailable, RateLimited, AuthRejected, VenueRejected,
        UnexpectedAnswer, NotSent."""
        path = endpoint.path + query_string(query or {})
        await self._throttle.acquire(endpoint.limit, "", endpoint.priority)
        with self._observer.request(endpoint.name, endpoint.limit, ""):
            try:
                answer = await self._exchange(endpoint, path, b"")
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                message = f"{endpoint.name}: no answer from the venue ({type(error).__name__})"
                raise VenueUnavailable(message) from None
            if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise VenueUnavailable(f"{endpoint.name}: the venue answered {answer.status}")
            if answer.status != HTTPStatus.OK:
                raise self._refusal(endpoint, answer)
            document = _document(answer.body)
            if document is None:
                raise UnexpectedAnswer(f"{endpoint.name}: the venue's answer is not a JSON object")
            return document

    async def write(
        self,
        endpoint: Endpoint,
        *,
        scope: str = "",
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, object] | None = None,
        guard: SendGuard | None = None,
        sent: SentAt | None = None,
    ) -> Json:
        """Change something. Raises VenueRejected, RateLimited, AuthRejected (definitive), NotSent (nothing left this
        process), OutcomeUnknown (everything else)."""
        path = endpoint.path + query_string(query or {})
        raw = b"" if body is None else msgspec.json.encode(body)
        await self._throttle.acquire(endpoint.limit, scope, endpoint.priority)
        departure = Departure(self._clock, guard, sent or SentAt())
        with self._observer.request(endpoint.name, endpoint.limit, scope):
            try:
                with departing(departure):
                    answer = await self._exchange(endpoint, path, raw)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                what = type(error).__name__
                if departure.sent.ns is None:
                    raise NotSent(f"{endpoint.name}: no connection to the venue ({what})") from None
                raise OutcomeUnknown(f"{endpoint.name}: no answer after sending ({what})") from None
            if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise OutcomeUnknown(f"{endpoint.name}: the venue answered {answer.status}")
            document = _document(answer.body)
            if answer.status == HTTPStatus.OK and document is not None:
                return document
            if answer.status < HTTPStatus.BAD_REQUEST:
                raise OutcomeUnknown(f"{endpoint.name}: an answer (status {answer.status}) that can't be read")
            refusal = self._refusal(endpoint, answer)
            if answer.status == HTTPStatus.TOO_MANY_REQUESTS and not isinstance(refusal, RateLimited):
                # Whoever said it, and whatever became of the request: go slower.
                self._throttle.refused(endpoint.limit, scope, _seconds(answer.retry_after))
            raise refusal

    async def _exchange(self, endpoint: Endpoint, path: str, body: bytes) -> Answer:
        headers = {}
        if endpoint.private:
            stamp = self.time.now_ms()
            message = request_message(stamp, endpoint.method, path, body)
            headers["TDX-KEY"] = self._credential.key_id
            headers["TDX-TIMESTAMP"] = str(stamp)
            headers["TDX-SIGNATURE"] = hmac_hex(self._credential.secret, message)
        if body:
            headers["Content-Type"] = "application/json"
        url = URL(self._base_url + path, encoded=True)
        async with self.session.request(
            endpoint.method, url, data=body or None, headers=headers, allow_redirects=False
        ) as response:
            if (response.content_length or 0) > MAX_ANSWER_BYTES:
                raise aiohttp.ClientPayloadError("too long")
            raw = await response.read()
            return Answer(response.status, response.headers.get("Retry-After", ""), raw)

    def _refusal(self, endpoint: Endpoint, answer: Answer) -> VenueError:
        """A 3xx or 4xx answer as the error it stands for."""
        code, message = _error_of(answer.body)
        told = f"{endpoint.name}: {code or f'status {answer.status}'}: {message}"
        reading = endpoint.priority is Priority.READ
        if not reading and code not in REASONS and code not in AUTH_CODES and code != RATE_CODE:
            # Not the venue's own words (a proxy's page?): it may have executed the request before they came.
            return OutcomeUnknown(told)
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            return RateLimited(told, _seconds(answer.retry_after))
        if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            self.clock_refused = self.clock_refused or code == CLOCK_CODE
            return AuthRejected(told)
        if not code:
            return UnexpectedAnswer(told)
        return VenueRejected(REASONS.get(code, RejectReason.OTHER), f"{code}: {message}")


def _document(body: bytes) -> Json | None:
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _error_of(body: bytes) -> tuple[str, str]:
    """Code and message of an error answer, bounded; ("", ...) when it is not in the venue's form."""
    document = _document(body) or {}
    error = document.get("error")
    if not isinstance(error, dict):
        return "", "not in the form of this API"
    code, message = error.get("code"), error.get("message")
    if not isinstance(code, str) or not isinstance(message, str):
        return "", "not in the form of this API"
    return code[:MAX_MESSAGE], message[:MAX_MESSAGE]


def _seconds(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0.0 <= value <= 3600.0 else None

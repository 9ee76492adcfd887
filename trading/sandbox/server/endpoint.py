"""The way of every request: faults, signature, rate limit, handler, faults, answer."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from trading.sandbox.exchange import ExchangeHalted
from trading.sandbox.server.decoding import MAX_BODY_BYTES
from trading.sandbox.server.errors import ApiError, DropConnection, from_reject
from trading.sandbox.server.faults import FaultKind
from trading.sandbox.server.keys import ApiKey
from trading.sandbox.server.venue import Venue
from trading.sandbox.types import Reject

logger = logging.getLogger("sandbox_venue")

# ASCII only: what a client sent may come back in an answer, and need not be encodable as UTF-8
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def encode(payload: object) -> str:
    """Compact JSON."""
    return _encode(payload)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, ready for its handler. `account`: empty on public endpoints; `caller`: whom limits count against."""

    venue: Venue
    account: str
    caller: str
    query: Mapping[str, str]
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Call], object]


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint. `name`: what fault rules match; `limit`: its rate class (empty: the handler takes tokens itself)."""

    method: str
    path: str
    name: str
    limit: str
    private: bool
    handler: Handler


class Dialect(Protocol):
    """What differs between the wire formats."""

    def authenticate(self, venue: Venue, method: str, path: str, headers: Mapping[str, str], body: bytes) -> ApiKey:
        """The key that signed the request, or ApiError 401."""
        ...

    def success(self, payload: object) -> str:
        """The body of a good answer."""
        ...

    def failure(self, error: ApiError) -> tuple[int, str]:
        """HTTP status and body of a refusal."""
        ...


async def read_body(request: web.Request) -> bytes:
    """The body, bounded; 413 beyond."""
    if not request.can_read_body:
        return b""
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise ApiError(413, "body_too_large", f"at most {MAX_BODY_BYTES} bytes") from None


async def faults_before(venue: Venue, name: str) -> None:
    """Apply the faults that strike before a request executes."""
    if rule := venue.faults.draw(FaultKind.LATENCY, name):
        await asyncio.sleep(rule.delay_s)
    if venue.faults.draw(FaultKind.DROP_BEFORE, name):
        raise DropConnection
    if rule := venue.faults.draw(FaultKind.ERROR_BEFORE, name):
        raise ApiError(rule.status, "unavailable", "the venue is not available")
    if rule := venue.faults.draw(FaultKind.RATE_LIMITED, name):
        raise ApiError(429, "rate_limited", "too many requests", rule.retry_after_s)


async def faults_after(venue: Venue, name: str) -> None:
    """Apply the faults that strike when a request has executed and its answer is due."""
    if rule := venue.faults.draw(FaultKind.LATENCY_AFTER, name):
        await asyncio.sleep(rule.delay_s)
    if venue.faults.draw(FaultKind.DROP_AFTER, name):
        raise DropConnection
    if rule := venue.faults.draw(FaultKind.ERROR_AFTER, name):
        raise ApiError(rule.status, "unavailable", "the venue is not available")


def execute(handler: Handler, call: Call) -> object:
    """Run a handler; whatever goes wrong comes out as an ApiError, and the loop goes on."""
    try:
        return handler(call)
    except ApiError:
        raise
    except Reject as reject:
        raise from_reject(reject) from None
    except ExchangeHalted:
        call.venue.halted = True
        raise ApiError(500, "internal_error", "the venue is restarting") from None
    except Exception:
        logger.exception("a handler failed")
        raise ApiError(500, "internal_error", "internal error") from None


async def _answer(venue: Venue, dialect: Dialect, route: Route, request: web.Request) -> str:
    body = await read_body(request)
    await faults_before(venue, route.name)
    account, caller = "", request.remote or "unknown"
    if route.private:
        key = dialect.authenticate(venue, request.method, request.raw_path, request.headers, body)
        account, caller = key.account, key.key_id
    if route.limit:
        venue.throttle.take(caller, route.limit)
    call = Call(venue, account, caller, request.query, body, request.headers)
    payload = execute(route.handler, call)
    await faults_after(venue, route.name)
    return dialect.success(payload)


def refusal(dialect: Dialect, error: ApiError) -> web.Response:
    """An ApiError as the dialect's answer."""
    status, text = dialect.failure(error)
    headers = {}
    if error.retry_after_s is not None:
        headers["Retry-After"] = f"{max(error.retry_after_s, 0.001):.3f}"
    return web.Response(status=status, text=text, content_type="application/json", headers=headers)


def serve(venue: Venue, dialect: Dialect, route: Route) -> Callable[[web.Request], Awaitable[web.Response]]:
    """An aiohttp handler for a route."""

    async def handle(request: web.Request) -> web.Response:
        try:
            text = await _answer(venue, dialect, route, request)
        except ApiError as error:
            return refusal(dialect, error)
        except DropConnection:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=503)
        except Exception:
            logger.exception("a request failed outside its handler")
            return refusal(dialect, ApiError(500, "internal_error", "internal error"))
        return web.Response(text=text, content_type="application/json")

    return handle


def add_routes(app: web.Application, venue: Venue, dialect: Dialect, routes: Sequence[Route]) -> None:
    """Register a dialect's routes."""
    for route in routes:
        app.router.add_route(route.method, route.path, serve(venue, dialect, route))


def error_middleware(dialect: Dialect) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Unknown paths and methods answered in the dialect's own words."""

    @web.middleware
    async def translate(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPNotFound:
            return refusal(dialect, ApiError(404, "unknown_endpoint", "no such endpoint"))
        except web.HTTPMethodNotAllowed:
            return refusal(dialect, ApiError(405, "method_not_allowed", "method not allowed"))

    return translate

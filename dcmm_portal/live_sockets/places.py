"""How many live sockets there may be: in this process, of one address, and opened by one address within a minute."""

from __future__ import annotations

import json
import resource
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any, Final

import structlog

from dcmm_portal.client_address import address_told
from dcmm_portal.live_sockets.outlet import TRY_AGAIN_LATER
from trading.clock import Clock
from trading.metrics import SOCKETS_CONNECTED, SOCKETS_REFUSED

log = structlog.get_logger(__name__)

MINUTE_S: Final = 60.0
# Open files that the process needs for all else: database, hot state, pages, logs.
OTHER_FILES: Final = 256
# Where a network without IPv4 of its own puts the IPv4 addresses of others (RFC 6052).
NAT64: Final = ip_network("64:ff9b::/96")
Application = Callable[..., Awaitable[Any]]


class Refusal(Enum):
    """Why there is no place: code, HTTP status, seconds after which trying makes sense, and what to do."""

    FULL = (
        "full",
        503,
        30,
        "All places for live figures are taken. Load the page again in a minute; its figures are whole.",
    )
    ADDRESS = ("address", 429, 30, "Too many live pages are open from this address. Close some of them.")
    RATE = ("rate", 429, 60, "This address opened too many live connections within a minute. Wait a minute.")

    def __init__(self, code: str, status: int, retry_s: int, message: str) -> None:
        self.code, self.status, self.retry_s, self.message = code, status, retry_s, message


@dataclass(frozen=True, slots=True)
class Limits:
    """Most sockets of a process, of an address at one time, and openings of an address in a minute."""

    process: int
    address: int
    opened_per_min: int


class Places:
    """The places of one kind of socket in this process. Forgets an address with its last socket and its minute."""

    def __init__(self, kind: str, limits: Limits, clock: Clock) -> None:
        self.limits = limits
        self._kind, self._clock = kind, clock
        self._taken: dict[str, int] = {}
        self._total = 0
        self._opened: dict[str, int] = {}
        self._minute = 0
        self._connected = SOCKETS_CONNECTED.labels(kind)

    def take(self, address: str) -> Refusal | None:
        """Take a place, or say why there is none.

        Refused tries do not count as opened: pages that try again by themselves would keep everybody of their address out.
        """
        minute = int(self._clock.monotonic_s() // MINUTE_S)
        if minute != self._minute:
            self._opened, self._minute = {}, minute
        opened = self._opened.get(address, 0)
        refusal = None
        if opened >= self.limits.opened_per_min:
            refusal = Refusal.RATE
        elif self._taken.get(address, 0) >= self.limits.address:
            refusal = Refusal.ADDRESS
        elif self._total >= self.limits.process:
            refusal = Refusal.FULL
        if refusal is not None:
            SOCKETS_REFUSED.labels(self._kind, refusal.code).inc()
            return refusal
        self._opened[address] = opened + 1
        self._taken[address] = self._taken.get(address, 0) + 1
        self._total += 1
        self._connected.set(self._total)
        return None

    def leave(self, address: str) -> None:
        """Give a place back."""
        left = self._taken.pop(address) - 1
        if left:
            self._taken[address] = left
        self._total -= 1
        self._connected.set(self._total)


def limited(application: Application, places: Places) -> Application:
    """`application` for those who get a place; others are told why before the socket is accepted, where the server can."""

    async def admit(scope: Any, receive: Any, send: Any) -> None:
        address = _party(address_told(_peer(scope), _headers(scope, b"x-forwarded-for")))
        if (refusal := places.take(address)) is not None:
            await _refuse(scope, send, refusal)
            return
        try:
            await application(scope, receive, send)
        finally:
            places.leave(address)

    return admit


def _peer(scope: Any) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _headers(scope: Any, name: bytes) -> str:
    return ",".join(value.decode("latin-1") for key, value in scope.get("headers", ()) if key == name)


def _party(address: str) -> str:
    """Whom an address counts for: itself, for IPv6 the network of 64 bits that one customer has all of.

    An IPv4 address written as one of IPv6 is the IPv4 address: else all of them would be one customer.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if found.version == 4:
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    if found in NAT64:
        return str(IPv4Address(int(found) & 0xFFFF_FFFF))
    return str(ip_network(f"{found}/64", strict=False))


async def _refuse(scope: Any, send: Any, refusal: Refusal) -> None:
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": TRY_AGAIN_LATER, "reason": refusal.code})
        return
    body = json.dumps({"code": f"sockets_{refusal.code}", "message": refusal.message}).encode()
    headers = [(b"content-type", b"application/json"), (b"retry-after", str(refusal.retry_s).encode())]
    await send({"type": "websocket.http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


def allow_open_files(sockets: int) -> int:
    """Let the process open files for `sockets` sockets as far as the machine lets it; for how many it does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = sockets + OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return sockets
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    except (OSError, ValueError):
        allowed = soft
    if allowed < wanted:
        log.warning("few_open_files", allowed=allowed, wanted=wanted)
    return max(1, min(sockets, allowed - OTHER_FILES))

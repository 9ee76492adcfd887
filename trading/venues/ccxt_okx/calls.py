"""Every call through ccxt goes this way: throttled, measured, its outcome sorted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from trading.clock import Clock
from trading.venues.ccxt_okx.exchanged import Exchanged, exchanging
from trading.venues.ccxt_okx.outcomes import CLOCK_CODES, DEADLINE_CODE, of_read, of_write, retry_after_s
from trading.venues.departure import Departure, departing
from trading.venues.interface import AuthRejected, NotSent, OutcomeUnknown, SendGuard, UnexpectedAnswer, VenueError
from trading.venues.observation import Observer
from trading.venues.quote_replacement import SentAt
from trading.venues.throttle import Limit, Priority, Throttle
from trading.venues.venue_time import VenueTime

if TYPE_CHECKING:
    from trading.venues.ccxt_okx.client import OkxClient

Call = Callable[["OkxClient"], Awaitable[Any]]

# OKX's published limits for one user; `place` and `amend` also share 1000 per 2 s, which two markets never reach.
LIMITS = {
    "place": Limit(60, 2.0),
    "amend": Limit(60, 2.0),
    "cancel": Limit(60, 2.0),
    "cancel_batch": Limit(300, 2.0),
    "cancel_after": Limit(1, 1.0),
    "read": Limit(60, 2.0),
    "history": Limit(10, 2.0),
    "account": Limit(10, 2.0),
    "asset": Limit(12, 2.0),
    "instruments": Limit(20, 2.0),
    "time": Limit(10, 2.0),
    "market": Limit(40, 2.0),
}


class Calls:
    """Reads and writes of one account. `client` is None before open() and after close()."""

    def __init__(self, clock: Clock, time: VenueTime, throttle: Throttle, observer: Observer) -> None:
        self._clock = clock
        self._time = time
        self._throttle = throttle
        self._observer = observer
        self.client: OkxClient | None = None

    def opened(self) -> OkxClient:
        """The open client. Raises `NotSent`."""
        if self.client is None:
            raise NotSent("the venue connection is not open")
        return self.client

    async def read(self, name: str, limit: str, call: Call) -> Any:
        """Ask something; asked once more when the venue's clock had moved away from what was measured."""
        exchanged = Exchanged()
        try:
            return await self._read_once(name, limit, call, exchanged)
        except AuthRejected:
            if exchanged.code not in CLOCK_CODES:
                raise
        await self._time.measure()
        return await self._read_once(name, limit, call, Exchanged())

    async def _read_once(self, name: str, limit: str, call: Call, exchanged: Exchanged) -> Any:
        client = self.opened()
        await self._throttle.acquire(limit)
        with self._observer.request(name, limit, ""):
            try:
                with exchanging(exchanged):
                    return await call(client)
            except VenueError:
                raise
            except Exception as error:
                refusal = of_read(name, error, exchanged)
                raise refusal from None

    async def write(
        self,
        name: str,
        call: Call,
        *,
        limit: str = "",
        scope: str = "",
        priority: Priority = Priority.CANCEL,
        guard: SendGuard | None = None,
        sent: SentAt | None = None,
        deadline_ns: int | None = None,
    ) -> Any:
        """Change something, once. A clock that moved is measured anew for the next request."""
        client = self.opened()
        await self._throttle.acquire(limit or name, scope, priority)
        exchanged = Exchanged()
        if deadline_ns is not None:
            await self._time.confirmed()
            exchanged.expires_ms = self._time.deadline_ms(deadline_ns)
            guard = self._time.guarded(deadline_ns, guard)
        departure = Departure(self._clock, guard, sent or SentAt())
        try:
            with self._observer.request(name, limit or name, scope):
                return await self._send(name, call, client, exchanged, departure)
        finally:
            self._compare_clocks(exchanged, departure, deadline_ns)
            if exchanged.status == HTTPStatus.TOO_MANY_REQUESTS and not exchanged.code:
                # Whoever said it, and whatever became of the request: go slower.
                self._throttle.refused(limit or name, scope, retry_after_s(exchanged.retry_after))
            if exchanged.code in CLOCK_CODES:
                with suppress(VenueError):  # the outcome of the write is what matters
                    await self._time.measure()

    def _compare_clocks(self, exchanged: Exchanged, departure: Departure, deadline_ns: int | None) -> None:
        """What the answer to a write says of the venue's clock."""
        if exchanged.told_ns is not None:
            self._time.told(exchanged.told_ns, departure.sent.ns)
        if exchanged.code == DEADLINE_CODE and deadline_ns is not None:
            self._time.refused_deadline(deadline_ns)

    async def _send(self, name: str, call: Call, client: OkxClient, exchanged: Exchanged, departure: Departure) -> Any:
        try:
            with exchanging(exchanged), departing(departure):
                answer = await call(client)
        except UnexpectedAnswer as error:
            raise OutcomeUnknown(f"{name}: {error}") from None
        except VenueError:
            raise
        except Exception as error:
            raise of_write(name, error, exchanged, sent=departure.sent.ns is not None) from None
        if exchanged.code != "0":
            raise of_write(name, None, exchanged, sent=True)
        return answer

    async def server_time_ns(self) -> int:
        """The venue's clock, ns."""
        value = await self._read_once("time", "time", lambda client: client.fetch_time(), Exchanged())
        if isinstance(value, bool) or not isinstance(value, int):
            raise UnexpectedAnswer("time: the venue's answer is not a time")
        return value * 1_000_000

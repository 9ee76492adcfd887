"""The TON CEX adapter: one account on OKX, or on whatever speaks OKX v5, through ccxt."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import aiohttp

from trading.clock import Clock
from trading.venues.ccxt_okx import shapes
from trading.venues.ccxt_okx.calls import LIMITS, Calls
from trading.venues.ccxt_okx.history import PAGE, History, rows_after
from trading.venues.ccxt_okx.orders import OkxOrders
from trading.venues.ccxt_okx.perpetuals import Perpetuals
from trading.venues.ccxt_okx.streams import OkxStreams
from trading.venues.credentials import Credential
from trading.venues.decoding import decimal, text, wrong
from trading.venues.departure import departure_trace
from trading.venues.identity import Identities, MarketIdentity
from trading.venues.interface import (
    AmendRequest,
    Balance,
    Capabilities,
    InstrumentKind,
    MarketInfo,
    OrderBook,
    OrderRequest,
    OwnFill,
    OwnOrder,
    ProofOfLife,
    PublicTrade,
    QuoteStep,
    RejectReason,
    SendGuard,
    StepOutcome,
    StreamReset,
    VenueKind,
    VenueRejected,
    VenueTransfer,
)
from trading.venues.observation import Observer, throttled_counter
from trading.venues.perpetuals import FundingPayment, FundingRate, VenuePosition
from trading.venues.quote_replacement import OrderEntry, SentAt, replace_steps
from trading.venues.throttle import Limit, Priority, Throttle
from trading.venues.venue_time import VenueTime

if TYPE_CHECKING:
    from trading.venues.ccxt_okx.client import OkxClient

CANCEL_BATCH = 20
CANCEL_ROUNDS = 20
SHORTEST_CANCEL_AFTER_S, LONGEST_CANCEL_AFTER_S = 10, 120


def _client_class() -> type[OkxClient]:
    from trading.venues.ccxt_okx.client import OkxClient

    return OkxClient


class CcxtOkxVenue:
    """Implements `trading.venues.interface.Venue`."""

    capabilities = Capabilities(
        kind=VenueKind.ORDER_BOOK,
        amend=True,
        deadline=True,
        cancel_after=True,
        user_stream=True,
        client_order_ids=True,
    )

    def __init__(
        self,
        markets: Sequence[MarketIdentity],
        account: str,
        base_url: str,
        credential: Credential,
        clock: Clock,
        *,
        seed: int = 1,
        timeout_s: float = 3.0,
        known: Sequence[MarketIdentity] = (),
        limits: Mapping[str, Limit] = LIMITS,
    ) -> None:
        self.name = markets[0].venue
        self.account = account
        self._markets = tuple(markets)
        self._known = tuple(known)
        self._base_url = base_url
        self._credential = credential
        self._timeout_s = timeout_s
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._infos: dict[str, MarketInfo] = {}
        self._unified: dict[str, str] = {}  # our slug → ccxt's symbol
        self._identities = Identities()
        self._time = VenueTime(clock, self.server_time_ns)
        self._throttle = Throttle(clock, limits, on_throttled=lambda name: throttled_counter(self.name, name))
        observer = Observer(self.name, clock, self._throttle)
        self._calls = Calls(clock, self._time, self._throttle, observer)
        self._orders = OkxOrders(self._calls, self._identities, self._infos, self._unified)
        perpetual = InstrumentKind.LINEAR_PERPETUAL
        self._perpetuals = Perpetuals(self._calls, self._identities, self._unified)
        # Of markets from before too: their late fills, and a position that is left on one.
        self._has_perpetuals = any(one.instrument == perpetual for one in (*self._markets, *self._known))
        kinds = {"swap" if one.instrument == perpetual else "spot" for one in (*self._markets, *self._known)}
        self._kinds = tuple(sorted(kinds))
        self._history = History(self._calls, self._identities, self._kinds)
        # Jitter, not secrecy: seeded so that a run can be repeated.
        self._streams = OkxStreams(self._calls, self._identities, clock, observer, random.Random(seed))
        self._entry = OrderEntry(self._orders.submit, self._orders.amend, self._orders.cancel)

    # --- life ---------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """See the interface. The first one in a process loads ccxt, in a thread: the loop goes on meanwhile."""
        client_class = await asyncio.to_thread(_client_class)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=75.0, ttl_dns_cache=60),
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[departure_trace()],
        )
        ws_url = "ws" + self._base_url.removeprefix("http") + "/ws/v5"
        self._calls.client = client_class(
            self._base_url, ws_url, self._credential, self._time, self._session, self._timeout_s, self._kinds
        )
        try:
            await self._time.measure()
            await self._load_markets()
            await self.fetch_balances()  # a wrong credential shows now, not at the first quote
        except BaseException:
            await self._disconnect()
            raise

    async def close(self) -> None:
        """End the streams and close every connection; safe to call twice."""
        self._streams.close()
        self._throttle.close()
        self._time.close()
        await self._disconnect()

    async def _disconnect(self) -> None:
        client, self._calls.client = self._calls.client, None
        session, self._session = self._session, None
        try:
            if client is not None:
                await client.close()
        finally:
            if session is not None:
                await session.close()

    async def _load_markets(self) -> None:
        listed: dict[str, Any] = {}
        markets = await self._calls.read("markets", "instruments", lambda client: client.load_markets())
        for structure in markets.values():
            row = shapes.info(structure)
            if shapes.is_usable(row):
                listed[text(row, "instId")] = structure
        listings = [shapes.listing(shapes.info(structure)) for structure in listed.values()]
        self._identities.bind(self._markets, listings, self._known)
        for slug in self._identities.slugs():
            structure = listed[self._identities.symbol(slug)]
            self._unified[slug] = structure["symbol"]
            row = shapes.info(structure)
            is_perpetual = shapes.listing(row).instrument is InstrumentKind.LINEAR_PERPETUAL
            maker, taker = await self._fees(structure["symbol"], "U" if is_perpetual else "")
            interval_s = (await self._perpetuals.rate(slug))[1] if is_perpetual else None
            self._infos[slug] = shapes.market_info(slug, row, maker, taker, interval_s)

    async def _fees(self, unified: str, suffix: str) -> tuple[Decimal, Decimal]:
        """Maker and taker fee of this account, fractions; OKX writes what we pay as negative. `suffix` U: of linear swaps."""
        answer = await self._calls.read("fees", "account", lambda client: client.fetch_trading_fee(unified))
        row = shapes.info(answer)
        if f"maker{suffix}" not in row:
            raise wrong(f"maker{suffix}", "a fee")
        return -decimal(row, f"maker{suffix}"), -decimal(row, f"taker{suffix}")

    async def server_time_ns(self) -> int:
        """The venue's clock, ns."""
        return await self._calls.server_time_ns()

    # --- market data --------------------------------------------------------------------------------------------

    async def market_info(self, market: str) -> MarketInfo:
        """What the market list said at open()."""
        self._identities.symbol(market)
        return self._infos[market]

    async def fetch_orderbook(self, market: str, depth: int = 50) -> OrderBook:
        """The published book, `depth` levels a side (OKX gives at most 400 here)."""
        self._identities.symbol(market)
        unified, levels = self._unified[market], min(depth, 400)
        answer = await self._calls.read("book", "market", lambda client: client.fetch_order_book(unified, levels))
        return shapes.book(answer, market, levels, self._contract_value(market))

    async def fetch_trades(self, market: str, limit: int = 100) -> Sequence[PublicTrade]:
        """The last public prints, oldest first."""
        self._identities.symbol(market)
        unified = self._unified[market]
        answer = await self._calls.read("trades", "market", lambda client: client.fetch_trades(unified, None, limit))
        contract_value = self._contract_value(market)
        return [shapes.trade(shapes.info(row), market, contract_value) for row in answer]

    def stream_book(self, market: str) -> AsyncIterator[OrderBook | ProofOfLife | StreamReset]:
        """See the interface."""
        self._identities.symbol(market)
        return self._streams.book(market, self._unified[market])

    def stream_trades(self, market: str) -> AsyncIterator[PublicTrade | ProofOfLife | StreamReset]:
        """See the interface."""
        self._identities.symbol(market)
        return self._streams.trades(market, self._unified[market])

    def stream_own(self) -> AsyncIterator[OwnOrder | OwnFill | ProofOfLife | StreamReset]:
        """See the interface."""
        return self._streams.own(self._orders.known.saw)

    # --- orders -------------------------------------------------------------------------------------------------

    async def submit_order(self, request: OrderRequest, guard: SendGuard | None = None) -> OwnOrder:
        """See the interface."""
        return await self._orders.submit(request, guard, SentAt())

    async def amend_order(self, request: AmendRequest, guard: SendGuard | None = None) -> OwnOrder:
        """See the interface."""
        return await self._orders.amend(request, guard, SentAt())

    async def cancel_order(self, market: str, client_order_id: str) -> OwnOrder:
        """See the interface."""
        return await self._orders.cancel_and_read(market, client_order_id)

    async def replace_quote(self, steps: Sequence[QuoteStep], guard: SendGuard | None = None) -> Sequence[StepOutcome]:
        """See the interface."""
        return await replace_steps(steps, guard, self._entry, self._clock, self._identities.slugs())

    async def cancel_all(self, market: str | None = None) -> int:
        """Cancel every open order of the market, or of the account; how many were cancelled.

        OKX has no such request for spot: open orders are read and cancelled in batches until none is left.
        """
        cancelled = 0
        for _ in range(CANCEL_ROUNDS):
            orders = await self.fetch_open_orders(market)
            by_market: dict[str, list[str]] = {}
            for order in orders:
                by_market.setdefault(order.market, []).append(order.venue_order_id)
            if not by_market:
                break
            for slug, ids in by_market.items():
                for start in range(0, len(ids), CANCEL_BATCH):
                    cancelled += await self._cancel_batch(slug, ids[start : start + CANCEL_BATCH])
        return cancelled

    async def _cancel_batch(self, slug: str, ids: list[str]) -> int:
        unified = self._unified.get(slug) or slug.removeprefix("venue:")
        try:
            await self._calls.write(
                "cancel_all",
                lambda client: client.cancel_orders(ids, unified),
                limit="cancel_batch",
                priority=Priority.CANCEL,
            )
        except VenueRejected:
            return 0  # done in the meantime, all or some of them: the next look tells
        return len(ids)

    async def cancel_after(self, timeout_s: float | None) -> None:
        """See the interface. OKX takes whole seconds from 10 to 120; a fraction is cut off, which is the safe side."""
        whole_s = int(timeout_s or 0)
        if timeout_s and not SHORTEST_CANCEL_AFTER_S <= whole_s <= LONGEST_CANCEL_AFTER_S:
            message = f"cancel-after takes {SHORTEST_CANCEL_AFTER_S} to {LONGEST_CANCEL_AFTER_S} s, not {timeout_s:g}"
            raise VenueRejected(RejectReason.OTHER, message)
        await self._calls.write("cancel_after", lambda client: client.cancel_all_orders_after(whole_s * 1000))

    # --- account ------------------------------------------------------------------------------------------------

    async def fetch_order(self, market: str, client_order_id: str) -> OwnOrder | None:
        """The order, open or done; None when the venue does not know it (OKX forgets done ones after a while)."""
        return await self._orders.fetch(market, client_order_id)

    async def fetch_open_orders(self, market: str | None = None) -> Sequence[OwnOrder]:
        """Open orders, oldest first."""
        unified = None if market is None else self._unified_of(market)

        async def fetch(params: dict[str, str]) -> Sequence[Mapping[str, object]]:
            answer = await self._calls.read(
                "open_orders", "read", lambda client: client.fetch_open_orders(unified, None, PAGE, params)
            )
            return [shapes.info(row) for row in answer]

        rows = await rows_after(fetch, "ordId")
        return [self._orders.known.saw(shapes.order(row, self._identities)) for row in rows]

    async def fetch_my_trades(self, market: str | None = None, cursor: str = "", limit: int = 100) -> Sequence[OwnFill]:
        """See the interface."""
        symbol = None if market is None else self._identities.symbol(market)
        unified = None if market is None else self._unified[market]
        return await self._history.fills(symbol, unified, cursor, limit)

    async def fetch_transfers(self, cursor: str = "", limit: int = 100) -> Sequence[VenueTransfer]:
        """Deposits and withdrawals after `cursor`, oldest first."""
        return await self._history.transfers(cursor, limit)

    async def fetch_balances(self) -> Sequence[Balance]:
        """Every asset of the trading account."""
        answer = await self._calls.read("balances", "account", lambda client: client.fetch_balance())
        return shapes.balances(answer, self._identities)

    async def fetch_funding(
        self, market: str | None = None, cursor: str = "", limit: int = 100
    ) -> Sequence[FundingPayment]:
        """See the interface. An account that trades no perpetual is not asked."""
        return await self._perpetuals.funding(market, cursor, limit) if self._is_perpetual(market) else ()

    async def fetch_positions(self) -> Sequence[VenuePosition]:
        """See the interface."""
        return await self._perpetuals.positions() if self._has_perpetuals else ()

    async def fetch_funding_rate(self, market: str) -> FundingRate | None:
        """See the interface."""
        return (await self._perpetuals.rate(market))[0] if self._is_perpetual(market) else None

    def _is_perpetual(self, market: str | None) -> bool:
        if market is None:
            return self._has_perpetuals
        self._identities.symbol(market)
        return self._infos[market].instrument is InstrumentKind.LINEAR_PERPETUAL

    def _contract_value(self, market: str) -> Decimal:
        return self._identities.contract_value(self._identities.symbol(market))

    def _unified_of(self, market: str) -> str:
        self._identities.symbol(market)
        return self._unified[market]

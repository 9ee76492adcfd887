"""The TON-DEX adapter: one account on a venue that speaks docs/sandbox-venue.md."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from trading.clock import Clock
from trading.venues.credentials import Credential
from trading.venues.decoding import integer, mapping, rows, text
from trading.venues.identity import Identities, MarketIdentity
from trading.venues.interface import (
    AmendRequest,
    AuthRejected,
    Balance,
    Capabilities,
    InstrumentKind,
    MarketInfo,
    OrderBook,
    OrderRequest,
    OutcomeUnknown,
    OwnFill,
    OwnOrder,
    ProofOfLife,
    PublicTrade,
    QuoteStep,
    RejectReason,
    SendGuard,
    StepOutcome,
    StreamReset,
    UnexpectedAnswer,
    VenueError,
    VenueKind,
    VenueRejected,
    VenueTransfer,
)
from trading.venues.observation import Observer, throttled_counter
from trading.venues.perpetuals import FundingPayment, FundingRate, VenuePosition
from trading.venues.quote_replacement import OrderEntry, SentAt, amended_already, replace_steps
from trading.venues.throttle import Limit, Throttle
from trading.venues.ton_dex import endpoints, shapes
from trading.venues.ton_dex.book import DEPTH_LIMIT
from trading.venues.ton_dex.streams import PATH as STREAM_PATH
from trading.venues.ton_dex.streams import DexStreams
from trading.venues.ton_dex.transport import DexTransport, Endpoint
from trading.venues.venue_time import VenueTime

Json = Mapping[str, object]

NOTHING_TO_AMEND = "nothing_to_amend:"


class TonDexVenue:
    """Implements `trading.venues.interface.Venue`. One HTTP session per account, one WebSocket per stream."""

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
    ) -> None:
        self.name = markets[0].venue
        self.account = account
        self._markets = tuple(markets)
        self._known = tuple(known)
        self._infos: dict[str, MarketInfo] = {}
        self._identities = Identities()
        self._time = VenueTime(clock, self.server_time_ns)
        self._clock = clock
        self._throttle = Throttle(
            clock, endpoints.DEFAULT_LIMITS, on_throttled=lambda name: throttled_counter(self.name, name)
        )
        observer = Observer(self.name, clock, self._throttle)
        self._transport = DexTransport(base_url, credential, clock, self._time, self._throttle, observer, timeout_s)
        ws_url = "ws" + base_url.removeprefix("http") + STREAM_PATH
        # Jitter, not secrecy: seeded so that a run can be repeated.
        rng = random.Random(seed)
        self._streams = DexStreams(ws_url, self._transport, self._identities, clock, observer, rng)
        self._entry = OrderEntry(self._submit, self._amend, self._cancel)

    # --- life ---------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """See the interface."""
        self._transport.open()
        try:
            await self._time.measure()
            await self._load_markets()
            await self.fetch_balances()  # a wrong credential shows now, not at the first quote
        except BaseException:
            await self._transport.close()
            raise

    async def close(self) -> None:
        """End the streams and close every connection; safe to call twice."""
        self._streams.close()
        self._throttle.close()
        self._time.close()
        await self._transport.close()

    async def _load_markets(self) -> None:
        answer = await self._transport.read(endpoints.MARKETS)
        listed = {text(row, "symbol"): row for row in rows(answer, "markets")}
        self._identities.bind(self._markets, [shapes.listing(row) for row in listed.values()], self._known)
        for slug in self._identities.slugs():
            self._infos[slug] = shapes.market_info(listed[self._identities.symbol(slug)], slug)
        limits = answer.get("rate_limits")
        if limits is not None:
            published = mapping(limits, "rate_limits")
            self._throttle.set_limits({name: _limit(mapping(row, name)) for name, row in published.items()})

    async def server_time_ns(self) -> int:
        """The venue's clock, ns."""
        return integer(await self._transport.read(endpoints.TIME), "time_ms") * 1_000_000

    async def _read(self, endpoint: Endpoint, query: Mapping[str, str | int] | None = None) -> Json:
        """A read; when the venue's clock moved away from what was measured, measured again and asked once more."""
        try:
            return await self._transport.read(endpoint, query)
        except AuthRejected:
            if not await self._clock_measured_again():
                raise
            return await self._transport.read(endpoint, query)

    async def _clock_measured_again(self) -> bool:
        if not self._transport.clock_refused:
            return False
        self._transport.clock_refused = False
        await self._time.measure()
        return True

    # --- market data --------------------------------------------------------------------------------------------

    async def market_info(self, market: str) -> MarketInfo:
        """What the market list said at open()."""
        self._identities.symbol(market)
        return self._infos[market]

    async def fetch_orderbook(self, market: str, depth: int = 50) -> OrderBook:
        """The published book, `depth` levels a side (this venue gives at most 5000)."""
        symbol, levels = self._identities.symbol(market), min(depth, DEPTH_LIMIT)
        answer = await self._read(endpoints.BOOK, {"symbol": symbol, "depth": levels})
        book = shapes.book(answer, market, self._identities.contract_value(symbol))
        return replace(book, is_whole=max(len(book.bids), len(book.asks)) < levels)

    async def fetch_trades(self, market: str, limit: int = 100) -> Sequence[PublicTrade]:
        """The last public prints, oldest first."""
        symbol = self._identities.symbol(market)
        answer = await self._read(endpoints.TRADES, {"symbol": symbol, "limit": limit})
        contract_value = self._identities.contract_value(symbol)
        return [shapes.trade(row, market, contract_value) for row in rows(answer, "trades")]

    def stream_book(self, market: str) -> AsyncIterator[OrderBook | ProofOfLife | StreamReset]:
        """See the interface."""
        return self._streams.book(market)

    def stream_trades(self, market: str) -> AsyncIterator[PublicTrade | ProofOfLife | StreamReset]:
        """See the interface."""
        return self._streams.trades(market)

    def stream_own(self) -> AsyncIterator[OwnOrder | OwnFill | ProofOfLife | StreamReset]:
        """See the interface."""
        return self._streams.own()

    # --- orders -------------------------------------------------------------------------------------------------

    async def submit_order(self, request: OrderRequest, guard: SendGuard | None = None) -> OwnOrder:
        """See the interface."""
        return await self._submit(request, guard, SentAt())

    async def amend_order(self, request: AmendRequest, guard: SendGuard | None = None) -> OwnOrder:
        """See the interface."""
        return await self._amend(request, guard, SentAt())

    async def cancel_order(self, market: str, client_order_id: str) -> OwnOrder:
        """See the interface."""
        return await self._cancel(market, client_order_id, SentAt())

    async def replace_quote(self, steps: Sequence[QuoteStep], guard: SendGuard | None = None) -> Sequence[StepOutcome]:
        """See the interface."""
        return await replace_steps(steps, guard, self._entry, self._clock, self._identities.slugs())

    async def _submit(self, request: OrderRequest, guard: SendGuard | None, sent: SentAt) -> OwnOrder:
        symbol = self._identities.symbol(request.market)
        body: dict[str, object] = {
            "symbol": symbol,
            "side": request.side.value,
            "type": shapes.TYPES[request.tif],
            "price": format(request.price, "f"),
            "size": format(self._identities.wire_size(symbol, request.size), "f"),
            "client_order_id": request.client_order_id,
        }
        return await self._dated_write(endpoints.PLACE, symbol, request.deadline_ns, guard, sent, body)

    async def _amend(self, request: AmendRequest, guard: SendGuard | None, sent: SentAt) -> OwnOrder:
        symbol = self._identities.symbol(request.market)
        body: dict[str, object] = {
            "symbol": symbol,
            "client_order_id": request.client_order_id,
            "price": format(request.new_price, "f"),
            "size": format(self._identities.wire_size(symbol, request.new_size), "f"),
        }
        try:
            return await self._dated_write(endpoints.AMEND, symbol, request.deadline_ns, guard, sent, body)
        except VenueRejected as error:
            if not error.message.startswith(NOTHING_TO_AMEND):
                raise
            return await amended_already(request, self.fetch_order, error)

    async def _cancel(self, market: str, client_order_id: str, sent: SentAt) -> OwnOrder:
        symbol = self._identities.symbol(market)
        query = {"symbol": symbol, "client_order_id": client_order_id}
        return await self._order_write(endpoints.CANCEL, symbol, sent=sent, query=query)

    async def _dated_write(
        self,
        endpoint: Endpoint,
        scope: str,
        deadline_ns: int | None,
        guard: SendGuard | None,
        sent: SentAt,
        body: dict[str, object],
    ) -> OwnOrder:
        """A write that may have a deadline, which leaves only while the venue's clock is known."""
        if deadline_ns is not None:
            await self._time.confirmed()
            body["deadline_ms"] = self._time.deadline_ms(deadline_ns)
            guard = self._time.guarded(deadline_ns, guard)
        try:
            return await self._order_write(endpoint, scope, guard=guard, sent=sent, body=body)
        except VenueRejected as error:
            if error.reason is RejectReason.DEADLINE_PASSED:
                self._time.refused_deadline(deadline_ns)
            raise

    async def _order_write(
        self,
        endpoint: Endpoint,
        scope: str,
        *,
        sent: SentAt,
        guard: SendGuard | None = None,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> OwnOrder:
        """A write whose answer is one order; an order that can't be read is an unknown outcome."""
        answer = await self._write(endpoint, scope=scope, guard=guard, sent=sent, query=query, body=body)
        try:
            order = shapes.order(mapping(answer.get("order"), "order"), self._identities)
        except UnexpectedAnswer as error:
            raise OutcomeUnknown(f"{endpoint.name}: {error}") from None
        self._time.told(order.updated_ns, sent.ns)
        return order

    async def _write(
        self,
        endpoint: Endpoint,
        *,
        scope: str = "",
        guard: SendGuard | None = None,
        sent: SentAt | None = None,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> Json:
        """A write; never repeated, but a clock that moved is measured anew for the next one."""
        try:
            return await self._transport.write(endpoint, scope=scope, guard=guard, sent=sent, query=query, body=body)
        except AuthRejected:
            with suppress(VenueError):  # the outcome of the write is what matters
                await self._clock_measured_again()
            raise

    async def cancel_all(self, market: str | None = None) -> int:
        """Cancel every open order of the market, or of the account; how many were cancelled."""
        query = {} if market is None else {"symbol": self._identities.symbol(market)}
        answer = await self._write(endpoints.CANCEL_ALL, query=query)
        try:
            return len(rows(answer, "orders"))
        except UnexpectedAnswer as error:
            raise OutcomeUnknown(f"cancel_all: {error}") from None

    async def cancel_after(self, timeout_s: float | None) -> None:
        """See the interface."""
        await self._write(endpoints.CANCEL_AFTER, body={"timeout_s": timeout_s or 0})

    # --- account ------------------------------------------------------------------------------------------------

    async def fetch_order(self, market: str, client_order_id: str) -> OwnOrder | None:
        """The order, open or done; None when the venue never saw it."""
        self._identities.symbol(market)
        try:
            answer = await self._read(endpoints.ORDER, {"client_order_id": client_order_id})
        except VenueRejected as error:
            if error.reason is RejectReason.UNKNOWN_ORDER:
                return None
            raise
        return shapes.order(mapping(answer.get("order"), "order"), self._identities)

    async def fetch_open_orders(self, market: str | None = None) -> Sequence[OwnOrder]:
        """Open orders, oldest first."""
        answer = await self._read(endpoints.OPEN_ORDERS, self._of(market))
        return [shapes.order(row, self._identities) for row in rows(answer, "orders")]

    async def fetch_my_trades(self, market: str | None = None, cursor: str = "", limit: int = 100) -> Sequence[OwnFill]:
        """See the interface."""
        answer = await self._read(endpoints.FILLS, {**self._of(market), **_after(cursor), "limit": limit})
        return [shapes.fill(row, self._identities, from_history=True) for row in rows(answer, "fills")]

    async def fetch_transfers(self, cursor: str = "", limit: int = 100) -> Sequence[VenueTransfer]:
        """Deposits and withdrawals after `cursor`, oldest first."""
        answer = await self._read(endpoints.TRANSFERS, {**_after(cursor), "limit": limit})
        return [shapes.transfer(row, self._identities) for row in rows(answer, "transfers")]

    async def fetch_balances(self) -> Sequence[Balance]:
        """Every asset of the account."""
        answer = await self._read(endpoints.BALANCES)
        return [shapes.balance(row, self._identities) for row in rows(answer, "balances")]

    async def fetch_funding(
        self, market: str | None = None, cursor: str = "", limit: int = 100
    ) -> Sequence[FundingPayment]:
        """See the interface. An account that trades no perpetual is not asked."""
        if not self._has_perpetual(market):
            return ()
        answer = await self._read(endpoints.FUNDING, {**self._of(market), **_after(cursor), "limit": limit})
        return [shapes.funding(row, self._identities) for row in rows(answer, "funding")]

    async def fetch_positions(self) -> Sequence[VenuePosition]:
        """See the interface."""
        if not self._has_perpetual(None):
            return ()
        answer = await self._read(endpoints.POSITIONS)
        return [shapes.position(row, self._identities) for row in rows(answer, "positions")]

    async def fetch_funding_rate(self, market: str) -> FundingRate | None:
        """See the interface."""
        if not self._has_perpetual(market):
            return None
        query = {"symbol": self._identities.symbol(market)}
        return shapes.funding_rate(await self._read(endpoints.FUNDING_RATE, query), market)

    def _has_perpetual(self, market: str | None) -> bool:
        """Whether the market is a perpetual; None: whether one is, of those traded or known from before."""
        perpetual = InstrumentKind.LINEAR_PERPETUAL
        if market is not None:
            self._identities.symbol(market)
            return self._infos[market].instrument is perpetual
        return any(one.instrument == perpetual for one in (*self._markets, *self._known))

    def _of(self, market: str | None) -> dict[str, str | int]:
        return {} if market is None else {"symbol": self._identities.symbol(market)}


def _after(cursor: str) -> dict[str, str | int]:
    return {"after": cursor} if cursor else {}


def _limit(row: Json) -> Limit:
    per_s = row.get("per_s")
    seconds = float(per_s) if isinstance(per_s, int | float) and not isinstance(per_s, bool) and per_s > 0 else 1.0
    return Limit(integer(row, "requests"), seconds)

"""A venue in memory that says exactly what a test has it say, in that order, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal

from trading.clock import Clock
from trading.venues.interface import (
    Balance,
    Capabilities,
    Level,
    MarketInfo,
    OrderBook,
    OrderState,
    OwnFill,
    OwnOrder,
    PublicTrade,
    RejectReason,
    Side,
    VenueKind,
    VenueRejected,
    VenueTransfer,
    VenueUnavailable,
)
from trading.venues.perpetuals import FundingPayment

D = Decimal


def book(market: str, bids: Sequence[tuple[str, str]], asks: Sequence[tuple[str, str]], seq: int = 1) -> OrderBook:
    return OrderBook(
        market, tuple(Level(D(p), D(q)) for p, q in bids), tuple(Level(D(p), D(q)) for p, q in asks), seq, None
    )


def info(
    market: str, symbol: str = "DCT/USDT", base: str = "dct", tick: str = "0.0001", lot: str = "0.1"
) -> MarketInfo:
    return MarketInfo(
        market=market,
        venue_symbol=symbol,
        kind=VenueKind.ORDER_BOOK,
        base=base,
        quote="usdt",
        tick=D(tick),
        lot_step=D(lot),
        min_size=D(1),
        min_notional=D("0.1"),
        maker_fee=D("0.00005"),
        taker_fee=D("0.0005"),
        fee_in_received_asset=False,
        price_band=None,
        max_open_orders=None,
        label="scripted",
    )


def fill(market: str, number: int, venue_ns: int, size: str = "1", cursor: str | None = None) -> OwnFill:
    return OwnFill(
        market=market,
        trade_id=f"t{number}",
        venue_order_id=f"o{number}",
        client_order_id=f"m1b0e1c{number}",
        side=Side.BUY,
        price=D("0.25"),
        size=D(size),
        fee=D("0.001"),
        fee_asset="usdt",
        maker=True,
        venue_ns=venue_ns,
        cursor=str(number) if cursor is None else cursor,
    )


def trade(market: str, trade_id: str, price: str, venue_ns: int, side: Side = Side.BUY) -> PublicTrade:
    return PublicTrade(market, trade_id, side, D(price), D(5), venue_ns)


class ScriptedVenue:
    """`books`, `trades`, `own`: queues of what the streams yield; an exception in one is raised by the stream."""

    def __init__(self, markets: Sequence[str], account: str = "dex-desk", clock: Clock | None = None) -> None:
        self.name, self.account = "dex", account
        self.capabilities = Capabilities(VenueKind.ORDER_BOOK, True, True, True, True, True)
        self.markets = list(markets)
        self.unknown: set[str] = set()
        self.clock = clock
        self.books: dict[str, asyncio.Queue[object]] = {market: asyncio.Queue() for market in markets}
        self.trades: dict[str, asyncio.Queue[object]] = {market: asyncio.Queue() for market in markets}
        self.own: asyncio.Queue[object] = asyncio.Queue()
        self.rest_books: dict[str, OrderBook] = {}
        self.past_trades: dict[str, list[PublicTrade]] = {}
        self.fills: list[OwnFill] = []
        self.transfers: list[VenueTransfer] = []
        self.funding: list[FundingPayment] = []
        self.funding_polls: list[str] = []
        self.orders: dict[str, OwnOrder] = {}
        self.balances = [Balance("usdt", D(1000), D(900))]
        self.open_error: Exception | None = None
        self.balance_error: Exception | None = None
        self.opened = self.closed = 0
        self.polls: list[str] = []
        self.cancel_afters: list[float | None] = []

    async def open(self) -> None:
        self.opened += 1
        if self.open_error:
            raise self.open_error
        for market in self.markets:
            if market in self.unknown:
                raise VenueRejected(RejectReason.UNKNOWN_MARKET, f"no {market} here")

    async def close(self) -> None:
        self.closed += 1

    async def server_time_ns(self) -> int:
        if self.clock is None:
            raise VenueUnavailable("no clock in this script")
        return self.clock.now_ns()

    async def market_info(self, market: str) -> MarketInfo:
        return info(market)

    async def fetch_orderbook(self, market: str, depth: int = 50) -> OrderBook:
        if market not in self.rest_books:
            raise VenueUnavailable("no book in this script")
        return self.rest_books[market]

    async def fetch_trades(self, market: str, limit: int = 100) -> list[PublicTrade]:
        return self.past_trades.get(market, [])

    async def fetch_balances(self) -> list[Balance]:
        if self.balance_error:
            raise self.balance_error
        return self.balances

    async def cancel_after(self, timeout_s: float | None) -> None:
        self.cancel_afters.append(timeout_s)

    async def cancel_all(self, market: str | None = None) -> int:
        return 0

    async def fetch_open_orders(self, market: str | None = None) -> list[OwnOrder]:
        return [one for one in self.orders.values() if one.state is OrderState.OPEN]

    async def fetch_order(self, market: str, client_order_id: str) -> OwnOrder | None:
        return self.orders.get(client_order_id)

    async def fetch_my_trades(self, market: str | None = None, cursor: str = "", limit: int = 100) -> list[OwnFill]:
        self.polls.append(cursor)
        after = int(cursor or 0)
        return [one for one in self.fills if int(one.cursor) > after][:limit]

    async def fetch_transfers(self, cursor: str = "", limit: int = 100) -> list[VenueTransfer]:
        after = int(cursor or 0)
        return [one for one in self.transfers if int(one.cursor) > after][:limit]

    async def fetch_funding(
        self, market: str | None = None, cursor: str = "", limit: int = 100
    ) -> list[FundingPayment]:
        self.funding_polls.append(cursor)
        after = int(cursor or 0)
        return [one for one in self.funding if int(one.cursor) > after][:limit]

    async def _stream(self, queue: asyncio.Queue[object]) -> AsyncIterator[object]:
        while True:
            item = await queue.get()
            if isinstance(item, BaseException):
                raise item
            yield item

    def stream_book(self, market: str) -> AsyncIterator[object]:
        return self._stream(self.books[market])

    def stream_trades(self, market: str) -> AsyncIterator[object]:
        return self._stream(self.trades[market])

    def stream_own(self) -> AsyncIterator[object]:
        return self._stream(self.own)

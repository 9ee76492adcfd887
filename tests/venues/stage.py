"""A real sandbox venue, an adapter in front of it, and what a behaviour needs to act on both."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from trading.clock import SystemClock
from trading.sandbox.server.testing import RunningVenue, running_venue
from trading.sandbox.types import RecordTop, RecordTrade
from trading.sandbox.types import Side as RecordSide
from trading.venues.ccxt_okx.adapter import CcxtOkxVenue
from trading.venues.credentials import Credential
from trading.venues.interface import OrderRequest, OwnFill, OwnOrder, Side, TimeInForce, Venue
from trading.venues.ton_dex.adapter import TonDexVenue

ACCOUNT = "desk"  # the venue's name of the account
PERPETUAL = "linear_perpetual"


@dataclass(frozen=True)
class Market:
    """One of our markets, as the registry would give it."""

    slug: str
    account: str
    venue: str
    adapter: str
    base: str
    quote: str
    venue_symbol: str
    instrument: str = "spot"
    contract_value: Decimal = Decimal(1)


@dataclass(frozen=True)
class Dialect:
    """An adapter with the market it is proven on. `bid` and `ask` are the played book's best, `wide` levels each 500."""

    name: str
    make: Callable[..., Any]
    market: Market
    engine_symbol: str
    bid: Decimal
    ask: Decimal
    step: Decimal  # a comfortable price distance, many ticks
    size: Decimal
    clock_window_s: float  # how far a stamp may be from the venue's clock


DIALECTS = {
    "ton_dex": Dialect(
        "dex",
        TonDexVenue,
        Market("dct-usdt-dex", "dex-desk", "dex", "ton_dex", "dct", "usdt", "DCT/USDT"),
        "DCT/USDT",
        Decimal("0.2690"),
        Decimal("0.2700"),
        Decimal("0.0001"),
        Decimal(100),
        5.0,
    ),
    "ccxt_okx": Dialect(
        "cex",
        CcxtOkxVenue,
        Market("gram-usdt-cex", "cex-desk", "cex", "ccxt_okx", "gram", "usdt", "GRAM-USDT"),
        "GRAM/USDT",
        Decimal("1.4900"),
        Decimal("1.5000"),
        Decimal("0.0010"),
        Decimal(10),
        30.0,
    ),
}


# The perpetual of the same venues: one contract is 0.1 ETH; sizes here are ETH, as everywhere on our side.
PERPETUALS = {
    "ton_dex": replace(
        DIALECTS["ton_dex"],
        market=Market(
            "eth-usdt-perp", "dex-desk", "dex", "ton_dex", "eth", "usdt", "ETH/USDT:USDT", PERPETUAL, Decimal("0.1")
        ),
        engine_symbol="ETH/USDT:USDT",
        bid=Decimal("2400.00"),
        ask=Decimal("2401.00"),
        step=Decimal("0.50"),
        size=Decimal("0.5"),
    ),
    "ccxt_okx": replace(
        DIALECTS["ccxt_okx"],
        market=Market(
            "eth-usdt-perp", "cex-desk", "cex", "ccxt_okx", "eth", "usdt", "ETH-USDT-SWAP", PERPETUAL, Decimal("0.1")
        ),
        engine_symbol="ETH/USDT:USDT",
        bid=Decimal("2400.00"),
        ask=Decimal("2401.00"),
        step=Decimal("0.50"),
        size=Decimal("0.5"),
    ),
}


class Recorder:
    """Everything a stream yielded so far."""

    def __init__(self, stream: AsyncIterator[Any]) -> None:
        self.events: list[Any] = []
        self._stream = stream
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async for event in self._stream:
            self.events.append(event)

    def of(self, kind: type) -> list[Any]:
        """Events of that kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, condition: Callable[[], object], timeout_s: float = 6.0) -> None:
        """Wait until the condition holds; a stream that broke fails the test at once."""
        async with asyncio.timeout(timeout_s):
            while not condition():
                if self.task.done():
                    self.task.result()
                    raise AssertionError("the stream ended")
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """End the recording."""
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task


@dataclass
class Stage:
    """What a behaviour acts on."""

    dialect: Dialect
    venue: RunningVenue
    adapter: Venue
    recorders: list[Recorder] = field(default_factory=list)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    @property
    def market(self) -> str:
        return self.dialect.market.slug

    def next_id(self) -> str:
        """A client order id never used before in this test."""
        return f"m1b0e1c{next(self._numbers)}"

    def order(self, side: Side = Side.BUY, **changes: Any) -> OrderRequest:
        """An order that rests one step behind the best price, unless changed."""
        d = self.dialect
        price = d.bid - d.step if side is Side.BUY else d.ask + d.step
        values: dict[str, Any] = {
            "market": self.market,
            "side": side,
            "price": price,
            "size": d.size,
            "client_order_id": self.next_id(),
            "tif": TimeInForce.POST_ONLY,
        }
        return OrderRequest(**{**values, **changes})

    def record(self, stream: AsyncIterator[Any]) -> Recorder:
        """Record a stream until the end of the test."""
        recorder = Recorder(stream)
        self.recorders.append(recorder)
        return recorder

    def show(self, bid: Decimal | None = None, ask: Decimal | None = None) -> None:
        """Let the recorded market show these best prices, 500 each."""
        d = self.dialect
        self.venue.play(RecordTop(0, bid or d.bid, Decimal(500), ask or d.ask, Decimal(500)), d.engine_symbol)

    def sell_into(self, price: Decimal, size: Decimal) -> None:
        """A recorded sale through `price`: fills our bids above it at their own price, up to `size` (the venue's units)."""
        self.venue.play(RecordTrade(0, RecordSide.SELL, price, size), self.dialect.engine_symbol)

    def truth(self, client_order_id: str) -> Any:
        """The order as the venue's own ledger has it."""
        return self.venue.exchange.order(ACCOUNT, client_order_id=client_order_id)

    def open_ids(self) -> set[str]:
        """Client ids of what rests on the venue."""
        return {order.client_order_id for order in self.venue.exchange.open_orders(ACCOUNT)}


def identity(fill: OwnFill) -> tuple[str, str, str]:
    """What makes a fill the same fill wherever it is told."""
    return fill.market, fill.trade_id, fill.venue_order_id


def in_ns(seconds: float) -> int:
    """A deadline so many seconds from now."""
    return time.time_ns() + round(seconds * 1e9)


def adapter_for(dialect: Dialect, base_url: str, credential: Credential, *, timeout_s: float, **changes: Any) -> Any:
    """An adapter, not opened yet."""
    market = changes.pop("market", dialect.market)
    clock = changes.pop("clock", SystemClock())
    return dialect.make((market,), market.account, base_url, credential, clock, timeout_s=timeout_s, **changes)


@asynccontextmanager
async def staged(
    name: str, *, opened: bool = True, timeout_s: float = 2.0, perpetual: bool = False, **venue_options: Any
) -> AsyncIterator[Stage]:
    """A venue with a book and an adapter, on the dialect's market or its `perpetual`; both closed afterwards."""
    dialect = (PERPETUALS if perpetual else DIALECTS)[name]
    if perpetual:
        # A spot market beside it, as accounts have them.
        venue_options["markets"] = (DIALECTS[name].engine_symbol, dialect.engine_symbol)
    async with running_venue(dialect.name, **venue_options) as venue:
        credential = Credential(venue.key_id, venue.secret, venue.passphrase)
        adapter = adapter_for(dialect, venue.base_url, credential, timeout_s=timeout_s)
        stage = Stage(dialect, venue, adapter)
        stage.show()
        try:
            if opened:
                await adapter.open()
            yield stage
        finally:
            for recorder in stage.recorders:
                await recorder.stop()
            await adapter.close()


def plain(order: OwnOrder) -> tuple[Any, ...]:
    """What two tellings of an order must agree on."""
    return order.client_order_id, order.side, order.price, order.size, order.filled, order.state

"""A small exchange with round numbers, and short words for what tests do to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from trading.sandbox.catalogue import DCT_USDT, ETH_PERPETUAL, GRAM_USDT
from trading.sandbox.exchange import Exchange
from trading.sandbox.replay import Record
from trading.sandbox.types import (
    BookSnapshot,
    FeeMode,
    Fill,
    Instrument,
    InstrumentKind,
    Order,
    OrderType,
    PlaceOrder,
    RecordDepth,
    RecordTop,
    RecordTrade,
    Side,
    VenueEvent,
)

D = Decimal
SYMBOL = "DCT/USDT"
INSTRUMENT = Instrument(
    symbol=SYMBOL,
    base="DCT",
    quote="USDT",
    tick=D("0.01"),
    lot_step=D("0.1"),
    min_size=D(1),
    min_notional=D(5),
    maker_fee=D("0.001"),
    taker_fee=D("0.002"),
    fee_mode=FeeMode.QUOTE,
    price_band=D("0.2"),
)
PERPETUAL = Instrument(
    symbol="ETH/USDT:USDT",
    base="ETH",
    quote="USDT",
    tick=D("0.01"),
    lot_step=D("0.01"),
    min_size=D("0.01"),
    min_notional=D("0.1"),
    maker_fee=D("0.00008"),
    taker_fee=D("0.0005"),
    fee_mode=FeeMode.QUOTE,
    price_band=D("0.2"),
    kind=InstrumentKind.LINEAR_PERPETUAL,
    contract_value=D("0.1"),
    initial_margin=D("0.2"),
    funding_interval_s=60,
)
Levels = Sequence[tuple[str | int, str | int]]


def levels(items: Levels) -> tuple[tuple[Decimal, Decimal], ...]:
    return tuple((D(price), D(size)) for price, size in items)


class Desk:
    """Drives one exchange; the clock is `now` (ns) and moves only when a test moves it."""

    def __init__(self, path: Path, instrument: Instrument) -> None:
        self.path, self.instrument = path, instrument
        self.now = 1_000_000_000
        self.events: list[VenueEvent] = []
        self._ids = count(1)
        self.open()

    def open(self) -> None:
        self.x = Exchange({self.instrument.symbol: self.instrument}, self.path, self.now)
        self.x.subscribe(self.events.append)

    def reopen(self) -> None:
        self.x.close()
        self.open()

    def fund(self, account: str = "desk", base: str = "1000", quote: str = "100000") -> None:
        self.x.deposit(account, self.instrument.base, D(base), self.now)
        self.x.deposit(account, self.instrument.quote, D(quote), self.now)

    def place(
        self,
        side: str,
        price: str | int,
        size: str | int,
        kind: str = "limit",
        account: str = "desk",
        cid: str | None = None,
        deadline_ns: int | None = None,
    ) -> Order:
        cid = f"c{next(self._ids)}" if cid is None else cid
        wanted = PlaceOrder(self.instrument.symbol, Side(side), OrderType(kind), D(price), D(size), cid, deadline_ns)
        return self.x.place(account, wanted, self.now)

    def depth(self, bids: Levels = (), asks: Levels = (), snapshot: bool = False) -> None:
        event = RecordDepth(self.now, levels(bids), levels(asks), snapshot)
        self.x.apply_record(self.instrument.symbol, event, self.now)

    def top(self, bid: str | int, bid_size: str | int, ask: str | int, ask_size: str | int) -> None:
        event = RecordTop(self.now, D(bid), D(bid_size), D(ask), D(ask_size))
        self.x.apply_record(self.instrument.symbol, event, self.now)

    def trade(self, side: str, price: str | int, size: str | int) -> None:
        self.x.apply_record(self.instrument.symbol, RecordTrade(self.now, Side(side), D(price), D(size)), self.now)

    def order(self, order: Order) -> Order:
        found = self.x.order(order.account, order_id=order.order_id)
        assert found is not None
        return found

    def fills(self, account: str = "desk") -> list[tuple[str, Decimal, Decimal, str]]:
        return [(f.side.value, f.price, f.size, f.liquidity) for f in self.x.fills(account)]

    def last_fill(self, account: str = "desk") -> Fill:
        return self.x.fills(account)[-1]

    def balance(self, asset: str, account: str = "desk") -> tuple[Decimal, Decimal]:
        """(total, held)."""
        return next(((b.total, b.held) for b in self.x.balances(account) if b.asset == asset), (D(0), D(0)))

    def book(self) -> BookSnapshot:
        return self.x.book(self.instrument.symbol)

    def everything(self) -> tuple[object, ...]:
        """All that a refused request must leave as it was."""
        return (self.x.export("desk"), self.x.export("other"), self.book(), self.x.asset_totals(), len(self.events))


@pytest.fixture(scope="session")
def dct() -> Record:
    """The listed record of DCT/USDT."""
    return Record(DCT_USDT.record_path)


@pytest.fixture(scope="session")
def gram() -> Record:
    """The listed record of GRAM/USDT."""
    return Record(GRAM_USDT.record_path)


@pytest.fixture(scope="session")
def eth() -> Record:
    """The listed record of ETH/USDT:USDT."""
    return Record(ETH_PERPETUAL.record_path)


@pytest.fixture
def perp(tmp_path: Path) -> Iterator[Desk]:
    """Accounts `desk` and `other` with 10,000 USDT each; contracts of 0.1 ETH, funding every 60 s; the clock is at 1 s."""
    driver = Desk(tmp_path / "ledger.db", PERPETUAL)
    for account in ("desk", "other"):
        driver.x.deposit(account, "USDT", D(10_000), driver.now)
    yield driver
    driver.x.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Funded accounts `desk` and `other`; fees in quote: maker 0.1 %, taker 0.2 %."""
    driver = Desk(tmp_path / "ledger.db", INSTRUMENT)
    driver.fund("desk")
    driver.fund("other")
    yield driver
    driver.x.close()


@pytest.fixture
def make_desk(tmp_path: Path) -> Callable[..., Desk]:
    """A driver of an exchange with changed instrument fields."""

    def make(name: str = "ledger.db", **changes: Any) -> Desk:
        return Desk(tmp_path / name, replace(INSTRUMENT, **changes))

    return make

"""Engines with instruments of the tests' own: expected values do not move when the catalogue does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from trading.sandbox.exchange import Exchange
from trading.sandbox.types import FeeMode, Instrument, InstrumentKind

DCT = Instrument(
    symbol="DCT/USDT",
    base="DCT",
    quote="USDT",
    tick=Decimal("0.000001"),
    lot_step=Decimal("0.1"),
    min_size=Decimal(1),
    min_notional=Decimal("0.1"),
    maker_fee=Decimal("0.00005"),
    taker_fee=Decimal("0.0005"),
    fee_mode=FeeMode.QUOTE,
    price_band=Decimal("0.2"),
)
GRAM = Instrument(
    symbol="GRAM/USDT",
    base="GRAM",
    quote="USDT",
    tick=Decimal("0.0001"),
    lot_step=Decimal("0.01"),
    min_size=Decimal("0.1"),
    min_notional=Decimal("0.1"),
    maker_fee=Decimal("0.0001"),
    taker_fee=Decimal("0.0005"),
    fee_mode=FeeMode.RECEIVED,
    price_band=Decimal("0.2"),
)
ETH = Instrument(
    symbol="ETH/USDT:USDT",
    base="ETH",
    quote="USDT",
    tick=Decimal("0.01"),
    lot_step=Decimal("0.01"),
    min_size=Decimal("0.01"),
    min_notional=Decimal("0.1"),
    maker_fee=Decimal("0.00008"),
    taker_fee=Decimal("0.0005"),
    fee_mode=FeeMode.QUOTE,
    price_band=Decimal("0.2"),
    kind=InstrumentKind.LINEAR_PERPETUAL,
    contract_value=Decimal("0.1"),
    initial_margin=Decimal("0.2"),
    funding_interval_s=28_800,
)


@contextmanager
def engine(folder: Path, instrument: Instrument, base: int, quote: int) -> Iterator[Exchange]:
    """An exchange with one market and deposits for the desk: first the base, then the quote asset."""
    now_ns = time.time_ns()
    exchange = Exchange({instrument.symbol: instrument}, folder / "exchange.sqlite3", now_ns)
    if base:
        exchange.deposit("desk", instrument.base, Decimal(base), now_ns, "first-base")
    exchange.deposit("desk", instrument.quote, Decimal(quote), now_ns, "first-quote")
    yield exchange
    exchange.close()

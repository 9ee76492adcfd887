"""ETH/USDT:USDT from a recorded Binance feed of the coin-margined ETHUSD perpetual: recorded market, units converted.

The recorded contract is inverse: one is worth 10 USD and settles in ETH. The record's contract is linear: one is 0.1 ETH
and settles in USDT. The same exposure at a price is therefore

    linear contracts = inverse contracts × 10 USD / price / 0.1 ETH = inverse contracts × 100 / price

taken at the price of the level or trade itself and rounded to the lot of 0.01, half to even. Nothing rounds to zero: one
inverse contract stays at least one lot while the price is below 20,000. Prices are kept, USD standing for USDT; levels,
trades and the local timing are kept. `binance_feed` says how the feed's streams become one book.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

from trading.sandbox.conversion.binance_feed import Scale, write_record
from trading.sandbox.records_format import RecordHeader

TICK = Decimal("0.01")
LOT = Decimal("0.01")
INVERSE_CONTRACT_USD = Decimal(10)
LINEAR_CONTRACT_ETH = Decimal("0.1")
SOURCE = "Binance COIN-M ETHUSD perpetual, 2024-08-08; contracts of 10 USD converted to contracts of 0.1 ETH"
LABEL = "recorded market, units converted"


def price_of(text: str) -> Decimal:
    """The recorded price, on the tick."""
    return Decimal(text).quantize(TICK)


def linear_contracts(price: str, inverse_contracts: str) -> Decimal:
    """Contracts of 0.1 ETH with the exposure of so many contracts of 10 USD at that price, to 0.01, half to even."""
    eth = Decimal(inverse_contracts) * INVERSE_CONTRACT_USD / Decimal(price)
    return (eth / LINEAR_CONTRACT_ETH).quantize(LOT, ROUND_HALF_EVEN)


def convert(raw: Path, target: Path) -> int:
    """Write the record; returns its number of events."""
    header = RecordHeader("ETH/USDT:USDT", "ETH", "USDT", TICK, LOT, SOURCE, LABEL, 0)
    return write_record(raw, target, header, Scale(price_of, linear_contracts))

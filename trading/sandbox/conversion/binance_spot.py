"""DCT/USDT from a recorded Binance spot feed of ETHUSDT: a recorded market, rescaled.

Prices are multiplied by 1e-4 and sizes by 1000, both exactly; levels, trades and the local timing are kept.
`binance_feed` says how the feed's streams become one book.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from trading.sandbox.conversion.binance_feed import Scale, write_record
from trading.sandbox.records_format import RecordHeader

TICK = Decimal("0.000001")
LOT = Decimal("0.1")
PRICE_FACTOR = Decimal("0.0001")
SIZE_FACTOR = Decimal(1000)
SOURCE = "Binance spot ETHUSDT, 2024-08-08; prices × 0.0001, sizes × 1000"
LABEL = "recorded market, rescaled"


def _price(text: str) -> Decimal:
    return (Decimal(text) * PRICE_FACTOR).quantize(TICK)


def _size(price: str, text: str) -> Decimal:
    del price
    return (Decimal(text) * SIZE_FACTOR).quantize(LOT)


def convert(raw: Path, target: Path) -> int:
    """Write the record; returns its number of events."""
    header = RecordHeader("DCT/USDT", "DCT", "USDT", TICK, LOT, SOURCE, LABEL, 0)
    return write_record(raw, target, header, Scale(_price, _size))

"""How often the sandbox's recorded markets fill a naive quoter: virtual time, no waiting.

    python bench/sandbox_fills.py [--half-spread-bps 2.5] [--minutes 5] [--offsets 10] [--until-fills N]

The quoter rests a bid and an ask around the mid net of its own orders, and replaces both once a second when the mid has
moved. It holds no inventory limit: it measures the flow, not a strategy. Prints one JSON line per market and offset.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from trading.sandbox.catalogue import VENUES, Listing
from trading.sandbox.exchange import Exchange
from trading.sandbox.replay import Record, Replay
from trading.sandbox.types import BookSnapshot, Order, OrderType, PlaceOrder, Reject, Side

SECOND = 1_000_000_000
SIZES = {"DCT/USDT": Decimal(1000), "GRAM/USDT": Decimal(20), "ETH/USDT:USDT": Decimal(1)}


class NaiveQuoter:
    def __init__(self, exchange: Exchange, listing: Listing, half_spread_bps: Decimal) -> None:
        self.exchange, self.instrument, self.half = exchange, listing.instrument, half_spread_bps / 10_000
        self.size = SIZES[self.instrument.symbol]
        self.quoted_mid: Decimal | None = None
        self._ids = count(1)

    def refresh(self, now_ns: int) -> None:
        symbol, tick = self.instrument.symbol, self.instrument.tick
        own = self.exchange.open_orders("desk", symbol)
        mid = outside_mid(self.exchange.book(symbol, 4), own)
        if mid is None or (mid == self.quoted_mid and len(own) == 2):
            return
        self.exchange.cancel_all("desk", symbol, now_ns)
        bid = (mid * (1 - self.half) / tick).to_integral_value(ROUND_FLOOR) * tick
        ask = (mid * (1 + self.half) / tick).to_integral_value(ROUND_CEILING) * tick
        for side, price in ((Side.BUY, bid), (Side.SELL, ask)):
            wanted = PlaceOrder(symbol, side, OrderType.POST_ONLY, price, self.size, f"q{next(self._ids)}")
            try:
                self.exchange.place("desk", wanted, now_ns)
            except Reject:
                continue
        self.quoted_mid = mid


def outside_mid(book: BookSnapshot, own: list[Order]) -> Decimal | None:
    """Mid of the published book net of own orders."""
    best = []
    for side, levels in ((Side.BUY, book.bids), (Side.SELL, book.asks)):
        mine = {order.price: order.remaining for order in own if order.side is side}
        others = [price for price, size in levels if size > mine.get(price, Decimal(0))]
        if not others:
            return None
        best.append(others[0])
    return (best[0] + best[1]) / 2


def run(
    listing: Listing, record: Record, offset_s: float, seconds: int, half_bps: Decimal, until_fills: int | None
) -> dict[str, object]:
    """Quote for `seconds` of venue time from a replay offset, or until so many fills happened."""
    with tempfile.TemporaryDirectory() as folder:
        instrument = listing.instrument
        exchange = Exchange({instrument.symbol: instrument}, Path(folder) / "ledger.db", 0)
        for asset, amount in listing.deposits:
            exchange.deposit("desk", asset, amount, 0)
        replay = Replay(exchange, instrument.symbol, record, 0, offset_s)
        quoter = NaiveQuoter(exchange, listing, half_bps)
        first_fill_s: int | None = None
        events = 0
        started = time.perf_counter()
        for second in range(seconds):
            quoter.refresh(second * SECOND)
            events += replay.play_until((second + 1) * SECOND)
            fills = exchange.fills("desk", limit=1_000_000) if exchange.fills("desk", limit=1) else []
            if fills and first_fill_s is None:
                first_fill_s = second + 1
            if until_fills is not None and len(fills) >= until_fills:
                break
        wall_s = time.perf_counter() - started
        fills = exchange.fills("desk", limit=1_000_000)
        exchange.close()
    buys = sum(1 for fill in fills if fill.side is Side.BUY)
    return {
        "market": instrument.symbol,
        "offset_s": round(offset_s, 1),
        "fills": len(fills),
        "buys": buys,
        "first_fill_s": first_fill_s,
        "events": events,
        "wall_s": round(wall_s, 2),
    }


def offsets(record: Record, number: int) -> list[float]:
    """Spread evenly over one pass."""
    return [record.duration_us / 1e6 * step / number for step in range(number)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half-spread-bps", type=Decimal, default=Decimal("2.5"))
    parser.add_argument("--minutes", type=int, default=5)
    parser.add_argument("--offsets", type=int, default=10)
    parser.add_argument("--until-fills", type=int)
    chosen = parser.parse_args()
    dry = 0
    for listing in (listing for listings in VENUES.values() for listing in listings):
        record = Record(listing.record_path)
        for offset in offsets(record, chosen.offsets):
            result = run(listing, record, offset, chosen.minutes * 60, chosen.half_spread_bps, chosen.until_fills)
            dry += result["fills"] == 0
            print(json.dumps(result), flush=True)
    return 1 if dry else 0


if __name__ == "__main__":
    sys.exit(main())

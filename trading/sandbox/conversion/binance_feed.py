"""The streams of one Binance market merged into one book that never crosses; shared by the converters of its feeds.

The input is gzip text, a line is `local_ns json`: one REST snapshot, then depth, `bookTicker` and `trade` streams in the
order in which they arrived. The streams of one book are merged by their update ids: a statement older than what is known
of a level is dropped, and a level that a newer best price contradicts is removed, so the result never crosses.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from trading.sandbox.records_format import RecordHeader, RecordWriter
from trading.sandbox.types import RecordDepth, RecordEvent, RecordTrade, Side


@dataclass(frozen=True, slots=True)
class Scale:
    """How the raw strings become the record's values. `size` also sees the price at which the quantity stands."""

    price: Callable[[str], Decimal]
    size: Callable[[str, str], Decimal]  # (price, quantity)


class MergedFeed:
    """The book as the three streams together state it, in the record's own prices and sizes."""

    def __init__(self, snapshot: dict[str, Any], scale: Scale) -> None:
        self._scale = scale
        self.seen = int(snapshot["lastUpdateId"])
        self.top_seen = 0
        self.sides = {side: {scale.price(p): scale.size(p, q) for p, q in snapshot[side]} for side in ("bids", "asks")}
        self.level_seen: dict[Decimal, int] = {}
        known = [price for side in self.sides.values() for price in side]
        self.lowest, self.highest = min(known), max(known)
        self.changed: dict[str, dict[Decimal, Decimal]] = {"bids": {}, "asks": {}}

    def depth(self, data: dict[str, Any]) -> None:
        """A depth delta; levels outside the snapshot's range stay out (nothing is known of their neighbours)."""
        update = int(data["u"])
        if update <= self.seen:
            return
        self.seen = update
        for side, levels in (("bids", data["b"]), ("asks", data["a"])):
            best = self._best(side)
            for text, size in levels:
                price = self._scale.price(text)
                if not self.lowest <= price <= self.highest or self.level_seen.get(price, 0) > update:
                    continue
                if self.top_seen > update and best is not None and self._better(side, price, best):
                    continue  # the best price stated since is newer than this
                self._set(side, price, self._scale.size(text, size), update)
        self._uncross()

    def top(self, data: dict[str, Any]) -> None:
        """A best bid and ask."""
        update = int(data["u"])
        if update <= self.seen or update <= self.top_seen:
            return
        self.top_seen = update
        for side, price, size in (("bids", data["b"], data["B"]), ("asks", data["a"], data["A"])):
            best = self._scale.price(price)
            for level in [level for level in self.sides[side] if self._better(side, level, best)]:
                self._set(side, level, Decimal(0), update)
            self._set(side, best, self._scale.size(price, size), update)
        self._uncross()

    def take_changes(self) -> tuple[tuple[tuple[Decimal, Decimal], ...], tuple[tuple[Decimal, Decimal], ...]]:
        bids = tuple(sorted(self.changed["bids"].items(), reverse=True))
        asks = tuple(sorted(self.changed["asks"].items()))
        self.changed = {"bids": {}, "asks": {}}
        return bids, asks

    def _best(self, side: str) -> Decimal | None:
        prices = self.sides[side]
        return (max(prices) if side == "bids" else min(prices)) if prices else None

    @staticmethod
    def _better(side: str, price: Decimal, than: Decimal) -> bool:
        return price > than if side == "bids" else price < than

    def _set(self, side: str, price: Decimal, size: Decimal, update: int) -> None:
        self.level_seen[price] = update
        if self.sides[side].get(price, Decimal(0)) == size:
            return
        self.changed[side][price] = size
        if size:
            self.sides[side][price] = size
        else:
            del self.sides[side][price]

    def _uncross(self) -> None:
        while True:
            bid, ask = self._best("bids"), self._best("asks")
            if bid is None or ask is None or bid < ask:
                return
            bid_seen, ask_seen = self.level_seen.get(bid, 0), self.level_seen.get(ask, 0)
            if bid_seen < ask_seen:
                self._set("bids", bid, Decimal(0), ask_seen)
            else:
                self._set("asks", ask, Decimal(0), bid_seen)

    def double_mid(self) -> Decimal:
        bid, ask = self._best("bids"), self._best("asks")
        if bid is None or ask is None:
            raise ValueError("the recorded book lost a side")
        return bid + ask


def merged_events(raw: Path, scale: Scale) -> Iterator[tuple[RecordEvent, Decimal]]:
    """(event, double mid after it) from the snapshot on."""
    feed: MergedFeed | None = None
    with gzip.open(raw, "rt", encoding="utf-8") as lines:
        for line in lines:
            stamp, text = line.split(" ", 1)
            ts_ns, message = int(stamp), json.loads(text)
            if "lastUpdateId" in message:
                feed = MergedFeed(message, scale)
                bids = tuple(sorted(feed.sides["bids"].items(), reverse=True))
                asks = tuple(sorted(feed.sides["asks"].items()))
                yield RecordDepth(ts_ns, bids, asks, snapshot=True), feed.double_mid()
            elif feed is not None:
                yield from _stream_event(feed, scale, ts_ns, message["stream"].split("@", 1)[1], message["data"])


def _stream_event(
    feed: MergedFeed, scale: Scale, ts_ns: int, stream: str, data: dict[str, Any]
) -> Iterator[tuple[RecordEvent, Decimal]]:
    if stream == "trade":
        taker = Side.SELL if data["m"] else Side.BUY  # m: the buyer was the maker
        yield RecordTrade(ts_ns, taker, scale.price(data["p"]), scale.size(data["p"], data["q"])), feed.double_mid()
        return
    if stream == "bookTicker":
        feed.top(data)
    else:
        feed.depth(data)
    bids, asks = feed.take_changes()
    if bids or asks:
        yield RecordDepth(ts_ns, bids, asks), feed.double_mid()


def write_record(raw: Path, target: Path, header: RecordHeader, scale: Scale) -> int:
    """Write the record (its start is the snapshot's time, whatever the header says); returns its number of events.

    The last events are left off until first mid + last mid is a whole number of ticks, so that a mirrored pass stays on
    the tick grid exactly.
    """
    events = list(merged_events(raw, scale))
    first = events[0][1]
    while (first + events[-1][1]) / 2 % header.tick:
        events.pop()
    with RecordWriter(target, replace(header, start_ns=events[0][0].ts_ns)) as writer:
        for event, _ in events:
            writer.write(event)
    return len(events)

"""A book kept up to date from a snapshot and sequenced deltas."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from decimal import Decimal

from trading.venues.decoding import ONE, integer, levels, ns_of_ms
from trading.venues.interface import Level, OrderBook

# Levels a side that the venue tells at most, in an answer or a snapshot.
DEPTH_LIMIT = 5000


class SequenceGap(Exception):
    """A delta does not follow what we hold: a fresh snapshot is needed."""


class _Side:
    """Levels of one side, best first; `sign` −1 for bids (highest is best), 1 for asks."""

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._keys: list[Decimal] = []
        self._levels: list[Level] = []

    def apply(self, changes: Iterable[Level]) -> None:
        for level in changes:
            key = level.price * self._sign
            at = bisect_left(self._keys, key)
            known = at < len(self._keys) and self._keys[at] == key
            if level.size <= 0:
                if known:
                    del self._keys[at], self._levels[at]
            elif known:
                self._levels[at] = level
            else:
                self._keys.insert(at, key)
                self._levels.insert(at, level)

    def best_first(self, depth: int) -> tuple[Level, ...]:
        return tuple(self._levels[:depth])


class BookAssembly:
    """Whole books of one market, `depth` levels a side; the venue's sizes are contracts of `contract_value` base each."""

    def __init__(self, market: str, depth: int = DEPTH_LIMIT, contract_value: Decimal = ONE) -> None:
        self._market = market
        self._contract_value = contract_value
        self._depth = depth
        self._seq: int | None = None
        self._is_whole = False
        self._bids, self._asks = _Side(-1), _Side(1)

    def forget(self) -> None:
        """What is held is not the venue's book any more; deltas are ignored until the next snapshot."""
        self._seq = None

    def snapshot(self, fields: Mapping[str, object]) -> OrderBook:
        """Begin anew. Raises `UnexpectedAnswer`."""
        bids, asks = self._levels(fields, "bids"), self._levels(fields, "asks")
        seq = integer(fields, "seq")
        self._bids, self._asks = _Side(-1), _Side(1)
        self._bids.apply(bids)
        self._asks.apply(asks)
        self._seq = seq
        self._is_whole = max(len(bids), len(asks)) < DEPTH_LIMIT
        return self._book(fields)

    def delta(self, fields: Mapping[str, object]) -> OrderBook | None:
        """Apply a change; None for one that came before the snapshot or that it already holds.

        Raises `SequenceGap`, `UnexpectedAnswer`.
        """
        seq, previous = integer(fields, "seq"), integer(fields, "prev_seq")
        if self._seq is None or seq <= self._seq:
            return None
        if previous != self._seq:
            raise SequenceGap(f"sequence gap: the book stands at {self._seq}, the delta follows {previous}")
        bids, asks = self._levels(fields, "bids"), self._levels(fields, "asks")
        self._bids.apply(bids)
        self._asks.apply(asks)
        self._seq = seq
        return self._book(fields)

    def _levels(self, fields: Mapping[str, object], name: str) -> tuple[Level, ...]:
        return levels(fields, name, self._contract_value)

    def _book(self, fields: Mapping[str, object]) -> OrderBook:
        bids, asks = self._bids.best_first(self._depth), self._asks.best_first(self._depth)
        is_whole = self._is_whole and max(len(bids), len(asks)) < self._depth
        return OrderBook(self._market, bids, asks, self._seq, ns_of_ms(fields, "ts_ms"), is_whole)

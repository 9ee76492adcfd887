"""What the histories of the OKX v5 dialect have in common in their queries."""

from __future__ import annotations

from collections.abc import Callable

from trading.sandbox.server.decoding import integer, optional_integer, optional_text
from trading.sandbox.server.endpoint import Call
from trading.sandbox.server.okx_shapes import inst_type
from trading.sandbox.server.okx_trade import symbol_of

MAX_KEY = 10**15
MAX_MS = 10**14


def optional_symbol(call: Call) -> str | None:
    """The engine's symbol of the request's `instId`, if it has one."""
    return symbol_of(call, call.query) if call.query.get("instId") else None


def of_kind(call: Call) -> Callable[[str], bool]:
    """Whether a symbol is of the request's `instType` (any, when it names none)."""
    kind = optional_text(call.query, "instType")
    return lambda symbol: kind in (None, inst_type(symbol))


def cursors(call: Call) -> tuple[int | None, int | None, int]:
    """(after, before, limit)."""
    after = optional_integer(call.query, "after", 0, MAX_KEY)
    before = optional_integer(call.query, "before", 0, MAX_KEY)
    return after, before, integer(call.query, "limit", 1, 100, 100)


def in_time(call: Call) -> Callable[[int], bool]:
    """Whether an engine time lies within the request's `begin` and `end` (venue ms, inclusive)."""
    begin = optional_integer(call.query, "begin", 0, MAX_MS)
    end = optional_integer(call.query, "end", 0, MAX_MS)
    clock = call.venue.clock
    return lambda ns: (begin is None or clock.shown_ms(ns) >= begin) and (end is None or clock.shown_ms(ns) <= end)

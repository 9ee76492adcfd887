"""Whether any order the venue accepted took a market past its hard limit, from the venue's own books alone. Pure.

Independent of the portal's own rule on purpose: it reads what the venue kept (orders, fills, balances), never what we believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class VenueFill:
    """`signed` base quantity that the position gained, fees in base taken off; `size` what the order lost of its remaining."""

    at_ns: int
    client_order_id: str
    signed: Decimal
    size: Decimal


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """An order from its acceptance to its end (None: still resting). `size` is its last; base units."""

    client_order_id: str
    is_buy: bool
    size: Decimal
    accepted_ns: int
    ended_ns: int | None


@dataclass(frozen=True, slots=True)
class Breach:
    """The order whose acceptance made the worst case `reached` (base from target) larger than the limit."""

    client_order_id: str
    reached: Decimal


def breaches(
    orders: Sequence[VenueOrder], fills: Iterable[VenueFill], opening: Decimal, target: Decimal, hard: Decimal
) -> list[Breach]:
    """Orders on acceptance of which position and everything resting on their side lay beyond `hard` from `target`.

    An order that lowers the distance counts only if it would take the position through the limit on the other side.
    """
    history = sorted(fills, key=lambda fill: fill.at_ns)
    found = []
    for order in orders:
        position = opening + sum((f.signed for f in history if f.at_ns < order.accepted_ns), Decimal(0))
        resting = sum((_remaining(other, order, history) for other in orders), Decimal(0))
        reached = position - target + resting if order.is_buy else position - target - resting
        if (reached if order.is_buy else -reached) > hard:
            found.append(Breach(order.client_order_id, reached))
    return found


def _remaining(other: VenueOrder, at: VenueOrder, history: Sequence[VenueFill]) -> Decimal:
    """What of `other` could still fill, on the side of `at`, when that was accepted."""
    if other.is_buy != at.is_buy or other.accepted_ns > at.accepted_ns:
        return Decimal(0)
    if other.ended_ns is not None and other.ended_ns <= at.accepted_ns:
        return Decimal(0)
    filled = sum(
        (f.size for f in history if f.client_order_id == other.client_order_id and f.at_ns < at.accepted_ns), Decimal(0)
    )
    return max(Decimal(0), other.size - filled)

"""Exact steps from float to `Decimal`: ticks and lots.

All arithmetic runs in one explicit context, so that the result never depends on the caller's thread-local
decimal settings.
"""

from __future__ import annotations

from decimal import ROUND_FLOOR, Context, Decimal
from typing import Final

from trading.risk.side import Side

# Wide enough for the exact expansion of any price a float can sensibly hold.
CONTEXT: Final = Context(prec=60, rounding=ROUND_FLOOR)
ZERO: Final = Decimal(0)


def floor_to_step(value: Decimal, step: Decimal) -> Decimal:
    """Largest multiple of `step` not above `value` (value >= 0, step > 0)."""
    return CONTEXT.multiply(CONTEXT.divide_int(value, step), step)


def ceil_to_step(value: Decimal, step: Decimal) -> Decimal:
    """Smallest multiple of `step` not below `value` (value >= 0, step > 0)."""
    floor = floor_to_step(value, step)
    return floor if floor == value else CONTEXT.add(floor, step)


def round_to_tick(price: float, tick: Decimal, side: Side) -> Decimal:
    """Price on the tick grid, away from the other side: a bid down, an ask up. `price` >= 0."""
    exact = Decimal(price)
    return floor_to_step(exact, tick) if side is Side.BUY else ceil_to_step(exact, tick)


def inventory_lots(position: Decimal, q_target_lots: Decimal, lot_size: Decimal) -> float:
    """Inventory q in lots from target.

    Args:
        position: base quantity held, negative when short.
        q_target_lots: target, lots.
        lot_size: base quantity of one lot, > 0.
    """
    lots = CONTEXT.divide(position, lot_size)
    return float(CONTEXT.subtract(lots, q_target_lots))

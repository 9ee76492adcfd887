"""Numbers of the hot state that none can be: not finite, beyond any column or venue, a step of nothing.

JSON and its declared types let them through, and arithmetic on them fails or lies. Whoever finds one treats the value as one
that can't be read. Of a market view only what decides is looked at: the rest is for pages.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from trading.hot_state.values import HotBalances, HotPosition, MarketView
from trading.risk.session import Session
from trading.venues.interface import MarketInfo

# Of anything that numeric(38, 18) can hold.
LARGEST = Decimal(10) ** 20


def are_numbers(values: Iterable[Decimal | None]) -> bool:
    """Every one is a number that a column could hold; None is no number and no fault."""
    return all(one is None or (one.is_finite() and abs(one) <= LARGEST) for one in values)


def is_sound(value: Any) -> bool:
    """Whether the numbers of a hot value can be what they say; True for kinds that hold none that decide."""
    if isinstance(value, MarketView):
        levels = (*value.bids[:1], *value.asks[:1])
        prices = (value.reference, value.rolling_mid, value.ext_bid, value.ext_ask)
        return are_numbers((*prices, *(level.price for level in levels)))
    if isinstance(value, HotBalances):
        return are_numbers(amount for held in value.assets.values() for amount in (held.total, held.free))
    if isinstance(value, MarketInfo):
        return _is_sound_info(value)
    if isinstance(value, HotPosition):
        return are_numbers((value.q, value.cost_basis, value.realised, value.cash_flow, value.fees))
    if isinstance(value, Session):
        return are_numbers((value.opening_pnl, value.opening_price, value.peak))
    return True


def _is_sound_info(info: MarketInfo) -> bool:
    numbers = (info.min_size, info.min_notional, info.maker_fee, info.taker_fee, info.price_band)
    return are_numbers((info.tick, info.lot_step, *numbers)) and info.tick > 0 and info.lot_step > 0

"""What the account can pay for: free balances on spot, free margin on a perpetual. Both count in what our own orders hold, since
those are replaced; never more than the reading, which is some seconds old, can cover."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from trading.hot_state.values import HotBalances, HotOrder
from trading.registry.selectors import MarketRef
from trading.strategy.quote_types import Balances

_BPS = Decimal(10_000)
_ZERO = Decimal(0)
# Balances are read every 5 s: three readings missed.
BALANCES_OLD_S = 15.0


def usable_balances(
    market: MarketRef, held: HotBalances | None, orders: tuple[HotOrder, ...], max_fee_bps: Decimal, now_ns: int
) -> Balances:
    """Free balance plus what our own orders of this market hold, never more than the whole: the reading is some seconds old."""
    # What was read too long ago, or by a clock that was since put back, is not known.
    if held is None or abs(now_ns - held.read_ns) > BALANCES_OLD_S * 1e9:
        return Balances(None, None)
    fee = 1 + max_fee_bps / _BPS
    open_orders = [order for order in orders if order.gone_ns == 0]
    bids = sum((o.price * (o.size - o.filled) * fee for o in open_orders if o.side == "buy"), Decimal(0))
    asks = sum((o.size - o.filled for o in open_orders if o.side == "sell"), Decimal(0))
    return Balances(
        base=min(held.total(market.base), held.free(market.base) + asks),
        quote=min(held.total(market.quote), held.free(market.quote) + bids),
    )


@dataclass(frozen=True, slots=True)
class MarginTerms:
    """What a perpetual's venue asks for: initial margin and the larger fee rate, fractions of the notional, in `quote`.

    `initial_margin` None: the venue tells none, and nothing is known to be covered."""

    quote: str
    initial_margin: Decimal | None
    fee: Decimal


def usable_margin(
    terms: MarginTerms,
    held: HotBalances | None,
    orders: tuple[HotOrder, ...],
    position: Decimal,
    reference: float,
    now_ns: int,
) -> Balances:
    """How much may be sold (base) and bought (quote) on a perpetual where the account stands at `position`.

    What closes the position needs no margin; each side may open what the free margin covers, because the venue asks only for
    the larger side.
    """
    if held is None or terms.initial_margin is None or abs(now_ns - held.read_ns) > BALANCES_OLD_S * 1e9:
        return Balances(None, None)
    if not 0.0 < reference < float("inf"):
        return Balances(None, None)
    price, rate = Decimal(repr(reference)), terms.initial_margin + terms.fee
    bids = _opening_notional(orders, "buy", max(-position, _ZERO))
    asks = _opening_notional(orders, "sell", max(position, _ZERO))
    free = min(held.total(terms.quote), held.free(terms.quote) + max(bids, asks) * rate)
    opens = max(free, _ZERO) / rate if rate > 0 else _ZERO
    return Balances(
        base=max(position, _ZERO) + opens / price,
        quote=max(-position, _ZERO) * price + opens,
    )


def _opening_notional(orders: tuple[HotOrder, ...], side: str, closes: Decimal) -> Decimal:
    """The part of a side's notional that would open, taken in the proportion of its size that does not close the position."""
    standing = [order for order in orders if order.gone_ns == 0 and order.side == side and order.size > order.filled]
    whole = sum((order.size - order.filled for order in standing), _ZERO)
    if whole <= closes:
        return _ZERO
    notional = sum((order.price * (order.size - order.filled) for order in standing), _ZERO)
    return notional * (whole - closes) / whole

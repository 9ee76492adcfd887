"""Pure arithmetic of one position: fills, fees, transfers, funding. `Decimal` only, no Django, no clock.

Signed cost basis is stored and the average price derived from it. Every amount is rounded once, to the 18
decimals of the database columns, before it is added; sums are then exact, so that `realised + (q * mark -
cost_basis) = cash_flow + q * mark` holds to the last decimal after any sequence of events (both sides differ
by `realised - cost_basis - cash_flow`, kept at 0).

On a perpetual no notional moves; the venue settles what closes, rounded in its own way. `cash_flow` is then what a spot position
would have brought, `realised` exactly the money that moved, and the cost basis their difference: what is not settled yet. All
three are sums, so that the order in which fills come changes nothing. A flat perpetual keeps what the venue's rounding gave or
took (parts of 1e-8 a fill) as its basis.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

DECIMALS: Final = 18
QUANTUM: Final = Decimal(1).scaleb(-DECIMALS)
# What a column of 38 digits with 18 decimals can hold, with room for sums of many events.
LARGEST: Final = Decimal(10) ** 18
ZERO: Final = Decimal(0)
# Wide enough for the product of two columns; the caller's own context (28 digits) would cut it.
_WIDE: Final = Context(prec=100, rounding=ROUND_HALF_EVEN)


class OutOfRange(ValueError):
    """An amount that is not finite, or too large for the ledger's columns."""


@dataclass(frozen=True, slots=True)
class PositionState:
    """One market's position. `q`, `bought`, `sold` in base, all else in quote; `fills` counts executions.

    `cost_basis` has the sign of `q`; `cash_flow` is what the position brought (positive) or cost (negative),
    fees included, in-kind transfers at their frozen rate.
    """

    q: Decimal = ZERO
    cost_basis: Decimal = ZERO
    realised: Decimal = ZERO
    cash_flow: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    bought: Decimal = ZERO
    sold: Decimal = ZERO
    volume: Decimal = ZERO
    fills: int = 0

    @property
    def average_price(self) -> Decimal | None:
        """Average price (quote per base) of what is held; None when flat."""
        return quantise(_WIDE.divide(self.cost_basis, self.q)) if self.q else None


@dataclass(frozen=True, slots=True)
class MarkedPnl:
    """P&L in quote at one mark: `total = realised + unrealised`."""

    realised: Decimal
    unrealised: Decimal
    total: Decimal


def quantise(amount: Decimal) -> Decimal:
    """`amount` rounded to the ledger's 18 decimals, half to even. Raises `OutOfRange`."""
    if not amount.is_finite() or abs(amount) > LARGEST:
        raise OutOfRange("amount is not finite or larger than the ledger can hold")
    rounded = amount.quantize(QUANTUM, context=_WIDE)
    return rounded if rounded else ZERO.quantize(QUANTUM)


def value(size: Decimal, price: Decimal) -> Decimal:
    """`size * price`, rounded to the ledger's decimals."""
    return quantise(_WIDE.multiply(size, price))


def add(left: Decimal, right: Decimal) -> Decimal:
    """Exact sum of two ledger amounts."""
    return quantise(_WIDE.add(left, right))


def subtract(left: Decimal, right: Decimal) -> Decimal:
    """Exact difference of two ledger amounts."""
    return quantise(_WIDE.subtract(left, right))


def _exchange(state: PositionState, dq: Decimal, rate: Decimal) -> PositionState:
    """Take `dq` base (signed) at `rate` quote per base: what opens goes into the cost basis, what closes is
    realised.
    """
    dq = quantise(dq)
    paid = value(dq, rate)
    after = add(state.q, dq)
    if not dq:
        return state
    if not after:
        basis = ZERO
    elif state.q == 0 or (state.q > 0) == (dq > 0):
        basis = add(state.cost_basis, paid)
    elif abs(dq) < abs(state.q):
        # Closing a part gives up the same part of the basis; the rest keeps its average.
        basis = quantise(_WIDE.divide(_WIDE.multiply(state.cost_basis, after), state.q))
    else:
        basis = value(after, rate)
    cash_flow = subtract(state.cash_flow, paid)
    # The invariant defines what is realised: whatever rounding did to the basis lands here, never nowhere.
    return replace(state, q=after, cost_basis=basis, cash_flow=cash_flow, realised=add(cash_flow, basis))


def _pay(state: PositionState, amount: Decimal) -> PositionState:
    """Pay `amount` quote (negative: receive) out of the position's cash flow; realised at once."""
    return replace(
        state,
        cash_flow=subtract(state.cash_flow, quantise(amount)),
        realised=subtract(state.realised, quantise(amount)),
    )


def apply_fill(state: PositionState, side: str, size: Decimal, price: Decimal) -> PositionState:
    """Book one execution without its fee. `side` is "buy" or "sell"; `size` and `price` are positive."""
    if side not in ("buy", "sell"):
        raise ValueError("side must be buy or sell")
    if not (size > 0 and price > 0):
        raise ValueError("size and price of a fill must be positive")
    size, price = quantise(size), quantise(price)
    after = _exchange(state, size if side == "buy" else -size, price)
    return replace(
        after,
        bought=add(state.bought, size) if side == "buy" else state.bought,
        sold=add(state.sold, size) if side == "sell" else state.sold,
        volume=add(state.volume, value(size, price)),
        fills=state.fills + 1,
    )


def apply_perpetual_fill(
    state: PositionState, side: str, size: Decimal, price: Decimal, settled: Decimal
) -> PositionState:
    """Book one execution on a perpetual without its fee; `settled` is the P&L in quote that the venue paid for it."""
    after = apply_fill(state, side, size, price)
    realised = add(state.realised, quantise(settled))
    return replace(after, realised=realised, cost_basis=subtract(realised, after.cash_flow))


def apply_quote_fee(state: PositionState, fee: Decimal) -> PositionState:
    """Pay `fee` in the quote asset (negative: a rebate)."""
    return replace(_pay(state, fee), fees=add(state.fees, quantise(fee)))


def apply_base_fee(state: PositionState, fee: Decimal, rate: Decimal) -> PositionState:
    """Pay `fee` in the base asset, valued at `rate` quote per base (the fill's price): the position shrinks
    by it.

    As if the fee's base were sold at `rate` and its worth paid: no quote moves in the end.
    """
    given_up = _exchange(state, -quantise(fee), rate)
    return apply_quote_fee(given_up, value(quantise(fee), rate))


def apply_other_fee(state: PositionState, fee: Decimal, rate: Decimal) -> PositionState:
    """Pay `fee` in a third asset worth `rate` quote each, frozen on the fill."""
    return apply_quote_fee(state, value(quantise(fee), rate))


def apply_transfer_in_kind(state: PositionState, amount: Decimal, rate: Decimal) -> PositionState:
    """Deposit (positive) or withdraw (negative) `amount` base at `rate` quote per base, frozen.

    A deposit into a long or flat position adds `amount * rate` to the cost basis and takes it from the cash
    flow: P&L at the rate does not change. A withdrawal realises what the withdrawn part had gained or lost
    against the rate.
    """
    return _exchange(state, amount, rate)


def apply_funding(state: PositionState, amount: Decimal) -> PositionState:
    """Receive (positive) or pay (negative) `amount` quote of funding."""
    return replace(_pay(state, -quantise(amount)), funding=add(state.funding, quantise(amount)))


def mark_to_market(state: PositionState, mark: Decimal) -> MarkedPnl:
    """P&L at `mark` quote per base."""
    unrealised = subtract(value(state.q, mark), state.cost_basis)
    return MarkedPnl(state.realised, unrealised, add(state.realised, unrealised))


def invariant_gap(state: PositionState) -> Decimal:
    """`realised - cost_basis - cash_flow`: 0 as long as no event was booked by halves."""
    return subtract(subtract(state.realised, state.cost_basis), state.cash_flow)

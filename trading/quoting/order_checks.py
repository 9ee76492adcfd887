"""The rules of single orders, applied to what a cycle would place. Pure."""

from __future__ import annotations

from decimal import Decimal

from trading.orders.steps import PlannedStep, StepAction
from trading.quoting.plan import CycleInputs, SlotOrder, SlotStatus
from trading.risk.order_rules import OrderFacts, OwnResting, order_rate, refusal
from trading.risk.side import Side
from trading.strategy.quote_types import QuoteInputs, QuoteReason, SideQuote

_ZERO = Decimal(0)


def is_replaceable(order: SlotOrder, side: Side) -> bool:
    """The order a side's new target takes the place of."""
    return order.side is side and order.status is SlotStatus.LIVE and order.is_current


def passing(target: SideQuote, inputs: CycleInputs, quote: QuoteInputs) -> SideQuote:
    """`target`, or in its place a side that does not quote, with the rule that refuses it; an own order there goes too."""
    if target.reason is not None or target.price is None or inputs.order_limits is None:
        return target
    facts = _facts(target.side, target.price, target.size, inputs, quote, 0)
    code = refusal(facts, inputs.order_limits)
    return target if code is None else SideQuote(target.side, target.raw_price, None, _ZERO, QuoteReason(code.value))


def within_rate(steps: tuple[PlannedStep, ...], inputs: CycleInputs) -> tuple[PlannedStep, ...]:
    """`steps` without the requests that are one too many this minute: a new order waits, one that should move is cancelled."""
    limits, quote = inputs.order_limits, inputs.quote
    if limits is None or quote is None:
        return steps
    sent, kept = inputs.requests_this_minute, []
    for step in steps:
        if step.action is not StepAction.CANCEL:
            if order_rate(_facts(step.side, step.price, step.size, inputs, quote, sent), limits) is not None:
                if step.action is StepAction.AMEND:
                    kept.append(_cancelled(step))
                continue
            sent += 1
        kept.append(step)
    return tuple(kept)


def _cancelled(step: PlannedStep) -> PlannedStep:
    reason = QuoteReason.ORDER_RATE.value
    return PlannedStep(
        StepAction.CANCEL, step.client_order_id, step.side, step.level, step.price, _ZERO, _ZERO, True, reason
    )


def _facts(side: Side, price: Decimal, size: Decimal, inputs: CycleInputs, quote: QuoteInputs, sent: int) -> OrderFacts:
    return OrderFacts(
        side=side,
        price=price,
        size=size,
        reference=Decimal(repr(quote.reference.price)),
        free_base=quote.balances.base,
        free_quote=quote.balances.quote,
        resting=tuple(
            # What either side's new target takes the place of moves in the same cycle, and the venue takes neither order
            # before the other is out of its way (post-only).
            OwnResting(order.side, order.price, order.quantity)
            for order in inputs.orders
            if not is_replaceable(order, order.side)
        ),
        requests_this_minute=sent,
    )

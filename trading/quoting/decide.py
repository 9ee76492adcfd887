"""The decision of a cycle, pure: risk, then quote, then the difference to what rests. Live cycles and `replay` call the same.

No clock, no I/O, no randomness: the same `CycleInputs` give the same `CyclePlan`, bit for bit.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from trading.orders.steps import PlannedStep, StepAction
from trading.quoting.order_checks import is_replaceable, passing, within_rate
from trading.quoting.plan import CycleInputs, CyclePlan, SlotOrder, SlotStatus
from trading.risk.exposure import ExposureOrder, OrderPhase, WorstCase, worst_case
from trading.risk.rules import MarketConditions, assess, state_for_cycle
from trading.risk.side import Side, adds_exposure
from trading.risk.states import SidePermission, TradingState, permission
from trading.strategy.quote import compute_quote
from trading.strategy.quote_types import QuoteInputs, QuoteReason, SideQuote
from trading.strategy.refresh import RefreshAction, RestingOrder, keep_or_replace
from trading.strategy.rounding import floor_to_step

_ZERO = Decimal(0)


def decide(inputs: CycleInputs) -> CyclePlan:
    """What this cycle quotes, and the requests that bring the venue there."""
    if inputs.quote is None or inputs.conditions is None:
        reason = inputs.problem or "inputs_missing"
        steps = tuple(_cancel(order, reason) for order in inputs.orders if order.status is not SlotStatus.ADOPTED)
        return CyclePlan(inputs.state, (), None, None, None, steps, "not_quoting", reason)
    verdicts = assess(inputs.conditions)
    state = state_for_cycle(inputs.state, (), verdicts)
    allowed = permission(state)
    quote = compute_quote(replace(inputs.quote, bid_permission=allowed, ask_permission=allowed))
    bid = within_exposure(quote.bid, inputs, inputs.quote, inputs.conditions)
    ask = within_exposure(quote.ask, inputs, inputs.quote, inputs.conditions)
    bid, ask = passing(bid, inputs, inputs.quote), passing(ask, inputs, inputs.quote)
    steps = (*_slot_steps(bid, inputs, inputs.quote, allowed), *_slot_steps(ask, inputs, inputs.quote, allowed))
    steps = within_rate(steps, inputs)
    sides = sum(1 for target in (bid, ask) if target.reason is None)
    outcome = ("not_quoting", "one_sided", "quoting")[sides]
    reason = _reason(inputs, state, tuple(verdict.reason.value for verdict in verdicts), bid, ask)
    return CyclePlan(state, verdicts, quote, bid, ask, _cancels_first(steps), outcome, reason)


def _reason(inputs: CycleInputs, state: TradingState, fired: tuple[str, ...], bid: SideQuote, ask: SideQuote) -> str:
    """The coded reason for what is missing: a rule's, the stored state's, or a side's own; "" when both sides quote."""
    missing = [target.reason for target in (bid, ask) if target.reason is not None]
    if not missing:
        return ""
    if fired:
        return fired[0]
    if state is not TradingState.ACTIVE:
        return inputs.state_reasons[0] if inputs.state_reasons else f"state_{state.value}"
    return missing[0].value


def _cancels_first(steps: tuple[PlannedStep, ...]) -> tuple[PlannedStep, ...]:
    return tuple(sorted(steps, key=lambda step: step.action is not StepAction.CANCEL))


def slot_exposure(order: SlotOrder) -> ExposureOrder:
    """What an own order adds to worst-case exposure."""
    phase = {
        SlotStatus.LIVE: OrderPhase.LIVE,
        SlotStatus.IN_FLIGHT: OrderPhase.UNKNOWN,
        SlotStatus.CANCEL_PENDING: OrderPhase.CANCEL_PENDING,
        SlotStatus.ADOPTED: OrderPhase.LIVE,
    }[order.status]
    return ExposureOrder(order.side, order.quantity, phase)


def exposure_of(inputs: CycleInputs, orders: tuple[ExposureOrder, ...]) -> WorstCase:
    """Worst case of the market with `orders`, counting fills that the position may not show yet."""
    worst = worst_case(inputs.position, inputs.target, orders)
    return WorstCase(worst.long + inputs.unsettled_bought, worst.short - inputs.unsettled_sold)


def within_exposure(
    target: SideQuote, inputs: CycleInputs, quote: QuoteInputs, conditions: MarketConditions
) -> SideQuote:
    """`target`, cut so that the worst case stays inside the hard limit beside whatever else may fill on its side."""
    if target.reason is not None:
        return target
    beside = tuple(slot_exposure(order) for order in inputs.orders if not is_replaceable(order, target.side))
    worst = exposure_of(inputs, beside)
    limit = Decimal(repr(conditions.q_hard_lots)) * quote.market.lot_size
    headroom = limit - worst.long if target.side is Side.BUY else limit + worst.short
    if target.size <= headroom:
        return target
    size = floor_to_step(max(headroom, _ZERO), quote.market.lot_step)
    price = target.price if target.price is not None else _ZERO
    if size <= _ZERO or size < quote.market.min_size or size * price < quote.market.min_notional:
        return SideQuote(target.side, target.raw_price, None, _ZERO, QuoteReason.INVENTORY_LIMIT)
    return replace(target, size=size)


def _slot_steps(
    target: SideQuote, inputs: CycleInputs, quote: QuoteInputs, allowed: SidePermission
) -> tuple[PlannedStep, ...]:
    """The requests of one side's slot (level 0: one order a side)."""
    own = [order for order in inputs.orders if order.side is target.side and order.status is not SlotStatus.ADOPTED]
    if target.reason is not None or target.price is None:
        why = target.reason.value if target.reason is not None else "no_target"
        return tuple(_cancel(order, why) for order in own)
    foreign = [order for order in own if not order.is_current]  # of an earlier epoch, or by hand
    live = [order for order in own if order.is_current and order.status is SlotStatus.LIVE]
    steps = [_cancel(order, "placed_by_hand" if order.is_foreign else "older_epoch") for order in foreign]
    steps += [_cancel(order, "duplicate") for order in live[1:]]
    blocked = bool(steps) or any(order.is_current and order.status is not SlotStatus.LIVE for order in own)
    current = live[0] if live else None
    resting = None if current is None else RestingOrder(target.side, current.price, current.size - current.filled)
    best_opposite = quote.best_ask if target.side is Side.BUY else quote.best_bid
    choice = keep_or_replace(resting, target, quote.reference.price, quote.parameters, best_opposite)
    reduces = _reduces(target, inputs, quote, allowed)
    if choice.action is RefreshAction.PLACE and not blocked:
        steps.append(_submit(target, reduces, choice.reason.value))
    if current is not None and choice.action is RefreshAction.REPLACE:
        steps += _replacement(current, target, inputs, reduces, choice.reason.value, blocked)
    return tuple(steps)


def _replacement(
    current: SlotOrder, target: SideQuote, inputs: CycleInputs, reduces: bool, reason: str, blocked: bool
) -> list[PlannedStep]:
    """Amend where the venue can and nothing else of the slot is open; else cancel, and a new order if it is free."""
    price = target.price if target.price is not None else _ZERO
    if blocked:
        return [_cancel(current, reason)]
    if inputs.amend_supported:
        return [
            PlannedStep(
                StepAction.AMEND,
                current.client_order_id,
                current.side,
                current.level,
                price,
                target.size,
                current.filled,
                reduces,
                reason,
            )
        ]
    return [_cancel(current, reason), _submit(target, reduces, reason)]


def _reduces(target: SideQuote, inputs: CycleInputs, quote: QuoteInputs, allowed: SidePermission) -> bool:
    """True where a fill of the whole target only brings the position closer to its target."""
    if allowed is SidePermission.NONE or adds_exposure(target.side, quote.q_lots):
        return False
    return target.size <= abs(inputs.position - inputs.target)


def _submit(target: SideQuote, reduces: bool, reason: str) -> PlannedStep:
    price = target.price if target.price is not None else _ZERO
    return PlannedStep(StepAction.SUBMIT, "", target.side, 0, price, target.size, _ZERO, reduces, reason)


def _cancel(order: SlotOrder, reason: str) -> PlannedStep:
    return PlannedStep(
        StepAction.CANCEL, order.client_order_id, order.side, order.level, order.price, _ZERO, _ZERO, True, reason
    )

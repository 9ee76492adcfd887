"""Worst-case exposure of a cycle, as reservations: what is, and what would be if every planned request is accepted."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from trading.hot_state.reservations import Reservation, SharedLimits
from trading.hot_state.values import HotOrder, MarketView
from trading.orders.steps import StepAction
from trading.quoting.connections import Connections
from trading.quoting.decide import exposure_of, slot_exposure
from trading.quoting.inputs import slot_order
from trading.quoting.plan import CycleInputs, CyclePlan
from trading.registry.selectors import MarketRef
from trading.risk.exposure import ExposureOrder, MarketExposure, OrderPhase, WorstCase, held_exposure
from trading.risk.side import Side


def wanted_reservation(market: MarketRef, inputs: CycleInputs, plan: CyclePlan) -> Reservation:
    """Worst case with the plan under way: an order being cancelled still counts, one being amended by its larger size."""
    amended = {step.client_order_id: step.size for step in plan.steps if step.action is StepAction.AMEND}
    orders = []
    for order in inputs.orders:
        exposure = slot_exposure(order)
        larger = max(exposure.remaining, amended.get(order.client_order_id, Decimal(0)))
        orders.append(ExposureOrder(exposure.side, larger, exposure.phase))
    orders += [
        ExposureOrder(step.side, step.size, OrderPhase.IN_FLIGHT)
        for step in plan.steps
        if step.action is StepAction.SUBMIT
    ]
    return _reservation(market, inputs, exposure_of(inputs, tuple(orders)), _mark(inputs))


def standing_reservation(market: MarketRef, inputs: CycleInputs) -> Reservation:
    """Worst case without the plan: what may rest or fill already."""
    worst = exposure_of(inputs, tuple(slot_exposure(order) for order in inputs.orders))
    return _reservation(market, inputs, worst, _mark(inputs))


def reservation(
    market: MarketRef, inputs: CycleInputs, standing: tuple[HotOrder, ...], view: MarketView | None, epoch: int
) -> Reservation | None:
    """Worst case at the end of the cycle, of `standing` orders (those just done included: what they filled since the cycle's
    snapshot is not in its position); None where it can't be marked or measured from a target."""
    if view is None or view.reference is None or not inputs.parameter_version:
        return None
    orders = tuple(slot_exposure(slot_order(order, epoch)) for order in standing if order.gone_ns == 0)
    worst = exposure_of(inputs, orders)
    worst = WorstCase(
        worst.long + _filled_since(inputs, standing, Side.BUY), worst.short - _filled_since(inputs, standing, Side.SELL)
    )
    return _reservation(market, inputs, worst, view.reference)


def _filled_since(inputs: CycleInputs, standing: tuple[HotOrder, ...], side: Side) -> Decimal:
    before = {order.client_order_id: order.filled for order in inputs.orders}
    gained = [
        order.filled - before.get(order.client_order_id, Decimal(0))
        for order in standing
        if order.side == side.value and (order.gone_ns == 0 or order.gone_ns >= inputs.at_ns)
    ]
    return sum(gained, Decimal(0))


def _reservation(market: MarketRef, inputs: CycleInputs, worst: WorstCase, mark: Decimal) -> Reservation:
    inventory = inputs.position - inputs.target
    return Reservation(market.slug, market.base, worst.long, worst.short, mark, inventory)


def _mark(inputs: CycleInputs) -> Decimal:
    return Decimal(repr(inputs.quote.reference.price)) if inputs.quote is not None else Decimal(0)


def shared_limits(connections: Connections, market: MarketRef) -> SharedLimits:
    """Limits of the market's asset and of the desk, with every market they sum over."""
    asset, desk = connections.governed.shared_limits(market.base)
    slugs = tuple(one.slug for one in connections.governed.markets())
    return SharedLimits(None if asset is None else asset.hard, None if desk is None else desk.hard, slugs)


def with_shared(connections: Connections, market: MarketRef, inputs: CycleInputs) -> CycleInputs:
    """`inputs` with the inventory of asset and desk, this market's own as it is now and the others' as last reserved (at
    most a tick old), beside their limits. A market without a reservation is not counted: nothing is sent until it has one."""
    if inputs.conditions is None:
        return inputs
    others = [
        MarketExposure(one.asset, WorstCase(one.inventory, one.inventory), one.mark)
        for one in connections.reserved.values()
        if one.slug != market.slug
    ]
    own = inputs.position - inputs.target
    asset_base, desk_quote = held_exposure(
        (*others, MarketExposure(market.base, WorstCase(own, own), _mark(inputs))), market.base
    )
    asset, desk = connections.governed.shared_limits(market.base)
    conditions = replace(
        inputs.conditions, asset_base=asset_base, asset_limit=asset, desk_quote=desk_quote, desk_limit=desk
    )
    return replace(inputs, conditions=conditions)

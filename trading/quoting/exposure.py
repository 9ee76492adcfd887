"""Worst-case exposure of a cycle, as reservations: what is, and what would be if every planned request is accepted."""

from __future__ import annotations

from decimal import Decimal

from trading.hot_state.reservations import Reservation, SharedLimits
from trading.hot_state.values import HotOrder, MarketView
from trading.orders.steps import StepAction
from trading.quoting.connections import Connections
from trading.quoting.decide import exposure_of, slot_exposure
from trading.quoting.inputs import slot_order
from trading.quoting.plan import CycleInputs, CyclePlan
from trading.registry.selectors import MarketRef
from trading.risk.exposure import ExposureOrder, OrderPhase


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
    worst = exposure_of(inputs, tuple(orders))
    mark = Decimal(repr(inputs.quote.reference.price)) if inputs.quote is not None else Decimal(0)
    return Reservation(market.slug, market.base, worst.long, worst.short, mark)


def reservation(
    market: MarketRef, inputs: CycleInputs, standing: tuple[HotOrder, ...], view: MarketView | None, epoch: int
) -> Reservation | None:
    """Worst case as it stands at the end of the cycle; None where it can't be marked or measured from a target."""
    if view is None or view.reference is None or not inputs.parameter_version:
        return None
    orders = tuple(slot_exposure(slot_order(order, epoch)) for order in standing if order.gone_ns == 0)
    worst = exposure_of(inputs, orders)
    return Reservation(market.slug, market.base, worst.long, worst.short, view.reference)


def shared_limits(connections: Connections, market: MarketRef) -> SharedLimits:
    """Limits of the market's asset and of the desk, with every market they sum over."""
    asset_hard, desk_hard = connections.governed.shared_limits(market.base)
    return SharedLimits(asset_hard, desk_hard, tuple(one.slug for one in connections.governed.markets()))

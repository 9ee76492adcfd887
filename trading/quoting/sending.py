"""Sending what a cycle decided: the batch with its reservation, and the decision announced before its requests go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trading.hot_state import decisions
from trading.hot_state.snapshot import HotSnapshot
from trading.orders.execute import Batch, SentStep, execute
from trading.orders.guard import LeaseGuard
from trading.quoting.connections import Connections
from trading.quoting.exposure import shared_limits, standing_reservation, wanted_reservation
from trading.quoting.plan import CycleInputs, CyclePlan
from trading.quoting.record import unfinished_decision
from trading.registry.selectors import MarketRef
from trading.venues.interface import Venue


@dataclass(frozen=True, slots=True)
class Decided:
    """A cycle between its decision and its end."""

    market: MarketRef
    cycle_id: str
    turn: int
    snapshot: HotSnapshot
    inputs: CycleInputs
    plan: CyclePlan


async def send(connections: Connections, venue: Venue, guard: LeaseGuard, decided: Decided) -> tuple[SentStep, ...]:
    """Send the plan's requests; what came of each. Raises what `execute` raises."""
    market, inputs, plan = decided.market, decided.inputs, decided.plan
    if not plan.steps:
        return ()

    def announce(pipe: Any, steps: tuple[SentStep, ...]) -> None:
        decision = unfinished_decision(decided.cycle_id, guard.epoch, inputs, plan, steps, connections.code_version)
        decisions.queue_announce(pipe, decision)

    batch = Batch(
        market=market,
        cycle_id=decided.cycle_id,
        turn=decided.turn,
        parameter_version=inputs.parameter_version,
        steps=plan.steps,
        installation=connections.governed.installation,
        existing={order.client_order_id: order for order in decided.snapshot.orders},
        wanted=wanted_reservation(market, inputs, plan),
        standing=standing_reservation(market, inputs),
        limits=shared_limits(connections, market),
        announce=announce,
    )
    return await execute(connections.desk, venue, guard, batch)

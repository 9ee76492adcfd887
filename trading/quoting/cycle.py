"""One quoting cycle of one market: snapshot → risk → quote → diff → reserve → replace → record.

Whatever happens ends as an outcome of this market: nothing raised here reaches the other markets of the shard.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

import structlog

from trading.hot_state import decisions, lease
from trading.hot_state.lease import LEASE_TTL_S, TAKEOVER_TIMEOUT_S, LeaseAnswer, LeaseClaim
from trading.hot_state.orders import read_open_orders
from trading.hot_state.snapshot import HotSnapshot, acquire_with_snapshot, read_snapshot
from trading.hot_state.values import HotOrder
from trading.orders.foreign import AccountInUse
from trading.orders.guard import LeaseGuard
from trading.orders.lost import whole_orders
from trading.orders.settle import retire, settle
from trading.quoting.breakers import judge
from trading.quoting.connections import Connections, VenueNotOpen
from trading.quoting.decide import decide
from trading.quoting.due import Due
from trading.quoting.exposure import reservation, with_shared
from trading.quoting.inputs import Governed, build_inputs
from trading.quoting.limits import react_to_limits
from trading.quoting.record import CycleRecord, finish, write_failure
from trading.quoting.sending import Decided, send
from trading.quoting.takeover import note_absent_lease, take_over

log = structlog.get_logger(__name__)
# How long after its lease's end a holder's request may still be executed: its deadline and the difference of clocks.
GRACE_S = 2.5
# The lease counts as over this long before it is, for the time a request needs from the last check to the wire.
LEASE_INSIDE_S = 0.2


@dataclass(slots=True)
class _Held:
    """A lease in hand."""

    claim: LeaseClaim
    guard: LeaseGuard
    turn: int
    snapshot: HotSnapshot
    released: bool = False


async def run_cycle(connections: Connections, due: Due) -> str:
    """Run the cycle; the outcome's word (quoting, one_sided, not_quoting, skipped, error). Never raises."""
    slug = due.market.slug
    if slug in connections.busy:
        return "busy"
    connections.busy.add(slug)
    governed = connections.governed.governed(slug)
    try:
        held = await _acquire(connections, due, governed)
        if isinstance(held, str):
            return held
        try:
            return await asyncio.wait_for(_quote(connections, due, held, governed), _timeout_s(governed))
        finally:
            await asyncio.shield(_release(connections, held))
    except TimeoutError:
        return await _failed(connections, due, "cycle_timeout", "")
    except AccountInUse as problem:
        return await _not_quoting(connections, due, "account_in_use", str(problem))
    except VenueNotOpen as problem:
        return await _failed(connections, due, "venue_unavailable", str(problem))
    except Exception as problem:
        log.exception("cycle_failed", market=slug)
        return await _failed(connections, due, "cycle_failed", type(problem).__name__)
    finally:
        connections.busy.discard(slug)


def _timeout_s(governed: Governed) -> float:
    """A cycle never outlives its lease."""
    wanted = governed.parameters.cycle_timeout_s if governed.parameters is not None else LEASE_TTL_S
    return min(wanted, LEASE_TTL_S - LEASE_INSIDE_S)


async def _acquire(connections: Connections, due: Due, governed: Governed) -> _Held | str:
    """The lease with its snapshot, or why there is no cycle now."""
    claim = _claim(connections, due, governed)
    before_s = connections.clock.monotonic_s()
    answer, snapshot = await acquire_with_snapshot(connections.redis, claim, due.market.account)
    if answer.answer is LeaseAnswer.ABSENT:
        await note_absent_lease(connections, claim)
        answer = await lease.acquire(connections.redis, claim)
    if answer.answer is LeaseAnswer.GRANTED and snapshot is not None:
        return _Held(claim, _guard(connections, answer.epoch, before_s), answer.turn, snapshot)
    if answer.answer is LeaseAnswer.WAIT:
        return await _not_quoting(connections, due, "waiting_for_lease", "")
    if answer.answer is LeaseAnswer.TAKE:
        return await _succeed(connections, due, claim)
    return answer.answer.value


def _claim(connections: Connections, due: Due, governed: Governed) -> LeaseClaim:
    interval_s = governed.parameters.refresh_interval_s if governed.parameters is not None else due.tick_s
    return LeaseClaim(
        slug=due.market.slug,
        owner=f"{connections.owner}:{next(connections.attempts)}",
        now_ns=connections.clock.now_ns(),
        slot_ns=due.slot_ns,
        # Half a tick of play: slots lie on the grid of the tick, which need not divide the interval exactly.
        min_gap_ns=round((max(interval_s, due.tick_s) - due.tick_s / 2) * 1e9),
        grace_ns=round(GRACE_S * 1e9),
    )


def _guard(connections: Connections, epoch: int, asked_at_s: float) -> LeaseGuard:
    return LeaseGuard(connections.clock, epoch, asked_at_s + LEASE_TTL_S - LEASE_INSIDE_S)


async def _succeed(connections: Connections, due: Due, claim: LeaseClaim) -> _Held | str:
    try:
        taken = await asyncio.wait_for(take_over(connections, due.market, claim), TAKEOVER_TIMEOUT_S)
    except BaseException:
        await asyncio.shield(lease.queue_release(connections.redis, claim.slug, claim.owner, claim.now_ns))
        raise
    if taken is None:
        return "skipped"
    epoch, from_s = taken
    now_ns = connections.clock.now_ns()
    snapshot = await read_snapshot(connections.redis, claim.slug, due.market.account, now_ns)
    return _Held(claim, _guard(connections, epoch, from_s), 1, snapshot)


async def _release(connections: Connections, held: _Held) -> None:
    if held.released:
        return
    held.guard.revoke("the cycle is over")
    now_ns = connections.clock.now_ns()
    async with connections.redis.pipeline(transaction=False) as pipe:
        decisions.queue_push_announced(pipe, held.claim.slug)
        lease.queue_release(pipe, held.claim.slug, held.claim.owner, now_ns)
        await pipe.execute()


async def _quote(connections: Connections, due: Due, held: _Held, governed: Governed) -> str:
    """The steps of the cycle, with the lease in hand."""
    market, started_ns = due.market, connections.clock.now_ns()
    venue = await connections.venue(market.account)
    desk = connections.desk
    found = await whole_orders(desk, venue, market, held.snapshot, held.turn)
    orders = await settle(desk, venue, market.slug, found, connections.looks)
    snapshot = replace(held.snapshot, orders=orders)
    judged = await judge(connections, market, snapshot, governed, connections.clock.now_ns())
    inputs = build_inputs(
        market, snapshot, governed, held.guard.epoch, connections.clock.now_ns(),
        amend_supported=venue.capabilities.amend, breakers=judged.conditions,
    )  # fmt: skip
    inputs = with_shared(connections, market, inputs)
    plan = decide(inputs)
    cycle_id = f"{market.slug}:{held.guard.epoch}:{held.turn}"
    decided = Decided(market, cycle_id, held.turn, snapshot, inputs, plan)
    sent = await send(connections, venue, held.guard, decided)
    standing = await read_open_orders(connections.redis, market.slug, with_gone=True) if sent else _resting(snapshot)
    if any(step.detail == "parameters_changed" for step in sent):
        connections.governed.forget_rules()
    await react_to_limits(connections, inputs, market, plan, snapshot.previous)
    record = CycleRecord(
        market, cycle_id, held.guard.epoch, inputs, plan, sent, standing, snapshot,
        # An inventory that is not known is not nothing: what was last reserved stands.
        None if snapshot.position is None else reservation(market, inputs, standing, snapshot.view, held.guard.epoch),
        due, started_ns, connections.clock.now_ns(), connections.code_version,
        own_orders=_held_at_end(snapshot, standing, await retire(desk, market, snapshot.orders, connections.looks)),
        session=judged.session,
    )  # fmt: skip
    held.guard.revoke("the cycle is over")
    # PostgreSQL knows of an epoch after ours: going on under ours would be refused for ever.
    is_lost = any(step.detail == "lease_lost" for step in sent)
    status = await finish(connections, record, held.claim.owner, is_lost=is_lost)
    held.released = True
    return status.outcome


def _held_at_end(snapshot: HotSnapshot, standing: tuple[HotOrder, ...], kept: tuple[HotOrder, ...]) -> tuple[str, ...]:
    """Ids that the hot state has to hold when the next cycle begins."""
    before = {order.client_order_id for order in snapshot.orders}
    new = {order.client_order_id for order in standing} - before
    return tuple(sorted(new | {order.client_order_id for order in kept}))


def _resting(snapshot: HotSnapshot) -> tuple[HotOrder, ...]:
    return tuple(order for order in snapshot.orders if order.gone_ns == 0)


async def _not_quoting(connections: Connections, due: Due, reason: str, detail: str) -> str:
    return await _write_failure(connections, due, "not_quoting", reason, detail)


async def _failed(connections: Connections, due: Due, reason: str, detail: str) -> str:
    return await _write_failure(connections, due, "error", reason, detail)


async def _write_failure(connections: Connections, due: Due, outcome: str, reason: str, detail: str) -> str:
    """Tell the pages; when even Redis is away there is nobody to tell."""
    try:
        await asyncio.wait_for(write_failure(connections, due.market.slug, outcome, reason, detail), 1.0)
    except Exception as problem:
        log.warning("status_not_written", market=due.market.slug, problem=type(problem).__name__)
    return outcome

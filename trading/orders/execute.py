"""Reserve, pass the gate, persist intents, send, learn the outcomes: the only place from which orders go to a venue.

Reservation and gate are asked side by side, because neither writes anything that the other needs: together one round trip to
Redis and one to PostgreSQL before the bytes leave. Cancels ask nobody and wait for nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import structlog
from django.db import DatabaseError

from trading.clock import Clock, to_datetime
from trading.hot_state import orders as hot_orders
from trading.hot_state import reservations
from trading.hot_state.reservations import Reservation, SharedLimits
from trading.hot_state.values import HotOrder
from trading.orders.client_ids import ClientOrderId, format_client_order_id
from trading.orders.desk import Desk
from trading.orders.gate import GateAnswer, GateRequest, Intent, pass_gate
from trading.orders.guard import LeaseGuard
from trading.orders.outcomes import learn, outcome_word
from trading.orders.rebuild import rebuild_reservations
from trading.orders.records import OrderRecord, record_of, write_records
from trading.orders.steps import PlannedStep, StepAction
from trading.registry.selectors import MarketRef
from trading.venues.interface import (
    AmendRequest,
    OrderRequest,
    QuoteStep,
    Side,
    StepKind,
    StepOutcome,
    TimeInForce,
    Venue,
)

log = structlog.get_logger(__name__)
REQUEST_DEADLINE_S = 2.0
# An order's deadline ends this long before our lease, so that the venue's clock may run a little behind ours.
DEADLINE_INSIDE_LEASE_S = 0.1


@dataclass(frozen=True, slots=True)
class Batch:
    """The requests of one cycle. `turn` makes the new orders' ids unique within the epoch, `installation` among all copies of
    the portal; `existing` are the own orders that steps may name; `wanted` the worst case if all of it is accepted, `standing`
    as it is without. `announce` is given a pipeline and the requests that are about to go: it queues what must be kept before
    they do."""

    market: MarketRef
    cycle_id: str
    turn: int
    parameter_version: int
    steps: tuple[PlannedStep, ...]
    existing: Mapping[str, HotOrder]
    installation: str
    wanted: Reservation
    standing: Reservation
    limits: SharedLimits
    announce: Callable[[Any, tuple[SentStep, ...]], None]


@dataclass(frozen=True, slots=True)
class SentStep:
    """What came of one step: `outcome` is accepted, rejected, not_sent, rate_limited, unknown or withheld."""

    action: str
    client_order_id: str
    side: str
    price: Decimal
    size: Decimal
    outcome: str
    detail: str
    sent_ns: int | None
    answered_ns: int | None


@dataclass(frozen=True, slots=True)
class _Prepared:
    planned: PlannedStep
    request: QuoteStep
    hot: HotOrder  # as it stands while the request is under way


@dataclass(frozen=True, slots=True)
class _Asked:
    """What reservation and gate let pass, `reason` for the rest, or `blocked` by side; `stuck`: amends whose orders must
    go because they may not be moved."""

    passed: list[_Prepared]
    reason: str = ""
    stuck: tuple[_Prepared, ...] = ()
    blocked: Mapping[str, str] = field(default_factory=dict)

    def why(self, one: _Prepared) -> str:
        """Why a request was not let pass."""
        return self.blocked.get(one.hot.side, self.reason)


async def execute(desk: Desk, venue: Venue, guard: LeaseGuard, batch: Batch) -> tuple[SentStep, ...]:
    """Send the batch. Never raises for a single request; raises when nothing could be asked or recorded at all. Cancels go
    whatever becomes of the asking; new orders wait for their answers, as the balance they free may be needed."""
    deadline_ns = _deadline_ns(desk.clock, guard)
    prepared = [_prepare(step, batch, guard.epoch, deadline_ns) for step in batch.steps]
    cancels = [one for one in prepared if one.planned.action is StepAction.CANCEL]
    placing = [one for one in prepared if one.planned.action is not StepAction.CANCEL]
    cancelled, asked = await asyncio.gather(
        _send(desk, venue, guard, batch, cancels), _ask(desk, guard, batch, placing), return_exceptions=True
    )
    if isinstance(asked, BaseException):
        raise asked
    if isinstance(cancelled, BaseException):
        raise cancelled
    withheld = [_withheld(one, asked.why(one)) for one in placing if one not in asked.passed]
    instead = [_cancel_instead(one, batch, asked.why(one)) for one in asked.stuck]
    sent = await _send(desk, venue, guard, batch, [*instead, *asked.passed])
    return (*withheld, *cancelled, *sent)


async def _send(
    desk: Desk, venue: Venue, guard: LeaseGuard, batch: Batch, going: Sequence[_Prepared]
) -> tuple[SentStep, ...]:
    if not going:
        return ()
    outcomes = await venue.replace_quote([one.request for one in going], guard)
    await _record(desk, batch, going, outcomes)
    return tuple(_sent(one, outcome) for one, outcome in zip(going, outcomes, strict=True))


def _cancel_instead(one: _Prepared, batch: Batch, reason: str) -> _Prepared:
    """An order that should move and can't must not rest where it is."""
    zero = Decimal(0)
    step = replace(one.planned, action=StepAction.CANCEL, size=zero, already_filled=zero, reduces=True, reason=reason)
    return _prepare(step, batch, 0, 0)


def _deadline_ns(clock: Clock, guard: LeaseGuard) -> int:
    inside = min(REQUEST_DEADLINE_S, guard.remaining_s() - DEADLINE_INSIDE_LEASE_S)
    return clock.now_ns() + round(max(inside, 0.0) * 1e9)


def _prepare(step: PlannedStep, batch: Batch, epoch: int, deadline_ns: int) -> _Prepared:
    """The venue's request and the order as it stands while that is under way."""
    slug = batch.market.slug
    if step.action is StepAction.SUBMIT:
        parts = ClientOrderId(batch.market.id, step.side.value, step.level, epoch, batch.turn, batch.installation)
        new_id = format_client_order_id(parts)
        order = OrderRequest(
            slug, Side(step.side.value), step.price, step.size, new_id, TimeInForce.POST_ONLY, deadline_ns
        )
        hot = HotOrder(
            client_order_id=new_id,
            venue_order_id="",
            side=step.side.value,
            level=step.level,
            epoch=epoch,
            price=step.price,
            size=step.size,
            filled=Decimal(0),
            status="INTENT",
            deadline_ns=deadline_ns,
            updated_ns=0,
        )
        return _Prepared(step, QuoteStep(StepKind.SUBMIT, submit=order), hot)
    current = batch.existing[step.client_order_id]
    if step.action is StepAction.CANCEL:
        cancel = QuoteStep(StepKind.CANCEL, cancel_client_order_id=step.client_order_id, market=slug)
        return _Prepared(step, cancel, current)
    total = step.size + step.already_filled
    amend = AmendRequest(slug, step.client_order_id, step.price, total, deadline_ns)
    hot = replace(current, amend_price=step.price, amend_size=total, deadline_ns=deadline_ns)
    return _Prepared(step, QuoteStep(StepKind.AMEND, amend=amend), hot)


async def _ask(desk: Desk, guard: LeaseGuard, batch: Batch, placing: Sequence[_Prepared]) -> _Asked:
    """Reservation and gate. Raises when the reservation can't be asked."""
    if not placing:
        return _Asked([])
    asked_at_s = desk.clock.monotonic_s()
    gate, blocked = await asyncio.gather(
        _gate(desk, guard, batch, placing), _reserve(desk, batch, placing), return_exceptions=True
    )
    if isinstance(blocked, BaseException):
        raise blocked
    if isinstance(gate, BaseException):
        return await _gate_unreachable(desk, batch, placing, gate)
    passed = [one for one in placing if one.hot.client_order_id in gate.passed]
    going = [one for one in passed if one.hot.side not in blocked]
    if len(going) < len(placing):
        held_back = [one for one in placing if one not in going]
        await _take_back(desk, batch, held_back, [one for one in held_back if one in passed])
    guard.gate_passed(asked_at_s)
    stuck = tuple(
        one for one in placing if one.hot.client_order_id in gate.unamendable or _is_stuck(one, passed, blocked)
    )
    return _Asked(going, gate.reason, stuck, blocked)


def _is_stuck(one: _Prepared, passed: Sequence[_Prepared], blocked: Mapping[str, str]) -> bool:
    """An amend that the gate let pass and a limit of its side does not."""
    return one.planned.action is StepAction.AMEND and one in passed and one.hot.side in blocked


async def _gate_unreachable(desk: Desk, batch: Batch, placing: Sequence[_Prepared], problem: BaseException) -> _Asked:
    """A gate that can't be asked is closed; what was written for it is taken back, in PostgreSQL too: its answer may have
    been lost after the commit."""
    log.warning("gate_unreachable", market=batch.market.slug, problem=type(problem).__name__)
    try:
        await _take_back(desk, batch, placing, placing)
    except DatabaseError as again:
        log.warning("intents_not_taken_back", market=batch.market.slug, problem=type(again).__name__)
    stuck = tuple(one for one in placing if one.planned.action is StepAction.AMEND)
    return _Asked([], "gate_unreachable", stuck)


async def _gate(desk: Desk, guard: LeaseGuard, batch: Batch, placing: Sequence[_Prepared]) -> GateAnswer:
    intents = tuple(
        Intent(
            client_order_id=one.hot.client_order_id,
            side=one.hot.side,
            level=one.hot.level,
            price=one.planned.price,
            size=one.planned.size + one.planned.already_filled,
            reduces=one.planned.reduces,
            is_amend=one.planned.action is StepAction.AMEND,
            deadline=to_datetime(one.hot.deadline_ns),
        )
        for one in placing
    )
    request = GateRequest(
        batch.market.id,
        batch.market.slug,
        guard.epoch,
        batch.parameter_version,
        batch.cycle_id,
        to_datetime(desk.clock.now_ns()),
        intents,
    )
    return await desk.database.run(pass_gate, request)


async def _reserve(desk: Desk, batch: Batch, placing: Sequence[_Prepared]) -> dict[str, str]:
    """Reserve the worst case, write the intents to the hot state and announce the requests, in one round trip; what blocks
    a side, by side."""
    announced = tuple(_step_result(one, "unknown", "", None, None) for one in placing)
    for _ in range(2):
        async with desk.redis.pipeline(transaction=False) as pipe:
            reservations.queue_reserve(pipe, batch.wanted, batch.standing, batch.limits)
            hot_orders.queue_put(pipe, batch.market.slug, [one.hot for one in placing])
            batch.announce(pipe, announced)
            raw = await pipe.execute()
        result = reservations.parse_reserve(raw[0])
        if not result.missing:
            found = ((Side.BUY, result.buy), (Side.SELL, result.sell))
            return {side.value: f"exposure_{limit}" for side, limit in found if limit}
        await rebuild_reservations(desk, result.missing)
    return {side.value: "reservations_unknown" for side in Side}


async def _take_back(desk: Desk, batch: Batch, placing: Sequence[_Prepared], persisted: Sequence[_Prepared]) -> None:
    """Undo the intents of requests that will not go: what they were before, in hot state and PostgreSQL."""
    slug = batch.market.slug
    new = [one.hot.client_order_id for one in placing if one.planned.action is StepAction.SUBMIT]
    old = [batch.existing[one.hot.client_order_id] for one in placing if one.planned.action is StepAction.AMEND]
    await hot_orders.drop_orders(desk.redis, slug, new)
    merges = {order.client_order_id: _without_amend for order in old}
    await hot_orders.change_orders(desk.redis, slug, merges)
    records = [_never_sent(one, batch) for one in persisted]
    if records:
        await desk.database.run(write_records, records, to_datetime(desk.clock.now_ns()))


def _without_amend(current: HotOrder | None) -> HotOrder | None:
    return None if current is None else replace(current, amend_price=None, amend_size=None)


def _never_sent(one: _Prepared, batch: Batch) -> OrderRecord:
    if one.planned.action is StepAction.SUBMIT:
        return replace(record_of(one.hot, "withheld before sending"), status="NOT_SENT")
    return record_of(batch.existing[one.hot.client_order_id])


async def _record(desk: Desk, batch: Batch, going: Sequence[_Prepared], outcomes: Sequence[StepOutcome]) -> None:
    """Outcomes to the hot state, then to PostgreSQL."""
    now_ns = desk.clock.now_ns()
    merges = {
        one.hot.client_order_id: learn(outcome, one.hot, now_ns) for one, outcome in zip(going, outcomes, strict=True)
    }
    standing = await hot_orders.change_orders(desk.redis, batch.market.slug, merges)
    records = []
    for one, outcome in zip(going, outcomes, strict=True):
        order = standing.get(one.hot.client_order_id)
        if order is not None:
            records.append(record_of(order, str(outcome.error or "")))
        elif one.planned.action is StepAction.SUBMIT:
            status = "REJECTED" if outcome_word(outcome.error) == "rejected" else "NOT_SENT"
            records.append(replace(record_of(one.hot, str(outcome.error or "")), status=status))
    try:
        await desk.database.run(write_records, records, to_datetime(now_ns))
    except DatabaseError as problem:
        # The hot state has the truth; the rows catch up when the orders are settled or retired.
        log.warning("outcomes_not_recorded", market=batch.market.slug, problem=type(problem).__name__)


def _withheld(one: _Prepared, reason: str) -> SentStep:
    return _step_result(one, "withheld", reason or "not_passed", None, None)


def _sent(one: _Prepared, outcome: StepOutcome) -> SentStep:
    detail = "" if outcome.error is None else str(outcome.error)[:200]
    return _step_result(one, outcome_word(outcome.error), detail, outcome.sent_ns, outcome.answered_ns)


def _step_result(one: _Prepared, outcome: str, detail: str, sent_ns: int | None, answered_ns: int | None) -> SentStep:
    step = one.planned
    return SentStep(
        step.action.value,
        one.hot.client_order_id,
        step.side.value,
        step.price,
        step.size,
        outcome,
        detail,
        sent_ns,
        answered_ns,
    )

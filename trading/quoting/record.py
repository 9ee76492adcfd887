"""The end of a cycle: status for the pages, decision for the record, reservation as it stands; one round trip."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from trading.hot_state import cycle as hot_cycle
from trading.hot_state import decisions, lease, reservations
from trading.hot_state.codec import encode
from trading.hot_state.decisions import HotDecision
from trading.hot_state.reservations import Reservation
from trading.hot_state.session import queue_session
from trading.hot_state.snapshot import HotSnapshot
from trading.hot_state.values import CycleStatus, HotOrder
from trading.orders.execute import SentStep
from trading.orders.steps import StepAction
from trading.quoting.connections import Connections
from trading.quoting.due import Due
from trading.quoting.inputs import minute_of
from trading.quoting.plan import CycleInputs, CyclePlan
from trading.quoting.sentences import sentence_of
from trading.quoting.telemetry import observe_cycle
from trading.registry.selectors import MarketRef
from trading.risk.session import Session
from trading.risk.verdict import Rule
from trading.strategy.codec import to_dict
from trading.strategy.quote import spread_and_skew_bps


@dataclass(frozen=True, slots=True)
class CycleRecord:
    """Everything a finished cycle leaves behind."""

    market: MarketRef
    cycle_id: str
    epoch: int
    inputs: CycleInputs
    plan: CyclePlan
    sent: tuple[SentStep, ...]
    standing: tuple[HotOrder, ...]
    snapshot: HotSnapshot
    reserved: Reservation | None
    due: Due
    started_ns: int
    ended_ns: int
    code_version: str
    own_orders: tuple[str, ...]
    session: Session | None = None

    @property
    def duration_ms(self) -> float:
        return (self.ended_ns - self.started_ns) / 1e6


async def finish(connections: Connections, record: CycleRecord, owner: str, *, is_lost: bool) -> CycleStatus:
    """Write status, decision and reservation, give the lease of `owner` back (or up, where it `is_lost`); count."""
    status = status_of(record)
    decision = decision_of(record, status)
    async with connections.redis.pipeline(transaction=False) as pipe:
        hot_cycle.queue_cycle(pipe, status)
        decisions.queue_push(pipe, decision)
        decisions.queue_forget_announced(pipe, record.market.slug)
        if record.session is not None:
            queue_session(pipe, record.market.slug, record.session)
        if record.reserved is not None:
            reservations.queue_state(pipe, record.reserved)
        give_back = lease.queue_lose if is_lost else lease.queue_release
        give_back(pipe, record.market.slug, owner, record.ended_ns)
        await pipe.execute()
    observe_cycle(record, status)
    return status


def outcome_of(record: CycleRecord) -> tuple[str, str]:
    """Outcome and coded reason by what rests now of what was wanted; one that decided not to quote stays that."""
    plan = record.plan
    wanted = {one.side.value for one in (plan.bid, plan.ask) if one is not None and one.reason is None}
    resting = {
        order.side for order in record.standing if order.status == "LIVE" and order.gone_ns == 0 and not order.foreign
    }
    if wanted <= resting:
        return plan.outcome, plan.reason
    withheld = next((step.detail for step in record.sent if step.outcome == "withheld"), "not_resting")
    return ("not_quoting", "one_sided")[len(wanted & resting)], withheld


def status_of(record: CycleRecord) -> CycleStatus:
    """What the pages show of the cycle."""
    plan, quote = record.plan, record.plan.quote
    reference = None if record.inputs.quote is None else record.inputs.quote.reference.price
    widths = None if quote is None or reference is None else spread_and_skew_bps(quote, reference)
    spread_bps, skew_bps = widths if widths is not None else (None, None)
    key, args = sentence_of(record.inputs, plan, record.sent)
    outcome, reason = outcome_of(record)
    if reason == "not_resting":
        key, args = reason, {}
    return CycleStatus(
        slug=record.market.slug,
        at_ns=record.ended_ns,
        cycle_id=record.cycle_id,
        outcome=outcome,
        reason=reason,
        state=plan.state.value,
        sentence_key=key,
        sentence_args=args,
        bid=plan.bid.price if plan.bid else None,
        bid_size=plan.bid.size if plan.bid and plan.bid.price is not None else None,
        ask=plan.ask.price if plan.ask else None,
        ask_size=plan.ask.size if plan.ask and plan.ask.price is not None else None,
        reservation=quote.r if quote else None,
        spread_bps=spread_bps,
        skew_bps=skew_bps,
        parameter_version=record.inputs.parameter_version or None,
        epoch=record.epoch,
        duration_ms=record.duration_ms,
        fired=tuple(verdict.reason.value for verdict in plan.verdicts),
        own_orders=record.own_orders,
        rejects_in_a_row=_rejects(record),
        requests_minute=minute_of(record.inputs.at_ns),
        requests=record.inputs.requests_this_minute + sum(1 for step in record.sent if _is_placing(step)),
        gap_since_ns=_gap_since_ns(record),
    )


def _is_placing(step: SentStep) -> bool:
    return step.action != StepAction.CANCEL.value and step.outcome != "withheld"


def _rejects(record: CycleRecord) -> int:
    """Requests refused in a row up to now; a breaker that fired for them begins to count again."""
    if any(verdict.rule is Rule.REJECTS for verdict in record.plan.verdicts):
        return 0
    count = 0 if record.snapshot.previous is None else record.snapshot.previous.rejects_in_a_row
    for step in record.sent:
        count = 0 if step.outcome == "accepted" else count + (step.outcome == "rejected")
    return count


def _gap_since_ns(record: CycleRecord) -> int:
    """Since when balance and inventory differ by more than allowed; 0: they do not, or it can't be told."""
    conditions = record.inputs.conditions
    if conditions is None or conditions.breakers is None or conditions.breakers.facts.balance_gap_lots is None:
        return 0
    facts, limits = conditions.breakers.facts, conditions.breakers.limits
    if facts.balance_gap_lots is None or abs(facts.balance_gap_lots) <= limits.balance_gap_lots:
        return 0
    before = 0 if record.snapshot.previous is None else record.snapshot.previous.gap_since_ns
    return before or record.inputs.at_ns


def is_notable(record: CycleRecord, status: CycleStatus) -> bool:
    """Something was sent, withheld or changed."""
    before = record.snapshot.previous
    if record.sent or before is None:
        return True
    now = (status.outcome, status.reason, status.state, status.parameter_version)
    return now != (before.outcome, before.reason, before.state, before.parameter_version)


def decision_of(record: CycleRecord, status: CycleStatus) -> HotDecision:
    """The cycle for the record: what went in, what came out, what was sent."""
    sides = {
        order.side for order in record.standing if order.status == "LIVE" and order.gone_ns == 0 and not order.foreign
    }
    return HotDecision(
        slug=record.market.slug,
        cycle_id=record.cycle_id,
        at_ns=record.inputs.at_ns,
        outcome=status.outcome,
        reason=status.reason,
        notable=is_notable(record, status),
        parameter_version=record.inputs.parameter_version or None,
        code_version=record.code_version,
        inputs=msgspec.Raw(encode(to_dict(record.inputs))),
        result=msgspec.Raw(encode(to_dict(record.plan))),
        orders=msgspec.Raw(encode(record.sent)),
        epoch=record.epoch,
        duration_ms=record.duration_ms,
        resting_sides=len(sides),
        spread_bps=status.spread_bps,
    )


def unfinished_decision(
    cycle_id: str, epoch: int, inputs: CycleInputs, plan: CyclePlan, steps: tuple[SentStep, ...], code_version: str
) -> HotDecision:
    """The decision of a cycle as known when its requests go out: what became of them is not."""
    return HotDecision(
        slug=inputs.slug,
        cycle_id=cycle_id,
        at_ns=inputs.at_ns,
        outcome="error",
        reason="cycle_unfinished",
        notable=True,
        parameter_version=inputs.parameter_version or None,
        code_version=code_version,
        inputs=msgspec.Raw(encode(to_dict(inputs))),
        result=msgspec.Raw(encode(to_dict(plan))),
        orders=msgspec.Raw(encode(steps)),
        epoch=epoch,
        duration_ms=0.0,
        resting_sides=0,
        spread_bps=None,
    )


async def write_failure(connections: Connections, slug: str, outcome: str, reason: str, detail: str) -> None:
    """The status of a cycle that did not come to a decision."""
    status = CycleStatus(
        slug=slug,
        at_ns=connections.clock.now_ns(),
        cycle_id="",
        outcome=outcome,
        reason=reason,
        state="",
        sentence_key=reason,
        sentence_args={"detail": detail} if detail else {},
    )
    await hot_cycle.write_cycle(connections.redis, status)

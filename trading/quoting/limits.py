"""What the cycle does about limits beyond not quoting: a lock and an event, once per crossing."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError, transaction

from trading import metrics
from trading.clock import to_datetime
from trading.controls.services import impose_lock
from trading.events.services import record
from trading.hot_state.values import CycleStatus
from trading.quoting.connections import Connections
from trading.quoting.plan import CycleInputs, CyclePlan
from trading.registry.selectors import MarketRef
from trading.risk.verdict import ReasonCode, Release, Rule, Verdict

# Limits at which people are told that no exposure is added any more.
_TOLD = frozenset(
    {ReasonCode.SOFT_LIMIT_REACHED, ReasonCode.ASSET_SOFT_LIMIT_REACHED, ReasonCode.DESK_SOFT_LIMIT_REACHED}
)
# The rule under which breakers lock: one operator may lift it, and the database knows it (trading/sql/ended_by_authority.sql).
BREAKER = "breaker"
log = structlog.get_logger(__name__)


async def react_to_limits(
    connections: Connections, inputs: CycleInputs, market: MarketRef, plan: CyclePlan, previous: CycleStatus | None
) -> None:
    """Hard limit and drawdown: locked until two people resume. Breaker: locked for its cool-down. Soft limit: an event when
    it is reached."""
    try:
        await _react(connections, inputs, market, plan, previous)
    except DatabaseError as problem:
        # The verdict itself keeps the quotes away in every cycle, until the lock can be written.
        log.warning("limit_not_recorded", market=market.slug, problem=type(problem).__name__)


async def _react(
    connections: Connections, inputs: CycleInputs, market: MarketRef, plan: CyclePlan, previous: CycleStatus | None
) -> None:
    now = to_datetime(connections.clock.now_ns())
    told = () if previous is None else previous.fired
    for verdict in plan.verdicts:
        if verdict.release is Release.TWO_PEOPLE:
            # The desk's limit is nobody's in particular: the desk is locked, and all its markets with it.
            scope = "desk" if verdict.rule is Rule.DESK_LIMIT else market.slug
            await connections.database.run(lock_for_verdict, scope, verdict, now)
        elif verdict.release is Release.COOL_DOWN:
            until = now + timedelta(seconds=_cooldown_s(inputs))
            if await connections.database.run(break_for_verdict, market.slug, verdict, now, until):
                metrics.BREAKERS_FIRED.labels(market.slug, verdict.rule.value).inc()
        elif verdict.reason in _TOLD and verdict.reason.value not in told:
            await connections.database.run(tell_soft_limit, market.slug, verdict, now)


def _cooldown_s(inputs: CycleInputs) -> float:
    conditions = inputs.conditions
    breakers = None if conditions is None else conditions.breakers
    return 0.0 if breakers is None else breakers.limits.cooldown_s


def lock_for_verdict(scope: str, verdict: Verdict, now: datetime) -> bool:
    """Impose the verdict's state; False where it was imposed already."""
    numbers = dict(verdict.data)
    text = ", ".join(f"{name} {value}" for name, value in numbers.items())
    return impose_lock(
        scope,
        verdict.state_imposed,
        verdict.rule.value,
        f"{verdict.reason.value}: {text}",
        imposed_by="quoting",
        now=now,
        event_type="limit.hard",
        details=numbers,
    )


def break_for_verdict(slug: str, verdict: Verdict, now: datetime, until: datetime) -> bool:
    """A breaker's lock, until the cool-down is over or one operator resumes; False where it stands already."""
    numbers = dict(verdict.data)
    text = ", ".join(f"{name} {value}" for name, value in numbers.items())
    return impose_lock(
        slug,
        verdict.state_imposed,
        BREAKER,
        f"{verdict.reason.value}: {text}",
        imposed_by="quoting",
        now=now,
        until=until,
        event_type="risk.breaker",
        details={"breaker": verdict.rule.value, "until": until, **numbers},
    )


def tell_soft_limit(slug: str, verdict: Verdict, now: datetime) -> None:
    with transaction.atomic():
        record(
            f"market:{slug}",
            "limit.soft",
            {"market": slug, "rule": verdict.rule.value, **dict(verdict.data)},
            occurred_at=now,
        )

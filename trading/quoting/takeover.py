"""Succeeding a holder that did not end cleanly: new epoch, sweep, settle, then the market quotes again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import structlog
from django.db import Error as DatabaseProblem

from trading import metrics
from trading.clock import to_datetime
from trading.hot_state import decisions, lease
from trading.hot_state.lease import LeaseClaim
from trading.orders.foreign import (
    AccountInUse,
    ForeignPolicy,
    note_by_hand,
    note_other_copy,
    policy_of,
    record_by_hand,
    record_other_copy,
    tell_apart,
)
from trading.orders.records import ever_leased, next_epoch
from trading.orders.sweep import settle_predecessors, sweep
from trading.quoting.connections import Connections
from trading.registry.selectors import MarketRef
from trading.venues.interface import OwnOrder

log = structlog.get_logger(__name__)


async def note_absent_lease(connections: Connections, claim: LeaseClaim) -> None:
    """Redis knows of no lease: a market that once had a holder waits as if that one had just begun."""
    held = await connections.database.run(ever_leased, claim.slug)
    await lease.note_absent(connections.redis, claim, ever_held=held)


async def take_over(connections: Connections, market: MarketRef, claim: LeaseClaim) -> tuple[int, float] | None:
    """The new epoch, under which the caller now holds the lease, and the monotonic time from which that lease counts; None
    if another process was quicker.

    The venue is asked first, so that a venue that is away does not use up epochs. Whoever was slow learns before drawing an
    epoch and before sweeping that another has taken over: a sweep may only meet orders of epochs before its own.
    Raises VenueError, SweepFailed, VenueNotOpen, AccountInUse (another copy of the portal quotes through the account).
    """
    venue = await connections.venue(market.account)
    left = await look_around(connections, market, await venue.fetch_open_orders())
    if not await lease.is_taking(connections.redis, claim):
        return None
    now_ns = connections.clock.now_ns()
    epoch = await connections.database.run(next_epoch, market.slug, connections.owner, to_datetime(now_ns))
    if not await lease.is_taking(connections.redis, claim):
        return None
    swept = await sweep(venue, market.slug, epoch, left)
    settled = await settle_predecessors(connections.desk, venue, market.slug, market.id, epoch)
    from_s = connections.clock.monotonic_s()
    renewed = replace(claim, now_ns=connections.clock.now_ns())
    if not await lease.install_epoch(connections.redis, renewed, epoch):
        return None
    await decisions.queue_push_announced(connections.redis, market.slug)
    metrics.LEASE_TAKEOVERS.labels(market.slug).inc()
    log.info("lease_taken_over", market=market.slug, epoch=epoch, swept=swept, settled=settled)
    return epoch, from_s


async def look_around(connections: Connections, market: MarketRef, resting: Sequence[OwnOrder]) -> tuple[str, ...]:
    """Look at all that rests on the account before anything is swept; ids of the orders placed by hand that stay there.

    What was placed by hand is in the hot state afterwards, and so in the worst case of the first cycle. Raises `AccountInUse`,
    DatabaseError: whose orders they are must be known.
    """
    apart = await connections.database.run(tell_apart, resting)
    account, now_ns = market.account, connections.clock.now_ns()
    now = to_datetime(now_ns)
    if apart.of_another_copy:
        mine, orders = connections.governed.installation, apart.of_another_copy
        name, is_news = await note_other_copy(connections.redis, account, orders, mine, now_ns)
        if is_news:
            await _recorded(connections, record_other_copy, account, name, orders, now)
        raise AccountInUse(name or "?")
    served = {one.slug for one in connections.governed.markets()}
    here = [order for order in apart.by_hand if order.market in served]
    news = await note_by_hand(connections.redis, account, here, now_ns)
    await _recorded(connections, record_by_hand, account, news, now)
    return tuple(order.client_order_id for order in here) if policy_of(account) is ForeignPolicy.ADOPT else ()


async def _recorded(connections: Connections, write: Callable[..., None], *args: Any) -> None:
    """An event that can't be written now is in the log and the metric; it holds no takeover up."""
    try:
        await connections.database.run(write, *args)
    except DatabaseProblem as problem:
        log.warning("foreign_orders_not_recorded", problem=type(problem).__name__)

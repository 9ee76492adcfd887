"""Succeeding a holder that did not end cleanly: new epoch, sweep, settle, then the market quotes again."""

from __future__ import annotations

from dataclasses import replace

import structlog

from trading import metrics
from trading.clock import to_datetime
from trading.hot_state import decisions, lease
from trading.hot_state.lease import LeaseClaim
from trading.orders.records import ever_leased, next_epoch
from trading.orders.sweep import settle_predecessors, sweep
from trading.quoting.connections import Connections
from trading.registry.selectors import MarketRef

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
    Raises VenueError, SweepFailed, VenueNotOpen.
    """
    venue = await connections.venue(market.account)
    await venue.fetch_open_orders(market.slug)
    if not await lease.is_taking(connections.redis, claim):
        return None
    now_ns = connections.clock.now_ns()
    epoch = await connections.database.run(next_epoch, market.slug, connections.owner, to_datetime(now_ns))
    if not await lease.is_taking(connections.redis, claim):
        return None
    swept = await sweep(venue, market.slug, epoch)
    settled = await settle_predecessors(connections.desk, venue, market.slug, market.id, epoch)
    from_s = connections.clock.monotonic_s()
    renewed = replace(claim, now_ns=connections.clock.now_ns())
    if not await lease.install_epoch(connections.redis, renewed, epoch):
        return None
    await decisions.queue_push_announced(connections.redis, market.slug)
    metrics.LEASE_TAKEOVERS.labels(market.slug).inc()
    log.info("lease_taken_over", market=market.slug, epoch=epoch, swept=swept, settled=settled)
    return epoch, from_s

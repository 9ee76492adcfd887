"""Succeeding a holder that did not end cleanly: new epoch, sweep, settle, then the market quotes again."""

from __future__ import annotations

import structlog

from trading.clock import to_datetime
from trading.hot_state import lease
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

    The venue is asked first, so that a venue that is away does not use up epochs. Raises VenueError, SweepFailed, VenueNotOpen.
    """
    venue = await connections.venue(market.account)
    await venue.fetch_open_orders(market.slug)
    desk = connections.desk
    now_ns = connections.clock.now_ns()
    epoch = await connections.database.run(next_epoch, market.slug, connections.owner, to_datetime(now_ns))
    swept = await sweep(venue, market.slug, epoch)
    settled = await settle_predecessors(desk, venue, market.slug, market.id, epoch)
    from_s = connections.clock.monotonic_s()
    renewed = LeaseClaim(
        claim.slug,
        claim.owner,
        connections.clock.now_ns(),
        claim.slot_ns,
        claim.min_gap_ns,
        claim.grace_ns,
        claim.ttl_s,
    )
    if not await lease.install_epoch(connections.redis, renewed, epoch):
        return None
    log.info("lease_taken_over", market=market.slug, epoch=epoch, swept=swept, settled=settled)
    return epoch, from_s

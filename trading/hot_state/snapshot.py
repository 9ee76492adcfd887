"""Everything a cycle reads of one market, in the one round trip that also asks for the lease."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import redis.asyncio

from trading.hot_state import controls, inbox, keys, lease, orders
from trading.hot_state.codec import HotStateCorrupt, decode
from trading.hot_state.cycle import parse_cycle
from trading.hot_state.lease import LeaseClaim, LeaseResult
from trading.hot_state.values import CycleStatus, HotBalances, HotOrder, HotPosition, MarketView
from trading.venues.interface import MarketInfo


@dataclass(frozen=True, slots=True)
class HotSnapshot:
    """One market at one moment. None: not there. `pending`: signed base quantity of fills on their way to the ledger.
    `corrupt` names keys whose content can't be read: their values are None, and the market does not quote."""

    view: MarketView | None
    position: HotPosition | None
    pending: Decimal
    orders: tuple[HotOrder, ...]
    balances: HotBalances | None
    info: MarketInfo | None
    tightened: tuple[str, ...]
    previous: CycleStatus | None
    corrupt: tuple[str, ...]


def queue_snapshot(pipe: Any, slug: str, account: str) -> None:
    """Queue the reads on a pipeline; `parse_snapshot` reads the answers."""
    pipe.get(keys.market_view(slug))
    inbox.queue_inventory(pipe, slug)
    orders.queue_read(pipe, slug)
    pipe.get(keys.balances(account))
    pipe.hget(keys.market_info(account), slug)
    controls.queue_read(pipe, ("desk", slug))
    pipe.get(keys.cycle(slug))


def parse_snapshot(raw: list[Any], slug: str, now_ns: int) -> HotSnapshot:
    view, position, pending, hot_orders, balances, info, tightened, previous = raw
    corrupt: list[str] = []

    def read(body: bytes | None, kind: type[Any], name: str) -> Any:
        if body is None:
            return None
        try:
            return decode(body, kind)
        except HotStateCorrupt:
            corrupt.append(name)
            return None

    try:
        found = orders.parse_orders(hot_orders)
    except HotStateCorrupt:
        corrupt.append("orders")
        found = ()
    inventory = inbox.parse_inventory(position, pending, slug)
    if position is not None and inventory.position is None:
        corrupt.append("position")
    return HotSnapshot(
        view=read(view, MarketView, "view"),
        position=inventory.position,
        pending=inventory.pending,
        orders=found,
        balances=read(balances, HotBalances, "balances"),
        info=read(info, MarketInfo, "market_info"),
        tightened=controls.parse_controls(tightened, now_ns),
        previous=parse_cycle(previous),
        corrupt=tuple(corrupt),
    )


async def acquire_with_snapshot(
    client: redis.asyncio.Redis, claim: LeaseClaim, account: str
) -> tuple[LeaseResult, HotSnapshot]:
    """Ask for the lease and read the market. The snapshot means something only to the holder."""
    async with client.pipeline(transaction=True) as pipe:
        lease.queue_acquire(pipe, claim)
        queue_snapshot(pipe, claim.slug, account)
        raw = await pipe.execute()
    return lease.parse_acquire(raw[0]), parse_snapshot(raw[1:], claim.slug, claim.now_ns)


async def read_snapshot(client: redis.asyncio.Redis, slug: str, account: str, now_ns: int) -> HotSnapshot:
    """Read the market again (after a takeover, or after orders were settled)."""
    async with client.pipeline(transaction=True) as pipe:
        queue_snapshot(pipe, slug, account)
        return parse_snapshot(await pipe.execute(), slug, now_ns)

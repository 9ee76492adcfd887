"""The cycle over the real adapter and the sandbox venue: real clock, real sockets, real engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from tests.quoting.world import DEX, World
from trading.clock import SystemClock
from trading.hot_state.orders import read_open_orders
from trading.hot_state.values import CycleStatus
from trading.models import Order
from trading.quoting.connections import Connections
from trading.quoting.cycle import run_cycle
from trading.quoting.due import Due
from trading.sandbox.server.faults import FaultKind, FaultRule
from trading.sandbox.server.testing import RunningVenue, running_venue
from trading.sandbox.types import RecordTop
from trading.venues.credentials import Credential
from trading.venues.ton_dex.adapter import TonDexVenue

MID = Decimal("0.2700")


def play(venue: RunningVenue, mid: Decimal) -> None:
    venue.play(RecordTop(0, mid - Decimal("0.0002"), Decimal(5000), mid + Decimal("0.0002"), Decimal(5000)))


@asynccontextmanager
async def live_desk(world: World) -> AsyncIterator[tuple[Connections, RunningVenue]]:
    world.clock = SystemClock()
    async with running_venue("dex") as venue:
        play(venue, MID)

        def open_venue(markets, account, clock):
            return TonDexVenue(
                markets=markets, account=account, base_url=venue.base_url, clock=clock,
                credential=Credential(venue.key_id, venue.secret, ""),
            )  # fmt: skip

        worker = world.worker()
        worker.open_venue = open_venue
        world.ready(DEX)
        await worker.governed.refresh()
        try:
            yield worker, venue
        finally:
            await worker.close()


async def cycle(world: World, worker: Connections, mid: Decimal = MID) -> CycleStatus:
    world.publish(DEX, mid=mid)
    market = next(one for one in worker.governed.markets() if one.slug == DEX)
    world.slot += 1
    now_ns = world.clock.now_ns()
    await run_cycle(worker, Due(market, now_ns + world.slot * 10**9, 1.0, now_ns))
    return world.status()


def resting(venue: RunningVenue) -> dict[str, Decimal]:
    return {order.client_order_id: order.price for order in venue.exchange.open_orders("desk")}


async def test_quotes_rest_are_amended_and_leave(world: World) -> None:
    async with live_desk(world) as (worker, venue):
        status = await cycle(world, worker)
        assert (status.outcome, status.sentence_key) == ("quoting", "quoting"), status
        first = resting(venue)
        assert sorted(first.values()) == sorted([status.bid, status.ask])
        moved = MID + Decimal("0.0001")
        play(venue, moved)
        status = await cycle(world, worker, moved)
        second = resting(venue)
        assert set(second) == set(first), "both were amended: two calls, same ids"
        assert sorted(second.values()) == sorted([status.bid, status.ask]) != sorted(first.values())
        rows = {row.client_order_id: (row.status, row.price, row.amend_price) for row in Order.objects.all()}
        assert rows == {key: ("LIVE", price, None) for key, price in second.items()}
        await cycle(world, worker, moved)
        assert resting(venue) == second, "unchanged market, nothing sent"


@pytest.mark.parametrize("endpoint", ["place", "amend"])
async def test_an_answer_lost_after_executing_is_found_not_sent_again(world: World, endpoint: str) -> None:
    async with live_desk(world) as (worker, venue):
        if endpoint == "amend":
            await cycle(world, worker)
        venue.faults.add(FaultRule(FaultKind.ERROR_AFTER, endpoint=endpoint, count=1))
        moved = MID + Decimal("0.0001")
        play(venue, moved)
        await cycle(world, worker, moved)
        unknown = [one for one in await read_open_orders(worker.redis, DEX) if one.status == "UNKNOWN"]
        assert len(unknown) == 1
        assert len(resting(venue)) == 2
        await cycle(world, worker, moved)
        found = await read_open_orders(worker.redis, DEX)
        assert {order.status for order in found} == {"LIVE"}
        assert {order.client_order_id: order.price for order in found} == resting(venue)


async def test_a_request_that_never_executed_is_settled_after_its_deadline(world: World) -> None:
    async with live_desk(world) as (worker, venue):
        venue.faults.add(FaultRule(FaultKind.ERROR_BEFORE, endpoint="place", count=1))
        await cycle(world, worker)
        assert len(resting(venue)) == 1
        async with asyncio.timeout(6):
            while len(resting(venue)) < 2:
                await cycle(world, worker)
                await asyncio.sleep(0.1)
        statuses = sorted([row.status for row in Order.objects.all()])
        assert statuses == ["CANCELLED", "LIVE", "LIVE"]


async def test_an_amend_after_a_fill_finds_the_fill_and_quotes_anew(world: World) -> None:
    async with live_desk(world) as (worker, venue):
        status = await cycle(world, worker)
        assert status.bid is not None
        bid_id = next(key for key, price in resting(venue).items() if price == status.bid)
        low = status.bid - Decimal("0.001")
        play(venue, low)  # the recorded market falls through our bid: it is filled
        await asyncio.sleep(0)
        for _ in range(3):
            await cycle(world, worker, low)
        assert bid_id not in resting(venue)
        assert len(resting(venue)) == 2
        gone = [one for one in await read_open_orders(worker.redis, DEX, with_gone=True) if one.gone_ns]
        assert [(one.client_order_id, one.status) for one in gone] == [(bid_id, "FILLED")]

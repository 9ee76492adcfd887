"""Whole desks in processes of their own on one account of a real sandbox venue: a second copy, and a holder that was stopped."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import redis

from tests.quoting.test_with_sandbox import cycle, live_desk
from tests.quoting.world import World
from tests.support.plugin import SERVERS, WORKER
from tests.support.servers import BASE_DIR
from trading.models import Order
from trading.orders.client_ids import parse_client_order_id
from trading.quoting.connections import Connections
from trading.sandbox.server.testing import RunningVenue


@asynccontextmanager
async def desk_process(
    venue: RunningVenue, environment: dict[str, str], **wanted: Any
) -> AsyncIterator[asyncio.subprocess.Process]:
    asked = {"base_url": venue.base_url, "key_id": venue.key_id, "secret": venue.secret, **wanted}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.quoting.desk_process", json.dumps(asked), cwd=BASE_DIR,
        env=os.environ | environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def line(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    return json.loads(await asyncio.wait_for(process.stdout.readline(), 30))


def resting(venue: RunningVenue) -> set[str]:
    return {order.client_order_id for order in venue.exchange.open_orders("desk")}


async def test_the_second_copy_on_the_account_refuses_and_harms_nothing(world: World) -> None:
    """It has a database and a Redis of its own: all that it can know of the first stands at the venue."""
    name, address = f"copy_{WORKER}", SERVERS.redis_url(15)
    SERVERS.clone(name)
    with redis.Redis.from_url(address, socket_timeout=5) as client:
        client.flushdb()
    environment = {"DATABASE_URL": SERVERS.database_url(name), "REDIS_URL": address}
    async with live_desk(world) as (first, venue):
        assert (await cycle(world, first)).outcome == "quoting"
        before = resting(venue)
        async with desk_process(venue, environment, name="copy", cycles=8, declare=True, freeze=False) as second:
            told = [await line(second) for _ in range(8)]
        assert told[-1] == told[-2], told
        assert (told[-1]["outcome"], told[-1]["reason"]) == ("not_quoting", "account_in_use")
        assert told[-1]["args"] == {"detail": first.governed.installation}
        assert resting(venue) == before and len(before) == 2
        placed = {order.client_order_id for order in venue.exchange.order_history("desk")}
        assert placed == before, "the second copy placed nothing"
        await first.governed.refresh()
        assert (await cycle(world, first)).outcome == "quoting", "the first one goes on"


async def test_a_process_stopped_before_the_wire_sends_nothing_after_its_successor_swept(world: World) -> None:
    """A real SIGSTOP, as late as it can come, until the successor quotes: more than five seconds."""
    async with live_desk(world) as (heir, venue):
        stopped_at = world.clock.monotonic_s()
        async with desk_process(venue, {}, name="stopped", cycles=1, declare=False, freeze=True) as holder:
            frozen = (await line(holder))["frozen"]
            await _until_quoting(world, heir, venue, frozen)
            assert world.clock.monotonic_s() - stopped_at >= 5
            swept = {order.client_order_id for order in venue.exchange.order_history("desk")}
            holder.send_signal(signal.SIGCONT)
            await line(holder)
        placed = {order.client_order_id for order in venue.exchange.order_history("desk")}
        assert placed == swept, "nothing new arrived"
        assert {parse_client_order_id(one).epoch for one in resting(venue)} == {int(world.lease()["epoch"])}
        assert len(resting(venue)) == 2
        rows = dict(Order.objects.values_list("client_order_id", "status"))
        assert {rows[one] for one in resting(venue)} == {"LIVE"}
        assert "LIVE" not in {status for one, status in rows.items() if one not in resting(venue)}


async def _until_quoting(world: World, heir: Connections, venue: RunningVenue, frozen: int) -> None:
    async with asyncio.timeout(30):
        while not await _quotes(world, heir):
            assert {parse_client_order_id(one).epoch for one in resting(venue)} <= {frozen}
            await asyncio.sleep(0.2)
    assert int(world.lease()["epoch"]) > frozen


async def _quotes(world: World, heir: Connections) -> bool:
    """Run a cycle, governed as a tick would have it; while the stopped process holds the lease there is not even a status."""
    await heir.governed.refresh()
    try:
        return (await cycle(world, heir)).outcome == "quoting"
    except AssertionError:
        return False
